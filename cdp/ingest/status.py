"""What is where, how fresh and how many: what is quickly read is read, what takes a walk over whole tables is held (figures)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from cdp.ingest.figures import Figures


@dataclass(frozen=True)
class StreamStatus:
    """One stream of one source."""

    source: str
    department: str
    connector: str
    stream: str | None
    kind: str | None
    rows: int
    deleted: int
    refused: int
    last_success_at: datetime | None
    last_error: str | None


@dataclass(frozen=True)
class Totals:
    """Counts over everything; `as_of` is when those over whole tables were made."""

    records: int
    interactions: int
    profiles: int
    households: int
    quarantined: int
    unlinked_interactions: int
    events_waiting: int
    last_resolved_at: datetime | None
    as_of: datetime


def stream_status(connection: Connection, counted: Figures) -> list[StreamStatus]:
    """One row a stream, sources without a stream included, by department and source.

    If a source could not be opened the last time, none of its streams was read: each bears that error.
    """
    rows = connection.execute(
        text(
            """with refused as (select source_id, stream, count(*) as rows from quarantine where status = 'open' group by 1, 2),
                    last as (select distinct on (source_id) source_id, error, status = 'failed' and report = '{}' as closed
                             from run where stage = 'sync' and finished_at is not null order by source_id, id desc)
               select s.id, s.name as source, s.department, s.connector, t.name as stream, t.kind, t.last_success_at,
                      coalesce(l.error, t.last_error) as last_error, coalesce(q.rows, 0) as refused
               from source s left join stream t on t.source_id = s.id left join refused q on q.source_id = s.id and q.stream = t.name
               left join last l on l.source_id = s.id and l.closed
               order by s.department, s.name, t.kind, t.name"""
        )
    ).mappings()
    found = []
    for row in rows:
        landed, deleted = counted.landed.get((row["id"], row["stream"] or ""), (0, 0))
        found.append(StreamStatus(rows=landed, deleted=deleted, **{name: value for name, value in row.items() if name != "id"}))
    return found


def totals(connection: Connection, counted: Figures) -> Totals:
    """Counts over everything."""
    row = connection.execute(
        text(
            """select (select count(*) from quarantine where status = 'open') as quarantined,
                      (select coalesce(sum("count"), 0) from event_inbox) as events_waiting,
                      (select max(finished_at) from run where stage = 'resolve' and status = 'done') as last_resolved_at"""
        )
    ).one()
    held = {
        name: getattr(counted, name) for name in ("records", "interactions", "profiles", "households", "unlinked_interactions", "as_of")
    }
    return Totals(**row._mapping, **held)
