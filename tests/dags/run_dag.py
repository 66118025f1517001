"""Runs DAGs to their end with `dag.test()`, in a process of their own, and prints a line of JSON for each: its state and its tasks'."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path


def main(dag_ids: list[str]) -> None:
    """Run the DAGs one after the other; LONGEST_WAIT is how long a call may wait before its task is put off instead."""
    from airflow.dag_processing.dagbag import DagBag

    import dags
    from cdp.activation import calls

    calls.LONGEST_WAIT = float(os.environ.get("LONGEST_WAIT", calls.LONGEST_WAIT))
    bag = DagBag(dag_folder=str(Path(dags.__file__).parent))
    if bag.import_errors:
        raise SystemExit(str(bag.import_errors))
    for dag_id in dag_ids:
        run = bag.dags[dag_id].test()
        states = [(ti.task_id, ti.map_index, str(ti.state), ti.try_number) for ti in run.get_task_instances()]
        print(json.dumps({"dag": dag_id, "state": str(run.state), "tasks": sorted(states)}))


if __name__ == "__main__":
    logging.disable(logging.INFO)
    main(sys.argv[1:])
