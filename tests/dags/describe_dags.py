"""Prints how the DAGs hang together, as one line of JSON: what each waits for, its tasks, and what they hand over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def uris(condition: Any) -> Iterator[str]:
    """The assets of a condition."""
    for part in getattr(condition, "objects", ()):
        yield from uris(part)
    if uri := getattr(condition, "uri", None):
        yield uri.rstrip("/")


def main() -> None:
    """Read the DAGs and describe them."""
    from airflow.dag_processing.dagbag import DagBag

    import dags

    found = {}
    for dag in DagBag(dag_folder=str(Path(dags.__file__).parent)).dags.values():
        found[dag.dag_id] = {
            "on": sorted(uris(dag.timetable.asset_condition)),
            "tasks": {t.task_id: [sorted(t.downstream_task_ids), sorted(o.uri.rstrip("/") for o in t.outlets), t.pool] for t in dag.tasks},
            "owner": dag.owner,
            "doc": bool(dag.doc_md),
            "tags": sorted(dag.tags),
            "retries": min(t.retries for t in dag.tasks),
            "catchup": dag.catchup,
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
