"""What waits in quarantine goes through the same door again, as it is or as a person corrected it; what is still wrong waits on.

A replayed event is the message that was sent: it keeps its id and the time at which it came, however much later it is replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, text

from cdp.db import tables
from cdp.ingest.definition import EVENTS
from cdp.ingest.events import wire
from cdp.ingest.events.event import read
from cdp.ingest.events.plans import HOLD, Plan, compiled, listed
from cdp.ingest.events.receive import STREAM
from cdp.ingest.quarantine import content
from cdp.records.source import Refused

_WHEN = ("timestamp", "originalTimestamp")


@dataclass(frozen=True)
class Replayed:
    """Events back in the inbox, events that still cannot be accepted, and why not."""

    accepted: int = 0
    waiting: int = 0
    reasons: Sequence[str] = ()


def events_waiting() -> Select[int]:
    """Selects the numbers of the events that wait in quarantine; a stream of a connector may be called `events`, too."""
    table, source = tables.quarantine.c, tables.source
    query = select(table.id).join(source, source.c.id == table.source_id)
    return query.where(table.status == "open", table.stream == STREAM, source.c.connector == EVENTS)


def waiting(connection: Connection, ids: Sequence[int] | None = None) -> list[int]:
    """The numbers of the events that wait in quarantine: those of `ids`, or all."""
    number = tables.quarantine.c.id
    query = events_waiting().order_by(number)
    return list(connection.execute(query if ids is None else query.where(number.in_(ids))).scalars())


def replay(
    connection: Connection, ids: Sequence[int] | None = None, corrections: Mapping[int, Mapping[str, Any]] | None = None
) -> Replayed:
    """Put quarantined events back into the inbox: those of `ids`, or all that are open.

    Args:
        corrections: quarantine id -> the event as a person corrected it; what was sent stays in the quarantine entry. Its `messageId` and
            its time are those that were sent, where it gives none.
    """
    table = tables.quarantine
    query = select(table).where(table.c.id.in_(waiting(connection, ids))).order_by(table.c.id).with_for_update()
    rows = connection.execute(query).all()
    held_to = {row.id: compiled(row.document) for row in listed(connection)}
    accepted, reasons = 0, []
    for row in rows:
        outcome = _check(connection, row, (corrections or {}).get(row.id), held_to.get(row.source_id, Plan()))
        if isinstance(outcome, Refused):
            values: dict[str, Any] = {"reason": outcome.reason, "field": outcome.field, "message": outcome.message}
            reasons.append(f"{row.id}: {outcome.message}")
        else:
            _accept(connection, row.source_id, outcome)
            values = {"status": "replayed", "resolved_at": func.now(), "source_key": row.source_key or outcome.message_id}
            if values["source_key"] != outcome.message_id:
                values["message"] = f"{row.message}; replayed as {outcome.message_id}"
            accepted += 1
        connection.execute(table.update().where(table.c.id == row.id).values(values))
    return Replayed(accepted, len(rows) - accepted, reasons)


def _check(connection: Connection, row: Row[Any], corrected: Mapping[str, Any] | None, plan: Plan) -> wire.Accepted | Refused:
    sent = _event(content(row))
    event = dict(sent if corrected is None else corrected)
    if corrected is not None:
        kept = ("messageId", "sentAt", *_WHEN) if not any(event.get(name) for name in _WHEN) else ("messageId", "sentAt")
        event |= {name: sent[name] for name in kept if name in sent and name not in event}
    came = row.created_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    outcome = wire.check(event, str(sent.get("receivedAt") or came))
    if isinstance(outcome, wire.Accepted) and _taken(connection, row.id, outcome.message_id):
        message = "a message with this `messageId` has been taken; discard this one, or give it another `messageId`"
        return Refused(row.place, "duplicate_message", message, field="messageId")
    if isinstance(outcome, wire.Accepted):
        action, found = plan.judge(read(event))
        if action == HOLD:
            return Refused(row.place, "plan_violation", found[0].message, field=found[0].field)
    return outcome


def _event(raw: Any) -> dict[str, Any]:
    """What was refused, as an event: one that was too deep is stored as its bytes."""
    if isinstance(raw, bytes):
        return wire.parse(raw)
    return raw if isinstance(raw, dict) else {}


def _taken(connection: Connection, number: int, message_id: str) -> bool:
    """Whether the receipt of this id is another message's. An event that was held after it was accepted has one of its own."""
    return bool(connection.execute(_TAKEN, {"id": message_id, "number": number}).scalar_one())


_TAKEN = text(
    """select exists (select from event_receipt where message_id = :id) and not exists (
         select from quarantine q join event_receipt r on r.message_id = :id and r.source_id = q.source_id
         where q.id = :number and q.source_key = :id and q.run_id is not null)"""
)


def _accept(connection: Connection, source_id: int, event: wire.Accepted) -> None:
    connection.execute(
        text("insert into event_receipt (message_id, source_id) values (:id, :source) on conflict do nothing"),
        {"id": event.message_id, "source": source_id},
    )
    connection.execute(
        text("insert into event_inbox (source_id, count, events) values (:source, 1, :events)"),
        {"source": source_id, "events": b"[" + event.content + b"]"},
    )
