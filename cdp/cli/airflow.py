"""`cdp dags serve`: a real Airflow beside the platform, its own database in the same PostgreSQL server."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from cdp import vendors
from cdp.cli.console import database, err, settings
from cdp.db import database_url
from cdp.errors import PlatformError
from cdp.settings import Settings

DATABASE = "airflow"


def folder() -> Path:
    """The folder of the DAGs.

    Raises:
        PlatformError: they are not installed.
    """
    spec = importlib.util.find_spec("dags")
    if spec is None or not spec.submodule_search_locations:
        raise PlatformError("the package `dags` is not installed beside `cdp`")
    return Path(next(iter(spec.submodule_search_locations)))


def environment(chosen: Settings, url: URL, port: int) -> Mapping[str, str]:
    """Variables under which Airflow finds its database and the DAGs, and the DAGs the platform."""
    home = chosen.home.resolve() / "airflow"
    bundle = {
        "name": "cdp",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(folder()), "refresh_interval": 300},
    }
    written = url.set(database=DATABASE)
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "CDP_HOME": str(chosen.home.resolve()),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": written.set(drivername="postgresql+psycopg").render_as_string(hide_password=False),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": written.set(drivername="postgresql+psycopg_async").render_as_string(
            hide_password=False
        ),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(max(2, os.cpu_count() or 2)),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),  # Airflow's own is shorter than its signature asks for
        # Airflow's API starts after its scheduler, and slowly: a task that is begun meanwhile waits for it instead of failing.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }


@click.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port of Airflow's page on this machine.")
def serve(port: int) -> None:
    """Run Airflow with the DAGs, its own database in the platform's server, until it is stopped.

    Its page answers on this machine only, and whoever opens it may do everything.
    """
    if importlib.util.find_spec("airflow") is None:
        raise PlatformError("Airflow is not installed: pip install 'customer-data-platform[airflow]'")
    database()
    url = database_url(settings())
    _make_database(url)
    under = {**os.environ, **environment(settings(), url, port)}
    Path(under["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    _airflow(under, "db", "migrate")
    pools = Path(under["AIRFLOW_HOME"]) / "pools.json"
    pools.write_text(json.dumps(vendors.pools()), "utf-8")
    _airflow(under, "pools", "import", str(pools))
    err.print(f"Airflow on http://127.0.0.1:{port} (Ctrl-C stops)", markup=False)
    raise SystemExit(run_to_its_end([sys.executable, "-m", "airflow", "standalone"], under))


def run_to_its_end(command: Sequence[str], under: Mapping[str, str]) -> int:
    """Run a program and stay, since this process holds the embedded database and has to let go of it; Ctrl-C or a stop end both."""
    for each in (signal.SIGINT, signal.SIGTERM):  # before the program starts: it must not inherit that a shell's `&` ignores Ctrl-C
        signal.signal(each, lambda *_: process.send_signal(signal.SIGINT))
    process = subprocess.Popen(command, env=dict(under), start_new_session=True)  # noqa: S603  # no shell, fixed program
    return process.wait()


def _make_database(url: URL) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        there = connection.execute(text("select 1 from pg_database where datname = :name"), {"name": DATABASE}).first()
        if there is None:
            connection.execute(text(f"create database {DATABASE}"))
    engine.dispose()


def _airflow(under: Mapping[str, str], *arguments: str) -> None:
    result = subprocess.run(  # noqa: S603  # no shell, fixed program
        [sys.executable, "-m", "airflow", *arguments], env=dict(under), capture_output=True, text=True, check=False
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise PlatformError(f"airflow {' '.join(arguments[:2])} failed: {last}")
