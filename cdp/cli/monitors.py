"""`cdp monitors`: rules that fire for customers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from cdp import segments as room
from cdp.attributes import DefinitionError
from cdp.attributes.written import read_yaml
from cdp.cli.console import database, out, settings
from cdp.errors import PlatformError
from cdp.segments.document import write

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def monitors() -> None:
    """Rules that fire when a condition begins to hold for a customer, and what is done then."""


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        document = read_yaml(file.read_text("utf-8"), str(file))
    except UnicodeDecodeError:
        raise DefinitionError(str(file), "the file cannot be read as UTF-8 text") from None
    found = document.get("monitors") if isinstance(document, dict) else None
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise DefinitionError(str(file), "a monitors file has the member monitors: name to {condition, fires, action, title, enabled}")
    return found


@monitors.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """The monitors, with what they do."""
    with database().connect() as connection:
        found = room.monitors(connection)
    if as_json:
        members = {name: {"condition": write(m.condition), "fires": m.fires, "action": dict(m.action)} for name, m in found.items()}
        out.print_json(json.dumps({"monitors": members}))
        return
    table = Table("Name", "Fires", "Action", "Condition", box=None)
    for one in found.values():
        table.add_row(one.name, one.fires if one.enabled else f"{one.fires} (off)", _action(one), escape(one.text))
    out.print(table if found else "No monitors yet: store some with `cdp monitors apply FILE`")


def _action(one: room.Monitor) -> str:
    if "mark" in one.action:
        return escape(", ".join(f"{name} = {value}" for name, value in one.action["mark"].items()))
    if "webhook" in one.action:
        return escape(f"call {one.action['webhook']['url']}")
    return escape(f"task: {one.action['task']}") if "task" in one.action else "log"


@monitors.command()
@click.argument("file", type=_FILE)
def check(file: Path) -> None:
    """Say what is wrong with the monitors in FILE, or for how many customers each would fire now; nothing is stored."""
    copy = room.Copy(settings().lake / "segments")
    for name, one in _read(file).items():
        try:
            found = room.check_monitor(database(), name, one, copy)
        except DefinitionError as error:
            raise error.within(f"monitor {name}") from None
        sample = f", for example {', '.join(map(str, found.sample[:3]))}" if found.sample else ""
        out.print(f"{name}: holds for {found.holds:,}, would fire for {found.would_fire:,}{sample}")


@monitors.command()
@click.argument("file", type=_FILE)
def apply(file: Path) -> None:
    """Store the monitors in FILE; they are looked at from the next event or refresh on."""
    with database().begin() as connection:
        for name, one in _read(file).items():
            try:
                found = room.save_monitor(connection, name, one, "command line")
            except DefinitionError as error:
                raise error.within(f"monitor {name}") from None
            out.print(f"{name}: fires {found.fires}, {_action(found)}")


@monitors.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete a monitor and its log; marks and tasks stay."""
    with database().begin() as connection:
        room.delete_monitor(connection, name)
    out.print(f"{name} is deleted")


@monitors.command()
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def log(name: str | None, limit: int, as_json: bool) -> None:
    """What fired, newest first, and why: of monitor NAME, or of all."""
    with database().connect() as connection:
        if name is not None:
            room.get_monitor(connection, name)
        found = room.firings(connection, name, limit=limit)
    if as_json:
        out.print_json(json.dumps([vars(one) | {"why": dict(one.why)} for one in found], default=str))
        return
    table = Table("At (UTC)", "Monitor", "Profile", "Why", "Outcome", box=None)
    for one in found:
        outcome = one.outcome or ""
        table.add_row(
            f"{one.at:%Y-%m-%d %H:%M}",
            one.monitor,
            str(one.profile_id),
            escape("; ".join(_seen(one.why))),
            escape(outcome if one.handled_at else f"waits: {outcome}"),
        )
    out.print(table if found else "Nothing fired yet")


def _seen(why: Any) -> list[str]:
    if why.get("parts"):
        return [text for part in why["parts"] for text in _seen(part)]
    return [why["text"] if why["seen"] is None else f"{why['text']} (seen: {why['seen']})"]


@monitors.command()
@click.option("--done", "finished", is_flag=True, help="Those that are done, instead of those that are open.")
def tasks(finished: bool) -> None:
    """What staff are asked to do."""
    with database().connect() as connection:
        found = room.tasks(connection, done=finished, limit=1000)
    table = Table("Number", "Task", "Profile", "Monitor", "Since (UTC)", box=None)
    for one in found:
        table.add_row(str(one.id), escape(one.title), str(one.profile_id), one.monitor, f"{one.created_at:%Y-%m-%d %H:%M}")
    out.print(table if found else "Nothing to do")


@monitors.command()
@click.argument("number", type=int)
def done(number: int) -> None:
    """Say that task NUMBER is done."""
    with database().begin() as connection:
        if not room.finish_task(connection, number, "command line"):
            raise PlatformError(f"there is no open task {number}: `cdp monitors tasks` lists them")
    out.print(f"Task {number} is done")
