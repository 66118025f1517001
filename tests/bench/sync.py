"""`make bench`: rows a second through `cdp sync` from a CSV of generated customers, its peak memory, and a second sync of the same.

The commands are the ones that users type, each a process of its own, on an embedded database of its own under `bench-out/`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import yaml

from .identity import OUT, ROOT
from .mixes import COMPANY
from .people import Population, people_for, write
from .worlds import WORLDS


@dataclass(frozen=True)
class Run:
    """Wall seconds, CPU seconds and peak memory (bytes) of a command: `own` with its worker processes, `server` the database beside it.

    A worker of the server that ended between two looks at it takes its last quarter of a second along.
    """

    seconds: float
    cpu: float
    server_cpu: float
    own: int
    server: int


def _resident(pids: list[psutil.Process]) -> int:
    total = 0
    for process in pids:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def _server(home: str) -> list[psutil.Process]:
    """The database server of the platform at `home`, with its processes."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and any(home in part for part in process.info["cmdline"] or ()):
            return [process, *process.children(recursive=True)]
    return []


def _spent(pids: list[psutil.Process], seconds: dict[int, float]) -> None:
    """Note the CPU seconds of each process so far."""
    for process in pids:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        seconds[process.pid] = times.user + times.system


def _watch(root: psutil.Process, home: str, stop: threading.Event, peaks: dict[str, int], seconds: dict[int, float]) -> None:
    """Sample memory and the server's CPU until `stop`; shared pages count once for each process, so their sum is an upper bound."""
    while not stop.wait(0.25):
        try:
            family = [root, *root.children(recursive=True)]
            served = _server(home)
        except psutil.Error:
            continue
        known = {process.pid for process in served}
        peaks["own"] = max(peaks["own"], _resident([process for process in family if process.pid not in known]))
        peaks["server"] = max(peaks["server"], _resident(served))
        _spent(served, seconds)


def run(*command: str, environment: dict[str, str]) -> Run:
    """Run a command and measure it."""
    before = os.times()
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sys.stderr)
    stop, peaks, seconds_of = threading.Event(), {"own": 0, "server": 0}, dict[int, float]()
    watcher = threading.Thread(target=_watch, args=(psutil.Process(process.pid), environment["CDP_HOME"], stop, peaks, seconds_of))
    watcher.start()
    status = process.wait()
    seconds = time.perf_counter() - started
    stop.set()
    watcher.join()
    after = os.times()
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(seconds, cpu, sum(seconds_of.values()), peaks["own"], peaks["server"])


def prepare(records: int) -> tuple[Path, dict[str, str]]:
    """The CSV, a source definition for it, and the environment of an empty platform."""
    folder = OUT / f"sync-{records}"
    csv = folder / "customers.csv"
    if not csv.exists():
        write(Population(WORLDS["us"](), COMPANY, people_for(COMPANY, records), seed=3), folder)
        pa_csv.write_csv(pq.read_table(folder / "records.parquet"), csv)
    mapping = yaml.safe_load((folder / "mapping.yaml").read_text(encoding="utf-8"))
    definition = {"name": "people", "connector": "files", "config": {"path": str(csv)}, "mapping": mapping}
    (folder / "source.yaml").write_text(yaml.safe_dump(definition), encoding="utf-8")
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CDP_")}
    return folder / "source.yaml", environment | {"CDP_HOME": str(home)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    records = parser.parse_args().records
    source, environment = prepare(records)
    cdp = str(Path(sys.executable).with_name("cdp"))
    run(cdp, "init", environment=environment)
    run(cdp, "sources", "add", str(source), "--yes", environment=environment)
    first, second = (run(cdp, "sync", environment=environment) for _ in range(2))
    print(f"{records:,} rows of CSV; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':16}{'seconds':>10}{'CPU, s':>10}{'server, s':>11}{'rows/s':>10}{'memory, MB':>12}{'server, MB':>12}")
    for name, measured in (("first sync", first), ("unchanged", second)):
        rate = records / measured.seconds
        print(
            f"{name:16}{measured.seconds:10.1f}{measured.cpu:10.1f}{measured.server_cpu:11.1f}{rate:10,.0f}"
            f"{measured.own / 1e6:12,.0f}{measured.server / 1e6:12,.0f}"
        )
    print(f"the second sync is {first.seconds / second.seconds:.1f} times as fast")


if __name__ == "__main__":
    main()
