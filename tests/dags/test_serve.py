"""`cdp dags serve` gives Airflow a database of its own in the platform's server, and the DAGs the platform's home."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL

from cdp.cli import airflow
from cdp.settings import Settings


def test_airflow_has_its_own_database_in_the_same_server(server: URL, tmp_path: Path) -> None:
    found = airflow.environment(replace(Settings(), home=tmp_path), server, 8123)
    for name, driver in (("SQL_ALCHEMY_CONN", "psycopg"), ("SQL_ALCHEMY_CONN_ASYNC", "psycopg_async")):
        url = make_url(found[f"AIRFLOW__DATABASE__{name}"])
        assert (url.drivername, url.database, url.query) == (f"postgresql+{driver}", "airflow", server.query)
    (bundle,) = json.loads(found["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert (Path(bundle["kwargs"]["path"]) / "sources.py").exists()
    assert found["CDP_HOME"] == str(tmp_path)
    assert len(found["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64, "as long as its signature asks for"
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1", "whoever opens the page may do everything"


def test_making_the_database_twice_changes_nothing(server: URL) -> None:
    airflow._make_database(server)
    airflow._make_database(server)
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from pg_database where datname = 'airflow'")).scalar_one() == 1
        connection.execute(text("drop database airflow"))
    engine.dispose()


def test_a_stop_ends_airflow_first_and_then_this_process_in_good_order(tmp_path: Path) -> None:
    child = "import time, sys\ntry:\n print('up', flush=True); time.sleep(60)\nexcept KeyboardInterrupt:\n print('stopped'); sys.exit(3)"
    script = (
        "import os, sys\nfrom cdp.cli.airflow import run_to_its_end\n"
        f"print(run_to_its_end([sys.executable, '-c', {child!r}], os.environ), 'left')"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.terminate()
    assert process.communicate(timeout=60)[0].split() == ["stopped", "3", "left"]
