"""How the whole platform does, in one look: sources, events, what is derived, and what was sent; it names what failed and what is late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from cdp.activation.deliver import as_it_is
from cdp.ingest.figures import figures
from cdp.ingest.status import StreamStatus, Totals, stream_status, totals


@dataclass(frozen=True)
class StageStatus:
    """The last run of one recurring stage.

    Attributes:
        last_success_at: when it last ended well.
    """

    stage: str
    status: str
    started_at: datetime
    seconds: float | None
    last_success_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class SegmentStatus:
    """How fresh one segment is; `as_of` null: never decided."""

    name: str
    members: int
    as_of: datetime | None


@dataclass(frozen=True)
class DestinationStatus:
    """One destination with its last delivery; `status` null: nothing was sent yet."""

    name: str
    kind: str
    enabled: bool
    present: int
    status: str | None
    delivery: int | None
    started_at: datetime | None
    finished_at: datetime | None
    last_success_at: datetime | None
    refused: int
    error: str | None


@dataclass(frozen=True)
class PlatformStatus:
    """Everything at a glance."""

    totals: Totals
    streams: list[StreamStatus]
    events_waiting_since: datetime | None
    stages: list[StageStatus]
    segments: list[SegmentStatus]
    destinations: list[DestinationStatus]


def platform_status(engine: Engine, *, fresh: bool = False) -> PlatformStatus:
    """The status now; `fresh` counts whole tables again instead of reading what is held."""
    counted = figures(engine, fresh=fresh)
    with engine.connect() as connection:
        return PlatformStatus(
            totals=totals(connection, counted),
            streams=stream_status(connection, counted),
            events_waiting_since=connection.execute(text("select min(received_at) from event_inbox")).scalar_one(),
            stages=_stages(connection),
            segments=[SegmentStatus(**row) for row in connection.execute(text(_SEGMENTS)).mappings()],
            destinations=_destinations(connection),
        )


def _destinations(connection: Connection) -> list[DestinationStatus]:
    rows = connection.execute(text(_DESTINATIONS)).mappings().all()
    return [DestinationStatus(**as_it_is(connection, dict(row))) for row in rows]


def _stages(connection: Connection) -> list[StageStatus]:
    return [StageStatus(**row) for row in connection.execute(text(_STAGES)).mappings()]


_STAGES = """
    select l.stage, l.status, l.started_at, extract(epoch from l.finished_at - l.started_at)::float as seconds, l.error,
           (select max(r.finished_at) from run r where r.stage = l.stage and r.status = 'done') as last_success_at
    from (select distinct on (stage) * from run where stage not in ('figures', 'sync', 'activation', 'reconcile') order by stage, id desc) l
    order by 1"""
_SEGMENTS = "select name, members, as_of from segment where deleted_at is null order by name"
_DESTINATIONS = """
    select d.name, (select min(k) from jsonb_object_keys(d.document -> 'to') k) as kind, d.enabled, l.status, l.id as delivery,
           l.started_at, l.finished_at, l.error, coalesce(p.present, 0) as present,
           (select max(finished_at) from delivery o where o.destination_id = d.id and o.status = 'done') as last_success_at,
           coalesce((select sum(value::int) from jsonb_each_text(l.report -> 'refused')), 0)::int as refused
    from destination d
    left join lateral (select * from delivery l where l.destination_id = d.id order by l.id desc limit 1) l on true
    left join lateral (select (o.report ->> 'present')::int as present from delivery o
        where o.destination_id = d.id and o.report ? 'present' order by o.id desc limit 1) p on true
    order by d.name"""
