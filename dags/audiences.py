"""Bring destinations up to date: those that are due by their own schedule, the others as soon as segments are fresh."""

from datetime import datetime, timedelta

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, XComArg, dag, task

from cdp.vendors import KINDS
from dags.assets import SEGMENTS
from dags.job import job


def sent(kind: str) -> XComArg:
    due = task(task_id=kind)(job("destinations_due", "kind"))(kind=kind)
    task(task_id=f"send_{kind}", pool=f"cdp_to_{kind}")(job("send_audience", "name")).expand(name=due)
    return due


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("*/15 * * * *", timezone="UTC"), assets=[SEGMENTS]),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=4,  # one that waits for a vendor keeps no later one from the others
    default_args={"owner": "cdp", "retries": 3, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": 2.0},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_audiences() -> None:
    _ = task.branch(job("kinds_due"))() >> [sent(kind) for kind in KINDS]


cdp_audiences()
