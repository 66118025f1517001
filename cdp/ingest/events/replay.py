"""What waits in quarantine goes through the same door again, as it is or as a person corrected it; what is still wrong waits on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, text

from cdp.db import tables
from cdp.ingest.events import wire
from cdp.ingest.events.receive import STREAM, now_text
from cdp.ingest.quarantine import content
from cdp.records.source import Refused


@dataclass(frozen=True)
class Replayed:
    """Events back in the inbox, and events that still cannot be accepted."""

    accepted: int = 0
    waiting: int = 0


def replay(
    connection: Connection, ids: Sequence[int] | None = None, corrections: Mapping[int, Mapping[str, Any]] | None = None
) -> Replayed:
    """Put quarantined events back into the inbox: those of `ids`, or all that are open.

    Args:
        corrections: quarantine id -> the event as a person corrected it; what was sent stays in the quarantine entry.
    """
    table = tables.quarantine
    query = select(table).where(table.c.status == "open", table.c.stream == STREAM).order_by(table.c.id).with_for_update()
    rows = connection.execute(query if ids is None else query.where(table.c.id.in_(ids))).all()
    accepted = 0
    for row in rows:
        event = dict((corrections or {}).get(row.id) or _event(content(row)))
        outcome = wire.check(event, str(event.get("receivedAt") or now_text()))
        if isinstance(outcome, Refused):
            values: dict[str, Any] = {"reason": outcome.reason, "field": outcome.field, "message": outcome.message}
        else:
            _accept(connection, row.source_id, outcome)
            values = {"status": "replayed", "resolved_at": func.now(), "source_key": outcome.message_id}
            accepted += 1
        connection.execute(table.update().where(table.c.id == row.id).values(values))
    return Replayed(accepted, len(rows) - accepted)


def _event(raw: Any) -> dict[str, Any]:
    """What was refused, as an event: one that was too deep is stored as its bytes."""
    if isinstance(raw, bytes):
        return wire.parse(raw)
    return raw if isinstance(raw, dict) else {}


def _accept(connection: Connection, source_id: int, event: wire.Accepted) -> None:
    connection.execute(
        text("insert into event_receipt (message_id, source_id) values (:id, :source) on conflict do nothing"),
        {"id": event.message_id, "source": source_id},
    )
    connection.execute(
        text("insert into event_inbox (source_id, count, events) values (:source, 1, :events)"),
        {"source": source_id, "events": b"[" + event.content + b"]"},
    )
