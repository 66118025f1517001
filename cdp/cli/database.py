"""`cdp init`, `cdp status`, `cdp backup`, `cdp restore`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from cdp.cli.console import database, out, settings
from cdp.db import connect, migrate
from cdp.db.backup import backup as write_backup
from cdp.db.backup import restore as read_backup
from cdp.ingest.status import StreamStatus, Totals
from cdp.status import DestinationStatus, PlatformStatus, platform_status


@click.command()
def init() -> None:
    """Make the database, or bring its tables up to date; safe to repeat."""
    engine = connect(settings())
    migrate(engine)
    embedded = f"{settings().home / 'postgres'} (embedded)"
    where = engine.url.render_as_string(hide_password=True) if settings().database_url else embedded
    out.print(f"The database is ready: {where}")


def ago(when: datetime | None) -> str:
    """How long ago, for people: `3 min ago`."""
    if when is None:
        return "never"
    seconds = (datetime.now(UTC) - when).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def _state(stream: StreamStatus) -> str:
    if stream.last_error:
        return f"[red]{escape(stream.last_error)}[/]"
    return "" if stream.stream else "[dim]not synced yet: cdp sync[/]"


@click.command()
@click.option("--fresh", is_flag=True, help="Count whole tables again instead of reading what is held.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(fresh: bool, as_json: bool) -> None:
    """What is where, how fresh and how many; what failed, and what waits."""
    found = platform_status(database(), fresh=fresh)
    if as_json:
        click.echo(json.dumps(asdict(found), default=str))
        return
    table = _table("department", "source", "stream", "kind", "rows>", "deleted>", "quarantine>", "fresh", "")
    for s in found.streams:
        counts = (f"{s.rows:,}", f"{s.deleted:,}", f"{s.refused:,}")
        table.add_row(s.department, s.source, s.stream or "", s.kind or "", *counts, ago(s.last_success_at), _state(s))
    out.print(table if found.streams else "No source yet: `cdp sources add FILE` proposes how to read one.")
    _print_totals(found.totals, found.events_waiting_since)
    _print_derived(found)
    _print_destinations(found.destinations)


def _table(*headers: str) -> Table:
    """A plain table; a header that ends in `>` is of figures."""
    table = Table(*(header.rstrip(">") for header in headers), box=None, pad_edge=False)
    for column, header in zip(table.columns, headers, strict=True):
        column.justify = "right" if header.endswith(">") else "left"
    return table


def _print_totals(whole: Totals, waiting_since: datetime | None) -> None:
    out.print(
        f"\n{whole.records:,} records and {whole.interactions:,} interactions of {whole.profiles:,} profiles "
        f"in {whole.households:,} households (counted {ago(whole.as_of)}); resolved {ago(whole.last_resolved_at)}"
    )
    if whole.quarantined:
        out.print(f"[yellow]{whole.quarantined:,} rows wait in quarantine:[/] cdp quarantine list")
    if whole.events_waiting:
        out.print(f"[yellow]{whole.events_waiting:,} events wait,[/] the oldest since {ago(waiting_since)}: cdp events process")
    if whole.unlinked_interactions:
        out.print(f"[yellow]{whole.unlinked_interactions:,} interactions belong to no profile yet:[/] cdp resolve")


def _print_derived(found: PlatformStatus) -> None:
    if found.stages:
        table = _table("stage", "last good", "took>", "")
        for one in found.stages:
            took = "" if one.seconds is None else f"{one.seconds:,.1f} s"
            state = f"[red]{one.error}[/]" if one.error else one.status.replace("done", "")
            table.add_row(one.stage, ago(one.last_success_at), took, state)
        out.print()
        out.print(table)
    if found.segments:
        oldest = min((one.as_of for one in found.segments if one.as_of), default=None)
        undecided = [one.name for one in found.segments if one.as_of is None]
        later = f"; not yet: {', '.join(undecided)}" if undecided else ""
        out.print(f"\n{len(found.segments)} segments, the oldest decided {ago(oldest)}{later}")


def _print_destinations(found: list[DestinationStatus]) -> None:
    if not found:
        return
    table = _table("destination", "kind", "people there>", "last good", "refused>", "")
    for one in found:
        problem = f"[red]{one.error or one.status}[/]" if one.status in ("failed", "partial") else "" if one.enabled else "disabled"
        table.add_row(one.name, one.kind, f"{one.present:,}", ago(one.last_success_at), f"{one.refused:,}" if one.refused else "", problem)
    out.print()
    out.print(table)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write everything to FILE, while the platform is in use."""
    size = write_backup(connect(settings()), file)
    out.print(f"{file}: {size / 1e6:,.1f} MB")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask before everything there is gets replaced.")
def restore(file: Path, yes: bool) -> None:
    """Replace everything by what FILE holds."""
    if not yes:
        click.confirm("Everything that is in the database now is replaced. Go on?", abort=True)
    engine = connect(settings())
    read_backup(engine, file)
    migrate(engine)
    out.print(f"Restored {file}")
