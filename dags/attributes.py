"""Compute the attributes of whoever changed, as soon as profiles are fresh."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

from dags.assets import ATTRIBUTES, PROFILES
from dags.job import job


@dag(
    schedule=[PROFILES],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "cdp", "retries": 2, "retry_delay": timedelta(minutes=2)},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_attributes() -> None:
    task(outlets=[ATTRIBUTES])(job("refresh_attributes"))()


cdp_attributes()
