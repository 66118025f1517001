"""Airflow DAGs: each file declares one DAG that schedules functions of `cdp.jobs`; none holds logic or works when it is imported."""
