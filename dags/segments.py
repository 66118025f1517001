"""Decide who is in which segment and fire monitors, as soon as attributes are fresh."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

from dags.assets import ATTRIBUTES, SEGMENTS
from dags.job import job


@dag(
    schedule=[ATTRIBUTES],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "cdp", "retries": 2, "retry_delay": timedelta(minutes=2)},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_segments() -> None:
    task(outlets=[SEGMENTS])(job("refresh_segments"))()


cdp_segments()
