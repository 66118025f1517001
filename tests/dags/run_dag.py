"""Runs one DAG to its end with `dag.test()`, in a process of its own, and prints its tasks' states and results as JSON."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path


def main(dag_id: str) -> None:
    """Run the DAG; exit status 1 where it did not succeed."""
    from airflow.dag_processing.dagbag import DagBag

    import dags

    bag = DagBag(dag_folder=str(Path(dags.__file__).parent))
    if bag.import_errors:
        raise SystemExit(str(bag.import_errors))
    run = bag.dags[dag_id].test()
    states = [(ti.task_id, ti.map_index, str(ti.state)) for ti in run.get_task_instances()]
    print(json.dumps({"state": str(run.state), "tasks": sorted(states)}))


if __name__ == "__main__":
    logging.disable(logging.INFO)
    main(sys.argv[1])
