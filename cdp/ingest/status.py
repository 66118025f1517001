"""What is where, how fresh and how many, in one look: read from the tables, nothing is kept for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


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
    """Counts over everything."""

    records: int
    interactions: int
    profiles: int
    households: int
    quarantined: int
    unlinked_interactions: int
    last_resolved_at: datetime | None


def stream_status(connection: Connection) -> list[StreamStatus]:
    """One row a stream, sources without a stream included, by department and source."""
    rows = connection.execute(
        text(
            """with landed as (
                 select source_id, stream, count(*) filter (where deleted_at is null) as rows, count(deleted_at) as deleted
                 from record group by 1, 2
                 union all
                 select source_id, stream, count(*) filter (where deleted_at is null), count(deleted_at) from interaction group by 1, 2)
               select s.name as source, s.department, s.connector, t.name as stream, t.kind, coalesce(l.rows, 0) as rows,
                      coalesce(l.deleted, 0) as deleted, t.last_success_at, t.last_error,
                      (select count(*) from quarantine q where q.source_id = s.id and q.stream = t.name and q.status = 'open') as refused
               from source s left join stream t on t.source_id = s.id left join landed l on l.source_id = s.id and l.stream = t.name
               order by s.department, s.name, t.kind, t.name"""
        )
    )
    return [StreamStatus(**row._mapping) for row in rows]


def totals(connection: Connection) -> Totals:
    """Counts over everything."""
    row = connection.execute(
        text(
            """select (select count(*) from record where deleted_at is null) as records,
                      (select count(*) from interaction where deleted_at is null) as interactions,
                      (select count(*) from profile where retired_at is null) as profiles,
                      (select count(distinct household_id) from profile where retired_at is null) as households,
                      (select count(*) from quarantine where status = 'open') as quarantined,
                      (select count(*) from interaction where profile_id is null and deleted_at is null) as unlinked_interactions,
                      (select max(finished_at) from run where stage = 'resolve' and status = 'done') as last_resolved_at"""
        )
    ).one()
    return Totals(**row._mapping)
