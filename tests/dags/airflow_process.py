"""An Airflow of its own in one process, which takes seconds to load, for all that tests ask of it.

A question is a line of JSON on standard input: the name of a function of ANSWERS, its arguments, and the environment it runs under.
The answer is a line on standard output that begins with ANSWER.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ANSWER = "answer: "
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)


def _bag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    import dags

    bag = DagBag(dag_folder=str(Path(dags.__file__).parent))
    assert not bag.import_errors, bag.import_errors
    return bag


def _uris(condition: Any) -> Iterator[str]:
    """The assets of a condition."""
    for part in getattr(condition, "objects", ()):
        yield from _uris(part)
    if uri := getattr(condition, "uri", None):
        yield uri.rstrip("/")


def describe() -> dict[str, Any]:
    """How the DAGs hang together: what each waits for, its tasks, and what they hand over."""
    return {
        dag.dag_id: {
            "on": sorted(_uris(dag.timetable.asset_condition)),
            "tasks": {t.task_id: [sorted(t.downstream_task_ids), sorted(o.uri.rstrip("/") for o in t.outlets), t.pool] for t in dag.tasks},
            "owner": dag.owner,
            "doc": bool(dag.doc_md),
            "tags": sorted(dag.tags),
            "retries": min(t.retries for t in dag.tasks),
            "catchup": dag.catchup,
        }
        for dag in _bag().dags.values()
    }


def run(*dag_ids: str) -> dict[str, Any]:
    """The DAGs one after the other to their end, with `dag.test()`: the state of each, and its tasks'.

    LONGEST_WAIT is how long a call may wait before its task is put off instead.
    """
    from cdp import jobs
    from cdp.activation import calls

    calls.LONGEST_WAIT = float(os.environ.get("LONGEST_WAIT", calls.LONGEST_WAIT))
    bag, reports = _bag(), {}
    for dag_id in dag_ids:
        done = bag.dags[dag_id].test()
        states = [(ti.task_id, ti.map_index, str(ti.state), ti.try_number) for ti in done.get_task_instances()]
        reports[dag_id] = {"state": str(done.state), "tasks": sorted(states)}
    jobs._engine().dispose()
    jobs._engine.cache_clear()
    jobs._settings.cache_clear()
    return reports


def put_off() -> list[Any]:
    """The name of the function that a DAG makes of a job, and when Airflow comes back where the job asks for a pause until UNTIL."""
    from airflow.sdk.exceptions import AirflowRescheduleException

    from cdp import jobs
    from dags.job import job

    def sync_source(name: str) -> None:
        raise jobs.Later("pause", UNTIL)

    real, jobs.sync_source = jobs.sync_source, sync_source  # type: ignore[assignment]  # for a moment
    try:
        job("sync_source", "name")(name="x")
    except AirflowRescheduleException as error:
        return [job("sync_source", "name").__name__, error.reschedule_date.isoformat()]
    finally:
        jobs.sync_source = real
    return []


def failed_at_once() -> str:
    """What Airflow is told where trying again is no use."""
    from airflow.sdk.exceptions import AirflowFailException

    from cdp import jobs
    from dags.job import job

    def send_audience(name: str) -> None:
        raise jobs.ToMend("no such folder")

    real, jobs.send_audience = jobs.send_audience, send_audience  # type: ignore[assignment]  # for a moment
    try:
        job("send_audience", "name")(name="x")
    except AirflowFailException as error:
        return str(error)
    finally:
        jobs.send_audience = real
    return ""


ANSWERS = {function.__name__: function for function in (describe, run, put_off, failed_at_once)}


def main(pools: str) -> None:
    """Make the metadata database, then answer until there is no further question."""
    from airflow.__main__ import main as airflow

    for sys.argv[1:] in (["db", "migrate"], ["pools", "import", pools]):
        airflow()
    logging.disable(logging.INFO)
    for line in sys.stdin:
        name, arguments, environ = json.loads(line)
        before = dict(os.environ)
        os.environ.update(environ)
        print(ANSWER + json.dumps(ANSWERS[name](*arguments)), flush=True)
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    main(sys.argv[1])
