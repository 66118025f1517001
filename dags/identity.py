"""Learn identity anew every week and report what it would change; a person decides whether to take it."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

from dags.job import job


@dag(
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "cdp", "retries": 1, "retry_delay": timedelta(minutes=10)},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_retrain() -> None:
    task(job("retrain"))()


cdp_retrain()
