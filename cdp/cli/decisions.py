"""`cdp decisions`: doubtful matches, and a steward's word on two records."""

from __future__ import annotations

import getpass
import json

import click
from rich.table import Table

from cdp.access import SYSTEM, audit
from cdp.cli.console import database, out
from cdp.identity import Verdict
from cdp.profiles import RecordView
from cdp.profiles import decisions as room

NOTE = click.option("--note", help="Why, for those who come after.")


@click.group()
def decisions() -> None:
    """Doubtful matches, and what people decided about them."""


@decisions.command()
@click.option("--limit", default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def doubts(limit: int, as_json: bool) -> None:
    """Pairs of records that the evidence leaves open, those first whose decision changes most."""
    with database().connect() as connection:
        page = room.doubts(connection, limit)
    if as_json:
        rows = [
            {"a": _name(d.a), "b": _name(d.b), "probability": d.probability, "together": d.together, "pattern": dict(d.pattern)}
            for d in page.items
        ]
        click.echo(json.dumps({"items": rows, "total": page.total}))
        return
    table = Table("a", "b", "one person", "now", "agreement", box=None, pad_edge=False)
    for d in page.items:
        said = ", ".join(f"{field} {level}" for field, level in d.pattern.items())
        table.add_row(_name(d.a), _name(d.b), f"{d.probability:.0%}", "one" if d.together else "two", said)
    out.print(table if page.items else "No pair is open.")
    if page.total > len(page.items):
        out.print(f"{page.total - len(page.items):,} more: --limit")


def _name(record: RecordView) -> str:
    return f"{record.source}/{record.stream}:{record.source_key}"


@decisions.command()
@click.argument("a")
@click.argument("b")
@NOTE
def same(a: str, b: str, note: str | None) -> None:
    """A and B (SOURCE:KEY each) are one person, whatever the evidence says."""
    _decide(Verdict.SAME, a, b, note)


@decisions.command()
@click.argument("a")
@click.argument("b")
@NOTE
def different(a: str, b: str, note: str | None) -> None:
    """A and B (SOURCE:KEY each) never are one person, whatever the evidence says."""
    _decide(Verdict.DIFFERENT, a, b, note)


def _decide(judgement: Verdict, a: str, b: str, note: str | None) -> None:
    with database().begin() as connection:
        made, records = room.decide(connection, judgement, a, b, f"cli:{getpass.getuser()}", note)
        said = {"judgement": str(judgement), "records": [str(each) for each in records]}
        audit(connection, SYSTEM, "decision.write", str(made), said)
    out.print(f"Decision {made}: {judgement}. It takes effect with the next `cdp resolve`")


@decisions.command()
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """Take decision NUMBER back; the next resolution decides without it."""
    with database().begin() as connection:
        room.revoke(connection, number)
        audit(connection, SYSTEM, "decision.revoke", str(number), {})
    out.print(f"Decision {number} is taken back. The next `cdp resolve` decides without it")


@decisions.command("list")
@click.option("--limit", default=50, show_default=True)
def list_(limit: int) -> None:
    """What was decided, the newest first."""
    with database().connect() as connection:
        rows = room.decisions(connection, limit=limit)
        waiting = room.waiting(connection)
    table = Table("number", "judgement", "a", "b", "by", "at", "state", "note", box=None, pad_edge=False)
    for row in rows:
        state = "taken back" if row.revoked_at else "holds" if row.applied else "waits for cdp resolve"
        table.add_row(str(row.id), row.judgement, row.a, row.b, row.principal, f"{row.at:%Y-%m-%d %H:%M}", state, row.note or "")
    out.print(table if rows else "Nothing was decided yet: `cdp decisions doubts` shows what is open.")
    if waiting:
        out.print(f"{waiting:,} wait for the next `cdp resolve`")
