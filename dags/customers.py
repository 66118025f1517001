"""Pull every source, decide who is who, refresh the profiles."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

from cdp import jobs
from dags.assets import PROFILES

RETRY = {"retries": 4, "retry_delay": timedelta(minutes=2), "retry_exponential_backoff": True}


@dag(
    schedule="@hourly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "cdp", **RETRY},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_customers() -> None:
    sources = task(jobs.source_names)()
    synced = task(trigger_rule="all_success", max_active_tis_per_dagrun=4)(jobs.sync_source).expand(name=sources)
    resolved = task(trigger_rule="all_done")(jobs.resolve)()
    synced >> resolved >> task(outlets=[PROFILES])(jobs.refresh_profiles)()


cdp_customers()
