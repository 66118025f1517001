"""Bring every destination up to date with its audience, as soon as segments are fresh."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

from cdp import jobs
from dags.assets import SEGMENTS


@dag(
    schedule=[SEGMENTS],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "cdp", "retries": 6, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": True},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_audiences() -> None:
    task(jobs.send_audience).expand(name=task(jobs.destination_names)())


cdp_audiences()
