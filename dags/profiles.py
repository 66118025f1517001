"""Decide who is who and refresh the profiles, as soon as any source has landed."""

from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from airflow.sdk import dag, task

from dags.assets import LANDED, PROFILES
from dags.job import job


@dag(
    schedule=reduce(or_, LANDED.values()),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "cdp", "retries": 2, "retry_delay": timedelta(minutes=2)},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_profiles() -> None:
    task(job("resolve"))() >> task(outlets=[PROFILES])(job("refresh_profiles"))()


cdp_profiles()
