"""`cdp attributes`: what is computed of each customer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from cdp import attributes as room
from cdp.attributes.language.check import unknown
from cdp.attributes.plan import explain as explain_value
from cdp.attributes.plan import plan as plan_values
from cdp.attributes.plan import spread, values_as_of
from cdp.cli.console import database, err, out
from cdp.profiles import living
from cdp.segments import declare_attributes
from cdp.segments.pipeline import changed_since, last_refresh

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def attributes() -> None:
    """What is computed of each customer: value, recency, preference, open tickets."""


@attributes.command("list")
@click.option("--json", "as_json", is_flag=True, help="The definitions as JSON.")
def list_(as_json: bool) -> None:
    """The active attributes."""
    with database().connect() as connection:
        found = room.definitions(connection)
    if as_json:
        out.print_json(json.dumps([dict(d.document) for d in found]))
        return
    table = Table("Name", "Kind", "Type", "Title", box=None)
    for definition in sorted(found, key=lambda d: d.name):
        table.add_row(definition.name, definition.kind, definition.type.value, escape(definition.title))
    out.print(table)


@attributes.command()
@click.argument("file", type=_FILE)
def check(file: Path) -> None:
    """Say what is wrong with the definitions in FILE, without storing anything."""
    with database().connect() as connection, connection.begin() as transaction:
        for change in declare_attributes(connection, room.read_file(file), "command line"):
            out.print(f"{change.name}: would be {change.change}")
        transaction.rollback()


@attributes.command()
@click.argument("what", metavar="NAME|FILE")
def preview(what: str) -> None:
    """What values attribute NAME has, or those in FILE would have, on a sample of customers."""
    wanted = room.read_file(Path(what)) if Path(what).is_file() else [_known(what)]
    table = Table("Attribute", "With a value", "Least", "Middle", "Most", "Commonest", box=None)
    for one in spread(database(), wanted):
        common = ", ".join(f"{_plain(value)} ({count})" for value, count in one.common)
        ends = ["" if value is None else _plain(value) for value in (one.least, one.middle, one.most)]
        table.add_row(one.name, f"{one.with_value:,} of {one.people:,}", *ends, escape(common))
    out.print(table)


def _plain(value: object) -> str:
    """A value as people write it: a whole number without decimals, a list with commas."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return "none" if value is None else str(value)


def _known(name: str) -> room.Definition:
    with database().connect() as connection:
        known = {d.name: d for d in room.definitions(connection)}
    if name not in known:
        raise unknown("attribute or file", name, known, "")
    return known[name]


@attributes.command("as-of")
@click.argument("profile_id", type=click.UUID)
@click.argument("moment", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]))
def as_of(profile_id: UUID, moment: datetime) -> None:
    """The attributes of a customer at a past MOMENT (UTC), from the events that are known today."""
    with database().connect() as connection:
        profile_id = living(connection, profile_id)
    found = values_as_of(database(), profile_id, moment.replace(tzinfo=UTC))
    out.print_json(json.dumps(found))


@attributes.command()
@click.argument("file", type=_FILE)
def plan(file: Path) -> None:
    """What declaring the definitions in FILE would change, on a sample of customers; nothing is stored."""
    found = plan_values(database(), room.read_file(file))
    table = Table("Attribute", f"Differs among {found.people}", "For example (now → then)", box=None)
    for one in found.differences:
        examples = "; ".join(f"{_plain(now)} → {_plain(then)}" for _, now, then in one.examples[:3])
        table.add_row(one.name, str(one.differing), escape(examples))
    out.print(table)


@attributes.command()
@click.argument("file", type=_FILE)
@click.option("--withdraw", multiple=True, metavar="NAME", help="End an attribute; may be given again.")
def apply(file: Path, withdraw: tuple[str, ...]) -> None:
    """Declare the attributes in FILE: each that differs becomes a new version. The next refresh computes everybody."""
    with database().begin() as connection:
        changes = declare_attributes(connection, room.read_file(file), "command line", withdraw=withdraw)
    for change in changes:
        out.print(f"{change.name}: {change.change} (version {change.version})")


@attributes.command()
@click.option("--changed", is_flag=True, help="Only customers that changed since the last refresh, and those whom time has aged.")
def refresh(changed: bool) -> None:
    """Compute the attributes of everybody."""
    engine = database()
    with engine.connect() as connection:
        last = last_refresh(connection) if changed else None
        ids = None if last is None else changed_since(connection, last)
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Computing", total=None)
        report = room.refresh(engine, ids, progress=lambda done, total: progress.update(task, completed=done, total=total))
    what = "everybody" if report.full else "the changed"
    count = f"{report.attributes} attributes of {report.profiles:,} profiles ({what})"
    out.print(f"{count} in {report.seconds:.1f} s, as of {report.as_of:%Y-%m-%d %H:%M} UTC")


@attributes.command()
@click.argument("name")
@click.argument("profile_id", type=click.UUID)
def explain(name: str, profile_id: UUID) -> None:
    """Where the value of attribute NAME of a customer comes from."""
    with database().connect() as connection:
        why = explain_value(connection, name, living(connection, profile_id))
    out.print(f"{why.name} = {_plain(why.value)}", markup=False)
    if why.as_of is None:
        out.print("Not computed yet: run `cdp attributes refresh`")
    else:
        inputs = "" if why.inputs is None else f", from {why.inputs} event(s)"
        out.print(f"as of {why.as_of:%Y-%m-%d %H:%M} UTC, computed {why.computed_at:%Y-%m-%d %H:%M} UTC{inputs}")
    for needed, value in why.needs.items():
        out.print(f"  {needed} = {_plain(value)}", markup=False)
    out.print_json(json.dumps(why.definition))


@attributes.command()
@click.argument("rates", nargs=-1, metavar="CURRENCY=RATE…")
def rates(rates: tuple[str, ...]) -> None:
    """Show exchange rates, or set them: what one unit of a currency is in the base currency, whose own rate is 1."""
    with database().begin() as connection:
        for given in rates:
            currency, _, rate = given.partition("=")
            try:
                room.set_rate(connection, currency, Decimal(rate))
            except InvalidOperation:
                raise room.DefinitionError("rate", f"{given!r} is no CURRENCY=RATE, such as EUR=1.08") from None
        found = room.rates(connection)
    if not found:
        out.print("No rates: amounts are added as they are. Set them with `cdp attributes rates EUR=1 USD=0.92`")
    for currency, value in sorted(found.items()):
        out.print(f"{currency} {value.normalize():f}")
