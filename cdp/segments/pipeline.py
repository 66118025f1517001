"""Attributes, then segments, then the columnar copy, for the same changed profiles: what a schedule calls after profiles have changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from cdp import attributes
from cdp.attributes import AttributesReport
from cdp.segments import membership
from cdp.segments.deciding import refresh_in_copy
from cdp.segments.membership import SegmentsReport
from cdp.segments.monitor import run_monitors


@dataclass(frozen=True)
class RefreshReport:
    attributes: AttributesReport
    segments: SegmentsReport
    fired: int
    """Firings of monitors."""


def changed_since(connection: Connection, moment: datetime) -> list[UUID]:
    """Profiles whose golden document, interactions or merges changed after a moment, those that were merged away included."""
    statement = """select profile_id from golden where updated_at > :at
        union select profile_id from interaction where changed_at > :at and profile_id is not null
        union select profile_id from profile_journal where at > :at
        union select from_profile_id from profile_journal where at > :at and from_profile_id is not null"""
    return list(connection.execute(text(statement), {"at": moment}).scalars())


def last_refresh(connection: Connection) -> datetime | None:
    """When attributes were last refreshed with everybody taken into account; null: never."""
    statement = "select max(started_at) from run where stage = 'attributes' and status = 'done' and report ? 'mark'"
    found: datetime | None = connection.execute(text(statement)).scalar_one()
    return found


def refresh_all(
    engine: Engine, changed: Iterable[UUID] | None = None, *, as_of: datetime | None = None, lake: Path | None = None
) -> RefreshReport:
    """Bring attributes and segments up to date; with `lake`, the folder of derived files, everybody is decided in the columnar copy."""
    now = as_of or datetime.now(UTC)
    ids = None if changed is None else set(changed)
    first = attributes.refresh(engine, ids, as_of=now)
    looked_at = None if ids is None or first.changed is None else ids | set(first.changed)
    if lake is None:
        second = membership.refresh(engine, looked_at, as_of=now)
    else:
        second = refresh_in_copy(engine, lake / "segments", as_of=now, changed=ids or ())
    fired = len(run_monitors(engine, looked_at, as_of=now))
    return RefreshReport(first, second, fired)


def refresh_changed(engine: Engine, *, lake: Path | None = None) -> RefreshReport:
    """Bring up to date whatever changed since the last refresh; everything where there was none."""
    with engine.connect() as connection:
        last = last_refresh(connection)
        changed = None if last is None else changed_since(connection, last)
    return refresh_all(engine, changed, lake=lake)


def refresh_soon(engine: Engine, profile_ids: Iterable[UUID]) -> RefreshReport:
    """Re-decide these profiles now, because something happened to them; time is made up for by the next scheduled refresh."""
    ids = set(profile_ids)
    now = datetime.now(UTC)
    first = attributes.refresh(engine, ids, as_of=now, aging=False)
    looked_at = ids | set(first.changed or ())
    second = membership.refresh(engine, looked_at, as_of=now, aging=False)
    return RefreshReport(first, second, len(run_monitors(engine, looked_at, as_of=now)))
