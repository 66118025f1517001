"""The workers of a sync end with it, whatever ends it."""

from __future__ import annotations

import subprocess
import sys

import psutil

SCRIPT = """
import os, time
from cdp.ingest.workers import worker_pool
if __name__ == "__main__":
    with worker_pool(2) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""


def test_a_worker_does_not_outlive_a_killed_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs([worker], timeout=120)
    for process in alive:
        process.kill()
    assert alive == []
