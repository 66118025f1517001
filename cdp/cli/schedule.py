"""`cdp run`, `cdp report`, `cdp dags`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from cdp import jobs, vendors
from cdp.cli import airflow
from cdp.cli.console import database, fail, out
from cdp.errors import PlatformError

_TICK = 60.0


@click.command()
@click.option("--every", type=click.IntRange(min=1), default=60, show_default=True, metavar="MINUTES", help="Pull and refresh this often.")
@click.option("--once", is_flag=True, help="Do everything once and stop.")
def run(every: int, once: bool) -> None:
    """Do all recurring work in this process, without a scheduler, until it is stopped.

    Destinations with a schedule of their own are sent to when it says so, identity is learned anew weekly (a report, nothing changes),
    the report of a month is written when it is over, and housekeeping is done daily.
    """
    database()
    pauses: dict[str, datetime] = {}
    following = time.monotonic()
    while True:
        complete = True
        if time.monotonic() >= following:
            following = time.monotonic() + every * 60
            complete = _do(jobs.stages(), pauses) & _do(jobs.occasional(), pauses)
        complete &= _do(jobs.sends(), pauses)
        if once:
            raise SystemExit(0 if complete else 1)
        time.sleep(max(0.0, min(following - time.monotonic(), _TICK)))


def _do(stages: Sequence[jobs.Stage], pauses: dict[str, datetime]) -> bool:
    """Every stage in order; one that fails is reported, and the others go on. One that wants a pause is left alone until it is over."""
    complete = True
    for name, stage in stages:
        if pauses.get(name, datetime.min.replace(tzinfo=UTC)) > datetime.now(UTC):
            continue
        try:
            report = stage()
        except jobs.Later as error:
            pauses[name] = error.until
            fail(f"{name}: {error} (again from {error.until:%H:%M} UTC on)")
            complete = False
        except PlatformError as error:
            fail(f"{name}: {error}")
            complete = False
        else:
            told = ", ".join(f"{key} {value}" for key, value in report.items())
            out.print(f"{datetime.now():%H:%M:%S} {name}: {told}", markup=False)
    return complete


@click.command()
@click.argument("month", required=False)
def report(month: str | None) -> None:
    """Write the report of MONTH (2026-10; the last whole one where left out) under the home folder."""
    database()
    made = jobs.monthly_report(month)
    out.print(f"reports/{', reports/'.join(made['files'])}", markup=False)


@click.command()
def housekeeping() -> None:
    """Forget what is old, refresh the planner's statistics, back up once a day."""
    database()
    for name, value in jobs.housekeeping().items():
        out.print(f"{name}: {value:,}", markup=False)


@click.group()
def dags() -> None:
    """The Airflow DAGs."""


@dags.command()
def path() -> None:
    """The folder to configure as an Airflow DAG bundle."""
    click.echo(airflow.folder())


@dags.command()
def pools() -> None:
    """The pools that the DAGs use, one for each vendor, as `airflow pools import` reads them."""
    click.echo(json.dumps(vendors.pools(), indent=1))


dags.add_command(airflow.serve)
