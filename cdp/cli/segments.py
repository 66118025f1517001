"""`cdp segments`: which customers meet a condition."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from rich.tree import Tree

from cdp import segments as room
from cdp.attributes import DefinitionError
from cdp.attributes.written import read_yaml
from cdp.cli.console import database, err, out, settings
from cdp.errors import PlatformError
from cdp.profiles import living
from cdp.segments.document import write

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def segments() -> None:
    """Which customers meet a condition, since when, and why."""


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        document = read_yaml(file.read_text("utf-8"), str(file))
    except UnicodeDecodeError:
        raise DefinitionError(str(file), "the file cannot be read as UTF-8 text") from None
    found = document.get("segments") if isinstance(document, dict) else None
    if not isinstance(found, dict) or not all(isinstance(one, dict) and "condition" in one for one in found.values()):
        raise DefinitionError(str(file), "a segments file has the member segments: name to {title, description, condition, soon}")
    for name, one in found.items():
        extra = sorted(set(one) - {"condition", "title", "description", "soon"})
        if extra:
            raise DefinitionError(f"segment {name}", f"{extra[0]!r} is unknown: a segment has condition, title, description and soon")
    return found


@segments.command("list")
def list_() -> None:
    """The segments, with their members."""
    with database().connect() as connection:
        found = room.segments(connection)
    table = Table("Name", "Members", "As of (UTC)", "Condition", box=None)
    for one in found.values():
        stale = "" if one.refreshed_version in (None, one.version) else " (changed since)"
        as_of = "never decided" if one.as_of is None else f"{one.as_of:%Y-%m-%d %H:%M}{stale}"
        table.add_row(one.name, f"{one.members:,}", as_of, escape(one.text))
    out.print(table)


@segments.command()
@click.argument("file", type=_FILE)
def check(file: Path) -> None:
    """Say what is wrong with the segments in FILE, without storing anything."""
    with database().connect() as connection, connection.begin() as transaction:
        for found in room.save_all(connection, _read(file), "command line"):
            out.print(f"{found.name}: {found.text}", markup=False)
        transaction.rollback()


@segments.command()
@click.argument("file", type=_FILE)
def apply(file: Path) -> None:
    """Store the segments in FILE; each whose condition differs becomes a new version."""
    with database().begin() as connection:
        for found in room.save_all(connection, _read(file), "command line"):
            out.print(f"{found.name}: version {found.version}")


@segments.command()
@click.argument("name")
@click.argument("condition")
@click.option("--title", help="What people call it.")
@click.option("--soon/--not-soon", default=None, help="Decide it for a customer as soon as something happens.  [default: soon]")
def define(name: str, condition: str, title: str | None, soon: bool | None) -> None:
    """Store the segment NAME with a CONDITION, such as 'orders.count in last 90 days >= 2 and consent(email)'."""
    with database().begin() as connection:
        found = room.save(connection, name, condition, "command line", title=title, soon=soon)
    out.print(f"{found.name}: version {found.version}: {found.text}", markup=False)


@segments.command()
@click.argument("name")
def delete(name: str) -> None:
    """Withdraw a segment; its history stays."""
    with database().begin() as connection:
        room.delete(connection, name)
    out.print(f"{name} is withdrawn; its members leave at the next refresh")


@segments.command()
@click.argument("condition")
@click.option("--live", is_flag=True, help="Count in the database even where there is a columnar copy.")
@click.option("--json", "as_json", is_flag=True)
def preview(condition: str, live: bool, as_json: bool) -> None:
    """Count and sample who meets a CONDITION, or the members-to-be of a segment by its name."""
    engine = database()
    with engine.connect() as connection:
        known = room.segments(connection)
        checked = known[condition].condition if condition in known else room.checked(connection, condition)
    found = room.preview(engine, checked, None if live else room.Copy(settings().lake / "segments"), as_of=datetime.now(UTC))
    if as_json:
        out.print_json(json.dumps(found.document()))
        return
    share = found.count / found.total if found.total else 0
    out.print(
        f"{found.count:,} of {found.total:,} profiles ({share:.1%})"
        f", {found.engine}, as of {found.as_of:%Y-%m-%d %H:%M} UTC, {found.milliseconds:.0f} ms"
    )
    for title, counts in (("Source", found.by_source), ("Channel", found.by_channel), ("Also in segment", found.overlap)):
        if counts:
            table = Table(title, "Profiles", box=None)
            for word, count in sorted(counts.items(), key=lambda item: -item[1]):
                table.add_row(word, f"{count:,}")
            out.print(table)
    out.print("For example: " + ", ".join(map(str, found.sample)))


@segments.command()
@click.argument("names", nargs=-1)
@click.option("--changed", is_flag=True, help="Whoever changed since the last refresh, and those whom time has moved.")
@click.option("--no-copy", is_flag=True, help="Decide in the database, and leave the columnar copy as it is.")
def refresh(names: tuple[str, ...], changed: bool, no_copy: bool) -> None:
    """Decide the members of all segments, or of NAMES and what they build on. With --changed, attributes come first and monitors follow."""
    engine = database()
    if changed:
        report = room.refresh_changed(engine, lake=None if no_copy else settings().lake).segments
    else:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("Deciding", total=None)

            def show(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            if names or no_copy:
                report = room.refresh(engine, names=names or None, progress=show)
            else:
                report = room.refresh_in_copy(engine, settings().lake / "segments", progress=show)
    table = Table("Segment", "Members", "Entered", "Left", "Looked at", "Seconds", box=None)
    for one in report.segments:
        looked = "everybody" if one.decided is None else f"{one.decided:,}"
        table.add_row(one.name, f"{one.members:,}", f"{one.entered:,}", f"{one.left:,}", looked, f"{one.seconds:.2f}")
    out.print(table)
    out.print(f"{len(report.segments)} segments in {report.seconds:.1f} s, as of {report.as_of:%Y-%m-%d %H:%M} UTC")


@segments.command()
@click.argument("name")
@click.argument("profile_id", type=click.UUID)
def explain(name: str, profile_id: UUID) -> None:
    """Why a customer is or is not in segment NAME: each condition with the value seen."""
    with database().connect() as connection:
        known = room.segments(connection)
        condition = known[name].condition if name in known else room.checked(connection, name)
        why = room.explain(connection, condition, living(connection, profile_id))
    out.print(_tree(why))


def _tree(why: room.Why) -> Tree:
    mark = "[green]yes[/]" if why.holds else "[red]no[/] "
    seen = "" if why.seen is None else f"  (seen: {escape(why.seen)})"
    tree = Tree(f"{mark} {escape(why.text)}{seen}")
    for part in why.parts:
        tree.add(_tree(part))
    return tree


@segments.command()
@click.argument("name")
@click.argument("condition")
def plan(name: str, condition: str) -> None:
    """What giving segment NAME this CONDITION would add and remove; nothing is stored."""
    found = room.plan(database(), name, condition)
    out.print(f"{name}: {found.members:,} members now, {found.then:,} then: {found.enter:,} would enter, {found.leave:,} would leave")
    for title, sample in (("Would enter", found.enter_sample), ("Would leave", found.leave_sample)):
        if sample:
            out.print(f"{title}, for example: {', '.join(map(str, sample))}")
    if found.dependants:
        out.print(f"Segments that build on it: {', '.join(found.dependants)}")


@segments.command("as-of")
@click.argument("name")
@click.argument("moment", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]))
def as_of(name: str, moment: datetime) -> None:
    """Who was in segment NAME at a past MOMENT (UTC), one id a line."""
    with database().connect() as connection:
        room.get(connection, name)
        first = room.recorded_since(connection, name)
        if first is None or first > moment.replace(tzinfo=UTC):
            since = "it has never been decided" if first is None else f"that is recorded since {first:%Y-%m-%d %H:%M} UTC"
            raise PlatformError(f"who was in {name} on {moment:%Y-%m-%d} is not known: {since}")
        for profile_id in room.members_as_of(connection, name, moment.replace(tzinfo=UTC)):
            out.print(str(profile_id))


@segments.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def changes(name: str, limit: int) -> None:
    """Who came into segment NAME and who left it, newest first."""
    with database().connect() as connection:
        found = room.changes(connection, room.get(connection, name).id, limit=limit)
    table = Table("At (UTC)", "Profile", "Change", "Cause", box=None)
    for one in found:
        table.add_row(f"{one.at:%Y-%m-%d %H:%M:%S}", str(one.profile_id), one.change, one.cause)
    out.print(table if found else "Nobody came or left yet")


@segments.command()
@click.argument("name")
def show(name: str) -> None:
    """One segment: its condition as text and as JSON, its versions' count and its members."""
    with database().connect() as connection:
        found = room.get(connection, name)
    out.print(found.text, markup=False)
    out.print_json(json.dumps({"name": found.name, "title": found.title, "version": found.version, "members": found.members}))
    out.print_json(json.dumps(write(found.condition)))
