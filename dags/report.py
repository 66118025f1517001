"""Write the report of each month once it is over. A backfill writes those of past months, and a second run the same files."""

from datetime import datetime, timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, task

from dags.job import job


@dag(
    schedule=CronDataIntervalTimetable("0 4 1 * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "cdp", "retries": 2, "retry_delay": timedelta(minutes=10)},
    tags=["cdp"],
    doc_md=__doc__,
)
def cdp_monthly_report() -> None:
    month = "{{ data_interval_start.strftime('%Y-%m') if data_interval_start is defined else '' }}"  # a run by hand may have no date
    task(job("monthly_report", "month"))(month=month)


cdp_monthly_report()
