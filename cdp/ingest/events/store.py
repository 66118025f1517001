"""Processed events are written as lines of COPY, put together without a table in between: each line is a row, and each message is one row.

A message that is there already (its receipt was lost) is left as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

import psycopg
from sqlalchemy import Connection, text

from cdp.db import copy_lines
from cdp.ingest.events import documents
from cdp.ingest.events.event import Event
from cdp.ingest.events.people import Key
from cdp.ingest.events.sources import Sender
from cdp.ingest.events.visitors import PEOPLE
from cdp.ingest.events.wire import compact

Issues = Mapping[str, list[dict[str, str]]]
"""What a tracking plan has to say, by message."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL = "\\N"
_TYPED = ("customer_stream", "customer_key", "kind", "name", "channel", "at", "amount", "currency", "status")
_INTERACTION = ("source_id", "stream", "source_key", *_TYPED, "profile_id", "run_id", "canonical", "raw", "content_hash")
_UPDATE = ("message_id", "source_id", "type", "customer_key", "at", "run_id", "raw", "issues")


def write_interactions(
    connection: Connection, run_id: int, events: Sequence[tuple[Sender, Event]], profile_of: Mapping[Key, UUID], issues: Issues
) -> int:
    """Write what people did; the number of new rows."""
    ids = {key: str(profile) for key, profile in profile_of.items()}
    run = str(run_id)
    lines = []
    for sender, event in events:
        document = documents.interaction(event, sender.currency, sender.kinds)
        if event.message_id in issues:
            document["issues"] = [*document.get("issues", ()), *issues[event.message_id]]
        raw = compact(event.raw)
        digest = hashlib.md5(raw, usedforsecurity=False).hexdigest()
        typed = [document.get(name) for name in _TYPED]
        head = _texts((str(sender.id), event.type, event.message_id, *typed, ids[sender.id, PEOPLE, event.person], run))
        lines.append(b"\t".join((head, _json(compact(document)), _json(raw), b"\\\\x" + digest.encode())))
    return _store(connection, lines, _INTERACTION, "interaction")


def write_updates(connection: Connection, run_id: int, events: Sequence[tuple[Sender, Event]], issues: Issues) -> int:
    """Write what says who people are; the number of new rows."""
    lines = []
    for sender, event in events:
        found = [*(issue.document() for issue in event.issues), *issues.get(event.message_id, ())]
        head = _texts((event.message_id, str(sender.id), event.type, event.person, event.at_text, str(run_id)))
        lines.append(b"\t".join((head, _json(compact(event.raw)), _json(compact(found)) if found else _NULL.encode())))
    return _store(connection, lines, _UPDATE, "profile_update")


def _texts(values: Sequence[str | None]) -> bytes:
    said = "".join([value for value in values if value is not None])
    if "\\" in said or "\t" in said or "\n" in said or "\r" in said:
        values = [None if value is None else value.translate(_ESCAPES) for value in values]
    return "\t".join([_NULL if value is None else value for value in values]).encode()


def _json(content: bytes) -> bytes:
    """JSON has no tab and no line end of its own: it writes them with a backslash."""
    return content.replace(b"\\", b"\\\\")


def _store(connection: Connection, lines: Sequence[bytes], columns: Sequence[str], target: str) -> int:
    """Copy the rows into `target`; only where one is there already by way of another table."""
    try:
        with connection.begin_nested():
            return copy_lines(connection, lines, columns, target)
    except psycopg.errors.UniqueViolation:
        names = ", ".join(columns)
        connection.execute(text(f"create temp table event_row on commit drop as select {names} from {target} with no data"))
        copy_lines(connection, lines, columns, "event_row")
        stored = connection.execute(text(f"insert into {target} ({names}) select {names} from event_row on conflict do nothing"))
        connection.execute(text("drop table event_row"))
        return int(stored.rowcount)
