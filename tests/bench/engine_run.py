"""This engine on the standardised people, in its default configuration.

`python -m tests.bench.engine_run CUSTOMERS.parquet TRUTH.parquet RESULT.json`
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from cdp.identity import resolve
from cdp.identity.arrays import frugal

from .scores import score


def main(customers: str, truth_path: str, result: str) -> None:
    with frugal():
        table = pq.read_table(customers)
    started = time.perf_counter()
    found = resolve(table)
    whole = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    truth = pq.read_table(truth_path, columns=["record_id", "entity_id"])
    assert truth["record_id"].equals(table["record_id"]), "the truth is in the order of the records"
    report = {
        "seconds": {stage.name: stage.seconds for stage in found.stages} | {"in all": whole},
        "peaks": {stage.name: stage.peak_mib * 2**20 for stage in found.stages},
        "cpu": used.ru_utime + used.ru_stime + workers.ru_utime + workers.ru_stime,
        "peak": (used.ru_maxrss + workers.ru_maxrss) * 1024,
        "pairs": next(stage.count for stage in found.stages if stage.name == "compare"),
        "scores": asdict(score(np.asarray(found.cluster), truth["entity_id"].to_numpy())),
    }
    Path(result).write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
