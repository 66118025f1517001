"""`cdp init`, `cdp status`, `cdp backup`, `cdp restore`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from cdp.cli.console import database, out, settings
from cdp.db import connect, migrate
from cdp.db.backup import backup as write_backup
from cdp.db.backup import restore as read_backup
from cdp.ingest.status import StreamStatus, stream_status, totals


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
        return f"[red]{stream.last_error}[/]"
    return "" if stream.stream else "[dim]not synced yet: cdp sync[/]"


@click.command()
def status() -> None:
    """What is where, how fresh and how many."""
    with database().connect() as connection:
        streams, whole = stream_status(connection), totals(connection)
    table = Table("department", "source", "stream", "kind", "rows", "deleted", "quarantine", "fresh", "", box=None, pad_edge=False)
    for column in (4, 5, 6):
        table.columns[column].justify = "right"
    for s in streams:
        counts = (f"{s.rows:,}", f"{s.deleted:,}", f"{s.refused:,}")
        table.add_row(s.department, s.source, s.stream or "", s.kind or "", *counts, ago(s.last_success_at), _state(s))
    out.print(table if streams else "No source yet: `cdp sources add FILE` proposes how to read one.")
    out.print(
        f"\n{whole.records:,} records and {whole.interactions:,} interactions of {whole.profiles:,} profiles "
        f"in {whole.households:,} households; resolved {ago(whole.last_resolved_at)}"
    )
    if whole.quarantined:
        out.print(f"[yellow]{whole.quarantined:,} rows wait in quarantine:[/] cdp quarantine list")
    if whole.unlinked_interactions:
        out.print(f"[yellow]{whole.unlinked_interactions:,} interactions belong to no profile yet:[/] cdp resolve")


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
