"""`cdp sources`, `cdp sync`, `cdp quarantine`, `cdp receipts`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import yaml
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cdp.cli.console import database, err, fail, out, settings
from cdp.errors import PlatformError
from cdp.ingest import quarantine as held
from cdp.ingest.add import SampledStream, check_definition, propose_source
from cdp.ingest.again import again
from cdp.ingest.definition import EVENTS, SourceDefinition, by_name, register, unregister
from cdp.ingest.figures import figures
from cdp.ingest.landing import Counts
from cdp.ingest.receipts import receipts as receipts_of
from cdp.ingest.replay import parse_correction
from cdp.ingest.status import stream_status
from cdp.ingest.sync import SyncReport
from cdp.ingest.sync import sync as sync_sources
from cdp.records import preview

_SHOWN = 10
"""Rows that still wait whose reason a replay prints."""


@click.group()
def sources() -> None:
    """Where records come from."""


@sources.command("add")
@click.argument("location")
@click.option("--name", help="Name of the source; guessed from LOCATION where left out.")
@click.option("--department", help="Whose system it is.")
@click.option("--country", help="Default country of phone numbers and addresses (two letters).")
@click.option("--duplicate-free", is_flag=True, help="The source has at most one record of a person.")
@click.option("--priority", type=click.IntRange(min=1), default=100, show_default=True, help="1 is the most trusted.")
@click.option("--yes", is_flag=True, help="Register without asking.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the definition to a YAML file instead, to edit it.")
def add(
    location: str,
    name: str | None,
    department: str | None,
    country: str | None,
    duplicate_free: bool,
    priority: int,
    yes: bool,
    write: Path | None,
) -> None:
    """Propose how to read LOCATION (a file, folder, glob or database URL), show rows as they would become, and register it.

    LOCATION may also be a source definition (.yaml) that `--write` made.
    """
    if location.endswith((".yaml", ".yml")):
        definition = SourceDefinition.load(Path(location))
    else:
        definition, streams = propose_source(location, name, department, country, settings().country)
        definition = SourceDefinition.of(
            {k: v for k, v in asdict(definition).items()} | {"duplicate_free": duplicate_free, "priority": priority}
        )
        for stream in streams:
            _show_proposal(stream)
    if write:
        write.write_text(yaml.safe_dump(asdict(definition), sort_keys=False, allow_unicode=True), "utf-8")
        out.print(f"Written to {write}: edit it, then `cdp sources add {write}`")
        return
    if not yes and sys.stdin.isatty() and not location.endswith((".yaml", ".yml")):
        click.confirm(f"Register the source {definition.name!r} like this?", abort=True, default=True)
    if unsure := check_definition(definition):
        err.print(f"{unsure} here: set it where `cdp sync` runs", markup=False)
    with database().begin() as connection:
        register(connection, definition)
    following = f"cdp events keys create {definition.name}, cdp serve" if definition.connector == EVENTS else f"cdp sync {definition.name}"
    out.print(f"Registered {definition.name}. Next: {following}")


def _show_proposal(stream: SampledStream) -> None:
    proposal = stream.proposal
    table = Table("source field", "becomes", "sure", "because", box=None, pad_edge=False, title=f"Stream {stream.name}: {proposal.kind}")
    table.title_justify = "left"
    for guess in proposal.fields:
        table.add_row(guess.field, guess.target or "[dim]not mapped[/]", f"{guess.confidence:.0%}", guess.reason)
    out.print(table)
    home = proposal.homeland
    out.print(f"\nCountry: {home.country}, " + (f"which {home.reason} speak for" if home.reason else "the default; --country says another"))
    shown = preview(stream.rows, proposal.mapping)[:3]
    for number, row in enumerate(shown, 1):
        out.print(f"\n[dim]row {number} would become[/]")
        out.print(yaml.safe_dump(row, sort_keys=False, allow_unicode=True, width=140).rstrip(), markup=False)
    out.print()


@sources.command("list")
def list_sources() -> None:
    """The sources there are."""
    counted = figures(database())
    with database().connect() as connection:
        streams = stream_status(connection, counted)
    table = Table("source", "department", "connector", "streams", "rows", box=None, pad_edge=False)
    for name in dict.fromkeys(s.source for s in streams):
        own = [s for s in streams if s.source == name]
        names = ", ".join(s.stream for s in own if s.stream) or (
            "[dim]takes events[/]" if own[0].connector == EVENTS else "[dim]not synced yet[/]"
        )
        table.add_row(name, own[0].department, own[0].connector, names, f"{sum(s.rows for s in own):,}")
    out.print(table if streams else "No source yet: `cdp sources add FILE` proposes how to read one.")


@sources.command("show")
@click.argument("name")
def show(name: str) -> None:
    """The definition of a source, as YAML that `cdp sources add` takes."""
    with database().connect() as connection:
        row = by_name(connection, name)
    fields = ("name", "department", "connector", "config", "mapping", "priority", "duplicate_free", "enabled")
    click.echo(yaml.safe_dump({field: row._mapping[field] for field in fields}, sort_keys=False, allow_unicode=True), nl=False)


@sources.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Forget a source without records; switch off one that has some (records are kept for good)."""
    with database().begin() as connection:
        unregister(connection, name)
    out.print(f"{name} is not synced any more.")


