"""Attributes, then segments, then monitors, for the same changed profiles: what a schedule calls, and what follows an event at once."""

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
from cdp.segments.columnar import Copy
from cdp.segments.deciding import refresh_in_copy
from cdp.segments.membership import SegmentsReport
from cdp.segments.monitor import Firing, run_monitors
from cdp.segments.soon import redecide

SOON_AT_MOST = 5_000
"""If more profiles changed, they wait for the next refresh of all that changed."""


@dataclass(frozen=True)
class RefreshReport:
    attributes: AttributesReport
    segments: SegmentsReport
    fired: int
    """Firings of monitors."""


def changed_since(connection: Connection, moment: datetime) -> list[UUID]:
    """Profiles whose golden document, interactions or merges changed after a moment, those that were merged away included.

    Those whose attributes were computed for another household, or that live no more since, are among them whenever that was.
    """
    statement = """select profile_id from golden where updated_at > :at
        union select profile_id from interaction where changed_at > :at and profile_id is not null
        union select profile_id from profile_journal where at > :at
        union select from_profile_id from profile_journal where at > :at and from_profile_id is not null
        union select a.profile_id from profile_attribute a left join profile p on p.id = a.profile_id
            where p.id is null or p.retired_at is not null or p.household_id is distinct from a.household_id"""
    return list(connection.execute(text(statement), {"at": moment}).scalars())


def last_refresh(connection: Connection) -> datetime | None:
    """When attributes were last refreshed with everybody taken into account; null: never."""
    statement = "select max(started_at) from run where stage = 'attributes' and status = 'done' and report ? 'mark'"
    found: datetime | None = connection.execute(text(statement)).scalar_one()
    return found


def refresh_all(
    engine: Engine, changed: Iterable[UUID] | None = None, *, as_of: datetime | None = None, lake: Path | None = None
) -> RefreshReport:
    """Bring attributes, segments and monitors up to date; with `lake`, the folder of derived files, by way of the columnar copy."""
    now = as_of or datetime.now(UTC)
    ids = None if changed is None else set(changed)
    first = attributes.refresh(engine, ids, as_of=now)
    looked_at = None if ids is None or first.changed is None else ids | set(first.changed)
    if lake is not None:
        second, fired = decide(engine, lake, as_of=now, changed=ids or ())
        return RefreshReport(first, second, fired)
    second = membership.refresh(engine, looked_at, as_of=now)
    told = run_monitors(engine, looked_at, as_of=now)
    _follow_marks(engine, told, now)
    return RefreshReport(first, second, len(told))


def decide(engine: Engine, lake: Path, *, as_of: datetime | None = None, changed: Iterable[UUID] = ()) -> tuple[SegmentsReport, int]:
    """Decide segments and monitors for everybody, by way of the columnar copy, which finds out itself who changed; and how many fired.

    Attributes come first. `changed` are profiles to look at besides.
    """
    now = as_of or datetime.now(UTC)
    report = refresh_in_copy(engine, lake / "segments", as_of=now, changed=changed)
    fired = run_monitors(engine, as_of=now, copy=Copy(lake / "segments"))
    _follow_marks(engine, fired, now)
    return report, len(fired)


def _follow_marks(engine: Engine, fired: list[Firing], now: datetime) -> None:
    """Attributes and segments of those on whom a monitor set a mark."""
    marked = [one.profile_id for one in fired if one.marked]
    if marked:
        attributes.refresh(engine, marked, as_of=now, aging=False)
        redecide(engine, marked, as_of=now)


def refresh_changed(engine: Engine, *, lake: Path | None = None) -> RefreshReport:
    """Bring up to date whatever changed since the last refresh; everything where there was none."""
    with engine.connect() as connection:
        last = last_refresh(connection)
        changed = None if last is None else changed_since(connection, last)
    return refresh_all(engine, changed, lake=lake)


def refresh_soon(engine: Engine, profile_ids: Iterable[UUID]) -> RefreshReport | None:
    """Re-decide these profiles now, because something happened to them; time is made up for by the next scheduled refresh.

    Null, with nothing done, where no segment has been decided and no monitor is enabled: nobody waits for it.
    """
    with engine.connect() as connection:
        if not connection.execute(text(_AWAITED)).scalar_one():
            return None
        ids = set(profile_ids)
        ids |= set(connection.execute(text(_TAKEN_IN), {"ids": list(ids)}).scalars())
    now = datetime.now(UTC)
    first = attributes.refresh(engine, ids, as_of=now, aging=False)
    looked_at = ids | set(first.changed or ())
    second = redecide(engine, looked_at, as_of=now)
    fired = run_monitors(engine, looked_at, as_of=now)
    _follow_marks(engine, fired, now)
    return RefreshReport(first, second, len(fired))


_AWAITED = """select exists (select from segment where soon and deleted_at is null and as_of is not null)
    or exists (select from monitor where enabled)"""


_TAKEN_IN = """select p.id from profile p where p.merged_into = any(cast(:ids as uuid[]))
    and (exists (select from profile_attribute a where a.profile_id = p.id)
        or exists (select from segment_member m where m.profile_id = p.id))"""
"""Profiles that were merged into these and have not left yet: who tells of a merge tells of the one that lives on."""


def refresh_since(engine: Engine, moment: datetime) -> RefreshReport | None:
    """Re-decide who changed after a moment, unless they are too many to be decided at once: then the next refresh does."""
    with engine.connect() as connection:
        changed = changed_since(connection, moment)
    return refresh_soon(engine, changed) if 0 < len(changed) <= SOON_AT_MOST else None
