"""Pull every source: a mapped task each, in a pool for each vendor. A source that fails or is put off holds nobody up."""

from datetime import datetime, timedelta

from airflow.sdk import XComArg, dag, task

from dags.assets import LANDED
from dags.job import job

RETRY = {"retries": 4, "retry_delay": timedelta(minutes=2), "retry_exponential_backoff": 2.0, "max_retry_delay": timedelta(hours=1)}


def pulled(connector: str) -> XComArg:
    names = task(task_id=connector)(job("source_names", "connector"))(connector=connector)
    pull = task(task_id=f"pull_{connector}", pool=f"cdp_from_{connector}", outlets=[LANDED[connector]])
    pull(job("sync_source", "name")).expand(name=names)
    return names


@dag(
    schedule="@hourly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=4,  # one that waits for a vendor keeps no later one from the others
    default_args={"owner": "cdp", **RETRY},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_sources() -> None:
    _ = task.branch(job("connectors_in_use"))() >> [pulled(connector) for connector in LANDED]


cdp_sources()
