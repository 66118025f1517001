"""Forget what is old, refresh the planner's statistics and back up, every night."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

from dags.job import job


@dag(
    schedule="30 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "cdp", "retries": 2, "retry_delay": timedelta(minutes=10)},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_housekeeping() -> None:
    task(job("housekeeping"))()


cdp_housekeeping()
