"""`cdp events`: the sources that send events, and what became of what they sent."""

from __future__ import annotations

import json
import os
import signal
import threading
from functools import partial
from pathlib import Path
from typing import Any

import click
import yaml
from rich.table import Table

from cdp.activation.used import used_in
from cdp.cli.console import database, err, out, settings
from cdp.errors import PlatformError
from cdp.ingest.events import keys as write_keys
from cdp.ingest.events import plans as tracking_plans
from cdp.ingest.events.follow import follow as follow_inbox
from cdp.ingest.events.process import process as process_inbox
from cdp.ingest.events.receipts import receipt as receipt_of
from cdp.ingest.events.replay import replay as replay_events
from cdp.ingest.events.replay import waiting as waiting_events
from cdp.ingest.replay import parse_correction

_NICE = 5
_SHOWN = 20


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


@click.group()
def events() -> None:
    """Sources that send events, and what became of what they sent."""


@events.group()
def keys() -> None:
    """Write keys: each lets events in for one source."""


@keys.command("create")
@click.argument("source")
@click.option("--label", default="", help="To recognise the key by.")
@click.option("--department", default="", help="Of a source that is new; otherwise its own name.")
def keys_create(source: str, label: str, department: str) -> None:
    """Make a write key for SOURCE, and the source where it is new. The key is shown once."""
    with database().begin() as connection:
        key = write_keys.create(connection, source, label, department)
    out.print(key, markup=False)


@keys.command("list")
def keys_list() -> None:
    """Show the keys there are, by their first characters."""
    with database().connect() as connection:
        found = write_keys.listed(connection)
    table = _table("key", "source", "label", "made", "revoked")
    for key in found:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        table.add_row(f"{key.prefix}…", key.source, key.label, f"{key.created_at:%Y-%m-%d %H:%M}", revoked)
    out.print(table if found else "No write key yet: cdp events keys create SOURCE")


@keys.command("revoke")
@click.argument("prefix")
def keys_revoke(prefix: str) -> None:
    """Revoke the key that begins with PREFIX; servers refuse it within five seconds."""
    with database().begin() as connection:
        key = write_keys.revoke(connection, prefix)
    out.print(f"Revoked {key.prefix}… of {key.source}", markup=False)


@events.command()
@click.argument("message_id")
def receipt(message_id: str) -> None:
    """Say what became of the message MESSAGE_ID."""
    with database().connect() as connection:
        found = receipt_of(connection, message_id)
        if found is None:
            raise PlatformError(f"no message {message_id!r} was sent")
        used = [*found.used_in, *used_in(connection, found)]
    for name, value in vars(found).items():
        if name != "used_in" and value is not None:
            out.print(f"{name.replace('_', ' '):18} {value}", markup=False)
    for use in used:
        out.print(f"{'used in':18} {use['what']} {use.get('name') or use.get('key') or use['id']}", markup=False)


@events.command()
@click.option("--follow", "forever", is_flag=True, help="Go on until Ctrl-C; several may follow, one works.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End with the process that started this one, and give way to others.")
def process(forever: bool, with_parent: bool) -> None:
    """Make interactions, records and profiles of the events that wait."""
    done = _follow(with_parent) if forever else process_inbox(database(), settings())
    counts = f"{done.interactions} interactions, {done.updates} profile updates, {done.held} held"
    out.print(f"{done.events} events: {counts}, {done.violations} violations of plans")


def _follow(with_parent: bool) -> Any:
    from cdp.activation.firings import follow_up

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if with_parent:
        os.nice(_NICE)
        threading.Thread(target=_end_with_parent, args=(stop, os.getppid()), daemon=True).start()
    return follow_inbox(database(), settings(), stop, partial(follow_up, database(), settings()))


def _end_with_parent(stop: threading.Event, parent: int) -> None:
    while os.getppid() == parent and not stop.wait(1):
        pass
    stop.set()


@events.group()
def plans() -> None:
    """Tracking plans: what a source's events look like."""


@plans.command("set")
@click.argument("source")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def plans_set(source: str, file: Path) -> None:
    """Make the plan in FILE (YAML or JSON) the plan of SOURCE."""
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlatformError(f"{file} is not valid YAML: {error}") from None
    with database().begin() as connection:
        tracking_plans.store(connection, source, document)
    out.print(f"{source} has a tracking plan of {len(document.get('track', {}))} events", markup=False)


@plans.command("show")
@click.argument("source")
def plans_show(source: str) -> None:
    """Print the plan of SOURCE as JSON."""
    with database().connect() as connection:
        found = [row.document for row in tracking_plans.listed(connection) if row.source == source]
    if not found:
        raise PlatformError(f"source {source!r} has no tracking plan: cdp events plans set {source} FILE")
    out.print_json(json.dumps(found[0]))


@plans.command("remove")
@click.argument("source")
def plans_remove(source: str) -> None:
    """Take the plan of SOURCE away: everything is allowed."""
    with database().begin() as connection:
        there = tracking_plans.remove(connection, source)
    out.print(f"{source} has no tracking plan" + (" any more" if there else ""), markup=False)


@events.command()
@click.option("--source", help="Of one source.")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="Seen in the last so many days.")
def violations(source: str | None, days: int) -> None:
    """Show what violates tracking plans, the most frequent first."""
    with database().connect() as connection:
        rows = tracking_plans.violations(connection, source, days)
    table = _table("source", "event", "what", "count", "last", "samples")
    for row in rows:
        counted = row._mapping["count"]
        samples = ", ".join(sample["message_id"] for sample in row.samples[:2])
        table.add_row(row.source, row.event, row.message, f"{counted:,}", f"{row.last_at:%Y-%m-%d %H:%M}", samples)
    out.print(table if rows else "Nothing violates a tracking plan.")


@events.command()
@click.argument("ids", nargs=-1, type=int)
@click.option("--with", "corrected", help="The event as it should be, JSON; with one id.")
def replay(ids: tuple[int, ...], corrected: str | None) -> None:
    """Send quarantined events through the door again: those with IDS, or all. `cdp quarantine` lists them.

    A corrected event keeps its messageId and its time, where --with names none.
    """
    if corrected and len(ids) != 1:
        raise PlatformError("--with corrects one event: name its id")
    corrections = {ids[0]: parse_correction(corrected)} if corrected else None
    with database().begin() as connection:
        absent = sorted(set(ids) - set(waiting_events(connection, ids)))
        if absent:
            raise PlatformError(f"no event waits under the number {', '.join(map(str, absent))}; `cdp quarantine list` shows what does")
        done = replay_events(connection, ids or None, corrections)
    out.print(f"{done.accepted} accepted, {done.waiting} still wait")
    for reason in done.reasons[:_SHOWN]:
        err.print(reason, markup=False)
    if corrected and done.waiting:
        raise SystemExit(1)