@click.command()
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def sync(names: tuple[str, ...], as_json: bool) -> None:
    """Pull what is new from the named sources, or from all."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        report = sync_sources(database(), settings(), names or None, _reporter(bars))
    if as_json:
        click.echo(json.dumps({"ok": report.ok, "streams": [asdict(stream) for stream in report.streams]}))
    else:
        _show_report(report)
    if not report.ok:
        raise SystemExit(1)


def _reporter(bars: Progress) -> Any:
    tasks: dict[tuple[str, str], Any] = {}

    def progress(source: str, stream: str, counts: Counts, total: int | None) -> None:
        task = tasks.setdefault(
            (source, stream), bars.add_task(f"{source}.{stream}", total=total, rate="") if (source, stream) not in tasks else 0
        )
        speed = bars.tasks[task].finished_speed or bars.tasks[task].speed or 0
        bars.update(task, completed=counts.read, total=total, rate=f"{speed:,.0f} rows/s")

    return progress


def _show_report(report: SyncReport) -> None:
    table = Table("source", "stream", "read", "new", "changed", "same", "deleted", "refused", box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for s in report.streams:
        c = s.counts
        table.add_row(s.source, s.stream, *(f"{n:,}" for n in (c.read, c.added, c.changed, c.unchanged, c.deleted, c.refused)))
    out.print(table if report.streams else "No source to sync: `cdp sources add FILE` proposes how to read one.")
    for s in report.streams:
        if s.counts.refused:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(s.counts.reasons.items()))
            err.print(f"[yellow]{s.source}.{s.stream}: {s.counts.refused:,} rows went to quarantine ({reasons}):[/] cdp quarantine list")
        if s.counts.left_empty:
            fields = ", ".join(f"{count:,} {name}" for name, count in sorted(s.counts.left_empty.items()))
            err.print(f"[yellow]{s.source}.{s.stream}: fields left empty, their values have no standard form ({fields}):[/] cdp receipts")
        if s.vanished:
            gone = ", ".join(s.vanished)
            err.print(f"[yellow]{s.source}.{s.stream}: mapped, but in no row any more: {gone}. Ask the source, or change the mapping[/]")
        if s.appeared:
            err.print(f"[yellow]{s.source}.{s.stream}: new in the source: {', '.join(s.appeared)}[/]")
        if s.unmapped:
            err.print(f"[dim]{s.source}.{s.stream}: fields nobody mapped: {', '.join(s.unmapped)}[/]")
        if s.error:
            fail(f"{s.source}{'.' + s.stream if s.stream else ''}: {s.error}")
    for source, stream in report.unmapped_streams:
        err.print(f"[dim]{source}: the stream {stream} is not mapped, so it was not read[/]")


@click.group()
def quarantine() -> None:
    """Rows that were refused, and why."""


@quarantine.command("list")
@click.argument("source", required=False)
@click.option("--limit", default=20, show_default=True)
def list_quarantine(source: str | None, limit: int) -> None:
    """What waits, newest first."""
    with database().connect() as connection:
        groups, rows = held.summary(connection), held.waiting(connection, source, limit)
    if not groups:
        out.print("Nothing waits in quarantine.")
        return
    for group in groups:
        out.print(f"{group.count:>7,}  {group.source}.{group.stream}  {group.reason}")
    out.print()
    for row in rows:
        out.print(f"[bold]{row.id}[/] {row.source}.{row.stream} ", end="")
        out.print(row.message, markup=False)


@quarantine.command("show")
@click.argument("number", type=int)
def show_quarantined(number: int) -> None:
    """One refused row, as it was read."""
    with database().connect() as connection:
        row = held.entry(connection, number)
    if row is None:
        raise PlatformError(f"nothing has the number {number} in quarantine; `cdp quarantine list` shows what waits")
    err.print(row.message + ("" if row.status == "open" else f" ({row.status} {row.resolved_at:%Y-%m-%d %H:%M})"), markup=False)
    click.echo(json.dumps(held.content(row), ensure_ascii=False, indent=1, default=repr))


@quarantine.command("replay")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--with", "corrected", help="The row as it should be, as JSON; for one NUMBER.")
def replay_quarantined(numbers: tuple[int, ...], corrected: str | None) -> None:
    """Try refused rows and events again: those with these NUMBERS, or all.

    A row whose key is taken (duplicate_key) takes the place of what is stored only where its number is given.
    """
    if corrected and len(numbers) != 1:
        raise PlatformError("--with corrects one row: give exactly one NUMBER")
    corrections = {numbers[0]: parse_correction(corrected)} if corrected else None
    report = again(database(), settings(), numbers or None, corrections)
    out.print(f"{report.landed:,} landed, {report.waiting:,} wait on")
    for reason in report.reasons[:_SHOWN]:
        err.print(reason, markup=False)
    if len(report.reasons) > _SHOWN:
        err.print(f"… and {len(report.reasons) - _SHOWN:,} more: cdp quarantine list")
    if corrected and report.waiting:
        raise SystemExit(1)


@quarantine.command("discard")
@click.argument("numbers", nargs=-1, type=int, required=True)
def discard(numbers: tuple[int, ...]) -> None:
    """Decide that refused rows are not wanted; they stay stored as discarded."""
    with database().begin() as connection:
        out.print(f"{held.discard(connection, numbers):,} rows discarded")


@click.command()
@click.argument("source")
@click.argument("key")
@click.option("--stream", help="Only this stream.")
def receipts(source: str, key: str, stream: str | None) -> None:
    """What became of the row KEY of SOURCE."""
    with database().connect() as connection:
        found = receipts_of(connection, source, key, stream)
    if not found:
        raise PlatformError(f"no row {key!r} ever came in from {source}; `cdp sources list` names the sources")
    click.echo(json.dumps([asdict(receipt) for receipt in found], default=str, indent=1))
