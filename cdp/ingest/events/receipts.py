"""A receipt is read from what the journal holds of a message, so it can say nothing that is not so.

A message is `accepted` from the answer 200 on, `processed` once it is an interaction or a profile update, `held` while it waits in
quarantine, `refused` where it could not be accepted, and `discarded` where a person decided so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from cdp.ingest.events.event import read
from cdp.ingest.events.visitors import sightings


@dataclass(frozen=True)
class EventReceipt:
    """What became of a message.

    Attributes:
        status: accepted | processed | held | refused | discarded.
        duplicates: how often it was sent again; repetitions change nothing.
        reason, message: of what is or was in quarantine.
        profile_id: where its person lives now.
        landed_at: when it came to be where `used_in` says.
        used_in: what was made of it: the interaction and the records it speaks of.
    """

    message_id: str
    status: str
    source: str
    department: str
    received_at: datetime | None = None
    duplicates: int = 0
    last_duplicate_at: datetime | None = None
    reason: str | None = None
    message: str | None = None
    quarantine_id: int | None = None
    profile_id: UUID | None = None
    landed_at: datetime | None = None
    used_in: list[dict[str, Any]] = field(default_factory=list)


def receipt(connection: Connection, message_id: str) -> EventReceipt | None:
    """What became of the message; None where none with this id was ever sent."""
    accepted = connection.execute(_ACCEPTED, {"id": message_id}).first()
    waiting = connection.execute(_QUARANTINED, {"id": message_id, "source": accepted.source_id if accepted else None}).first()
    if accepted is None:
        return None if waiting is None else _refused(message_id, waiting)
    done = connection.execute(_DONE, {"id": message_id, "source": accepted.source_id}).first()
    open_or_gone = waiting is not None and waiting.status != "replayed" and done is None
    status = "processed" if done else _STATUS[waiting.status] if open_or_gone and waiting else "accepted"
    return EventReceipt(
        message_id=message_id,
        status=status,
        source=accepted.source,
        department=accepted.department,
        received_at=accepted.received_at,
        duplicates=accepted.repeats,
        last_duplicate_at=accepted.repeated_at,
        reason=waiting.reason if waiting and not done else None,
        message=waiting.message if waiting and not done else None,
        quarantine_id=waiting.id if waiting else None,
        profile_id=done.profile_id if done else None,
        used_in=_uses(connection, accepted.source_id, done) if done else [],
        landed_at=done.landed_at if done else None,
    )


_STATUS = {"open": "held", "discarded": "discarded", "replayed": "accepted"}


def _refused(message_id: str, row: Row[Any]) -> EventReceipt:
    status = "discarded" if row.status == "discarded" else "refused"
    return EventReceipt(
        message_id=message_id,
        status=status,
        source=row.source,
        department=row.department,
        received_at=row.created_at,
        reason=row.reason,
        message=row.message,
        quarantine_id=row.id,
    )


def _uses(connection: Connection, source_id: int, done: Row[Any]) -> list[dict[str, Any]]:
    uses: list[dict[str, Any]] = []
    if done.kind is not None:
        uses.append({"what": "interaction", "id": done.id, "kind": done.kind, "at": done.at})
    if done.raw is None:
        return uses
    keys = sorted({(sighting.stream, sighting.key) for sighting in sightings(read(done.raw))})
    rows = connection.execute(_RECORDS, {"source": source_id, "streams": [stream for stream, _ in keys], "keys": [key for _, key in keys]})
    return uses + [{"what": "record", "id": row.id, "stream": row.stream, "key": row.source_key} for row in rows]


_ACCEPTED = text(
    """select r.source_id, s.name as source, s.department, r.received_at, r.repeats, r.repeated_at
       from event_receipt r join source s on s.id = r.source_id where r.message_id = :id"""
)
_QUARANTINED = text(
    """select q.id, q.status, q.reason, q.message, q.created_at, s.name as source, s.department
       from source s cross join lateral (select * from quarantine q
         where q.source_id = s.id and q.stream = 'events' and q.source_key = :id order by q.id desc limit 1) q
       where cast(:source as smallint) is null or s.id = :source order by q.id desc limit 1"""
)
_DONE = text(
    """with done as (
         select i.id, i.kind, i.at, i.landed_at, i.customer_key, i.raw from interaction i
         where i.source_id = :source and i.stream in ('track', 'page', 'screen') and i.source_key = :id
         union all
         select null, null, u.at, u.landed_at, u.customer_key, u.raw from profile_update u
         where u.source_id = :source and u.message_id = :id
         union all
         select null, null, r.received_at, r.received_at, null, null from event_receipt r
         where r.source_id = :source and r.message_id = :id and starts_with(r.message_id, 'webhook:')
           and not exists (select from event_inbox w where w.source_id = r.source_id and w.received_at = r.received_at))
       select done.*, coalesce(p.merged_into, p.id) as profile_id from done
       left join record r on r.source_id = :source and r.stream = 'identify' and r.source_key = done.customer_key
       left join profile p on p.id = r.profile_id"""
)
_RECORDS = text(
    """select r.id, r.stream, r.source_key from unnest(cast(:streams as text[]), cast(:keys as text[])) as w(stream, key)
       join record r on r.source_id = :source and r.stream = w.stream and r.source_key = w.key order by r.id"""
)
