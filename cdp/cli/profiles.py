"""`cdp resolve`, `cdp profiles`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import click
from rich.progress import Progress
from rich.table import Table

from cdp.cli.console import database, err, out, settings
from cdp.errors import PlatformError
from cdp.profiles import find, get, history, refresh, resolve_profiles
from cdp.segments import refresh_since


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--no-refresh", is_flag=True, help="Leave the profiles' values as they are.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def resolve(dry_run: bool, no_refresh: bool, as_json: bool) -> None:
    """Decide who is who among all records, and refresh the profiles that this changed."""
    started = datetime.now(UTC)
    with err.status("Resolving"):
        report = resolve_profiles(database(), settings(), dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        would = "would be " if dry_run else ""
        out.print(
            f"{_many(report.records, 'record')}: {_many(report.profiles, 'person', 'people')}, {_many(report.households, 'household')} "
            f"({report.seconds:.1f} s). "
            f"{would.capitalize()}{'c' if would else 'C'}reated {report.created:,}, merged {report.merged:,}, split {report.split:,}; "
            f"{_many(report.doubtful, 'doubtful pair')} for a steward."
        )
    if not dry_run and not no_refresh:
        _refresh(False, started)


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def _refresh(full: bool, started: datetime) -> None:
    """Refresh profiles, and decide at once who changed since `started`."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task("Refreshing profiles", total=None)
        report = refresh(database(), settings(), full=full, progress=lambda done, total: bars.update(task, completed=done, total=total))
    err.print(f"{report.changed:,} of {report.profiles:,} profiles changed, {report.removed:,} removed ({report.seconds:.1f} s)")
    refresh_since(database(), started)


@click.group()
def profiles() -> None:
    """The unified customers."""


@profiles.command("refresh")
@click.option("--full", is_flag=True, help="All profiles, not only those with something new.")
def refresh_profiles(full: bool) -> None:
    """Choose the profiles' values again."""
    _refresh(full, datetime.now(UTC))


@profiles.command("find")
@click.argument("words", nargs=-1)
@click.option("--email")
@click.option("--phone", help="E.164, such as +15551234567.")
@click.option("--source", help="With --key: the record's source and key.")
@click.option("--key")
@click.option("--limit", default=20, show_default=True)
def find_profiles(words: tuple[str, ...], limit: int, **by: Any) -> None:
    """Find profiles by the beginning of names, cities, contact points, or exactly."""
    if not words and not any(by.values()):
        raise PlatformError("give what to look for: words, --email, --phone, or --source with --key")
    with database().connect() as connection:
        page = find(connection, q=" ".join(words) or None, limit=limit, **by)
    table = Table("profile", "name", "e-mail", "phone", "city", "records", "sources", box=None, pad_edge=False)
    for p in page.items:
        table.add_row(
            str(p.id), p.display_name, next(iter(p.emails), ""), next(iter(p.phones), ""), p.city, str(p.record_count), str(p.sources)
        )
    out.print(table if page.items else "Nobody is found by that.")
    if page.total > len(page.items):
        err.print(f"[dim]{len(page.items)} of {page.total:,}{'+' if page.total == 1000 else ''}[/]")


@profiles.command("show")
@click.argument("profile_id", type=click.UUID)
def show(profile_id: UUID) -> None:
    """One profile as JSON: values with where they come from, contact points, consents, key figures, history."""
    with database().connect() as connection:
        view = asdict(get(connection, profile_id))
        view["history"] = [asdict(entry) for entry in history(connection, profile_id)]
    click.echo(json.dumps(view, default=str, ensure_ascii=False, indent=1))
