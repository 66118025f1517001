"""`cdp run`, `cdp dags`."""

from __future__ import annotations

import importlib.util
import time
from datetime import datetime

import click

from cdp import jobs
from cdp.cli.console import database, fail, out
from cdp.errors import PlatformError


@click.command()
@click.option("--every", type=click.IntRange(min=1), default=60, show_default=True, metavar="MINUTES", help="Start this often.")
@click.option("--once", is_flag=True, help="Do everything once and stop.")
def run(every: int, once: bool) -> None:
    """Do all recurring work in this process, without a scheduler, until it is stopped."""
    database()
    while True:
        started = time.monotonic()
        complete = _everything()
        if once:
            raise SystemExit(0 if complete else 1)
        time.sleep(max(0.0, every * 60 - (time.monotonic() - started)))


def _everything() -> bool:
    """Every stage in order; one that fails is reported, and the others go on."""
    complete = True
    for name, stage in jobs.stages():
        try:
            report = stage()
        except PlatformError as error:
            fail(f"{name}: {error}")
            complete = False
        else:
            told = ", ".join(f"{key} {value}" for key, value in report.items())
            out.print(f"{datetime.now():%H:%M:%S} {name}: {told}")
    return complete


@click.group()
def dags() -> None:
    """The Airflow DAGs."""


@dags.command()
def path() -> None:
    """The folder to configure as an Airflow DAG bundle."""
    spec = importlib.util.find_spec("dags")
    if spec is None or not spec.submodule_search_locations:
        raise PlatformError("the package `dags` is not installed beside `cdp`")
    click.echo(next(iter(spec.submodule_search_locations)))
