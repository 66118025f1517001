"""A segment's members are exactly the living profiles that met its condition at `as_of`; each stay has its entry, its exit and their cause.

A refresh of what changed leaves the members that a refresh of everybody would. When profiles merge, the one that lives on continues the
stay of the one that does not; when they part again, each continues its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, column, table, text, update

from cdp.attributes import types
from cdp.attributes.language.tree import Compare
from cdp.db import lock
from cdp.db.segment_tables import segment
from cdp.segments.aging import aged
from cdp.segments.check import in_order
from cdp.segments.compile import Compiler, Live
from cdp.segments.store import Segment, segments
from cdp.segments.tree import Condition, Household, every_leaf, segments_named

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SegmentReport:
    """What a refresh did to one segment; `decided` is how many people were looked at, null for everybody."""

    name: str
    members: int
    entered: int
    left: int
    decided: int | None
    seconds: float


@dataclass(frozen=True)
class SegmentsReport:
    as_of: datetime
    segments: tuple[SegmentReport, ...]
    seconds: float


def refresh(
    engine: Engine,
    changed: Iterable[UUID] | None = None,
    *,
    names: Iterable[str] | None = None,
    as_of: datetime | None = None,
    progress: Progress | None = None,
) -> SegmentsReport:
    """Decide the members of all segments (or of `names` and what they build on): of everybody, or of the `changed` profiles and the aged.

    `changed` takes in the profiles that were merged away. Attributes come first: pass what `cdp.attributes.refresh` reports as changed.
    A segment whose condition is new is decided in full. `cdp.segments.soon` decides a few profiles and nobody else.
    """
    started = time.monotonic()
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    base = None if changed is None else set(changed)
    with engine.begin() as connection:
        known = segments(connection)
        store = Live(types(connection))
        withdraw(connection)
    order = [name for name in in_order({n: s.condition for n, s in known.items()}) if names is None or name in _needed(known, names)]
    reports: list[SegmentReport] = []
    moved: dict[str, set[UUID]] = {}
    for done, name in enumerate(order, 1):
        with engine.begin() as connection:
            lock(connection, f"segment {name}")
            reports.append(_refresh_one(connection, store, known, name, base, moved, now))
        if progress:
            progress(done, len(order))
    return SegmentsReport(now, tuple(reports), time.monotonic() - started)


def _needed(known: dict[str, Segment], names: Iterable[str]) -> set[str]:
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in known and name not in needed:
            needed.add(name)
            waiting.extend(segments_named(known[name].condition))
    return needed


def _refresh_one(
    connection: Connection,
    store: Live,
    known: dict[str, Segment],
    name: str,
    base: set[UUID] | None,
    moved: dict[str, set[UUID]],
    now: datetime,
) -> SegmentReport:
    started = time.monotonic()
    found = known[name]
    connection.execute(text("set local timezone = 'UTC'"))
    connection.execute(text("set local jit = off"))
    connection.execute(text("set local work_mem = '128MB'"))
    compiler = Compiler(store, now, {n: s.id for n, s in known.items()})
    stale = found.as_of is None or found.refreshed_version != found.version or found.as_of > now
    ids = None if base is None or stale or _of_the_model(found.condition) else _to_decide(connection, found, base, moved, compiler)
    _scope(connection, ids, any(isinstance(leaf, Household) for leaf in every_leaf(found.condition)))
    if ids is not None:
        compiler = Compiler(compiler.store, now, compiler.segments, scoped=True)
    people = compiler.people(found.condition)
    connection.execute(_NOW.insert().from_select(["profile_id"], people))
    connection.execute(text("analyze segment_now"))
    entered, left = _apply(connection, found.id, _cause(found), now, scoped=ids is not None)
    moved[name] = entered | left
    seconds = time.monotonic() - started
    members = record(connection, found, len(entered) - len(left), now, seconds, full=ids is None)
    return SegmentReport(name, members, len(entered), len(left), None if ids is None else len(ids), seconds)


def _of_the_model(condition: Condition) -> bool:
    """Whether it asks for what a new model gives everybody anew, without any of their data having changed."""
    return any(isinstance(leaf, Compare) and leaf.field == "confidence" for leaf in every_leaf(condition))


def _to_decide(connection: Connection, found: Segment, base: set[UUID], moved: dict[str, set[UUID]], compiler: Compiler) -> set[UUID]:
    ids = set(base)
    for other in segments_named(found.condition):
        ids |= moved.get(other, set())
    if found.as_of is not None and found.as_of < compiler.now:
        ids |= aged(connection, found.condition, Compiler(compiler.store, found.as_of, compiler.segments), compiler)
    return ids


_NOW = table("segment_now", column("profile_id"))
_MATES = """insert into segment_scope select p.id, true from profile p where p.household_id in (
    select o.household_id from profile o join segment_scope s on s.profile_id = o.id where o.household_id is not null)
    on conflict do nothing"""


def difference_tables(connection: Connection) -> None:
    """Make the empty temporary tables that a difference is stated in: `segment_now` and `segment_scope`."""
    connection.execute(text("drop table if exists segment_now, segment_scope"))
    connection.execute(text("create temporary table segment_now (profile_id uuid primary key) on commit drop"))
    connection.execute(text("create temporary table segment_scope (profile_id uuid primary key, wanted boolean not null) on commit drop"))


def _scope(connection: Connection, ids: set[UUID] | None, households: bool) -> None:
    difference_tables(connection)
    if ids is not None:
        connection.execute(text("insert into segment_scope select unnest(cast(:ids as uuid[])), true"), {"ids": list(ids)})
        if households:
            connection.execute(text(_MATES))
        connection.execute(text("analyze segment_scope"))


_ENTERED = """
with new as (
    select n.profile_id from segment_now n
    where not exists (select from segment_member m where m.segment_id = :segment and m.profile_id = n.profile_id)
), past as (
    select n.profile_id, m.entered_at, 'merged' as cause from new n
        join profile p on p.merged_into = n.profile_id join segment_member m on m.profile_id = p.id and m.segment_id = :segment
    union all
    select n.profile_id, h.entered_at, 'merged' from new n
        join profile p on p.merged_into = n.profile_id
        join segment_history h on h.profile_id = p.id and h.segment_id = :segment and h.cause = 'merged'
    union all
    select n.profile_id, h.entered_at, 'split' from new n
        join lateral (select entered_at, cause from segment_history where profile_id = n.profile_id and segment_id = :segment
            order by id desc limit 1) h on h.cause = 'merged'
    union all
    select n.profile_id, m.entered_at, 'split' from new n
        join profile_journal j on j.profile_id = n.profile_id and j.change = 'split'
        join segment_member m on m.profile_id = j.from_profile_id and m.segment_id = :segment
), added as (
    insert into segment_member (segment_id, profile_id, entered_at)
    select :segment, n.profile_id, coalesce(min(p.entered_at), :now) from new n left join past p using (profile_id) group by n.profile_id
    returning profile_id
)
insert into segment_change (segment_id, profile_id, change, cause, at)
select :segment, a.profile_id, 'entered', coalesce((select min(p.cause) from past p where p.profile_id = a.profile_id), :cause), :now
from added a order by a.profile_id"""

_LEFT = """
with gone as (
    delete from segment_member m where m.segment_id = :segment {scope}
        and not exists (select from segment_now n where n.profile_id = m.profile_id)
    returning m.profile_id, m.entered_at
), told as (
    select g.profile_id, g.entered_at, case when p.merged_into is not null then 'merged' when p.id is null or p.retired_at is not null
        then 'gone' else :cause end as cause
    from gone g left join profile p on p.id = g.profile_id
), kept as (
    insert into segment_history (segment_id, profile_id, entered_at, left_at, cause)
    select :segment, profile_id, entered_at, greatest(entered_at, :now), cause from told
)
insert into segment_change (segment_id, profile_id, change, cause, at)
select :segment, profile_id, 'left', cause, :now from told order by profile_id"""
_SCOPE = "and m.profile_id in (select s.profile_id from segment_scope s where s.wanted)"


def _cause(found: Segment) -> str:
    return "definition" if found.refreshed_version not in (None, found.version) else "condition"


def _apply(connection: Connection, segment_id: int, cause: str, now: datetime, *, scoped: bool) -> tuple[set[UUID], set[UUID]]:
    """Make the members those of `segment_now`; who entered and who left. Entries come first: they look at the stays that end."""
    values: dict[str, Any] = {"segment": segment_id, "cause": cause, "now": now}
    entered = set(connection.execute(text(f"{_ENTERED} returning profile_id"), values).scalars())
    left = set(connection.execute(text(f"{_LEFT.format(scope=_SCOPE if scoped else '')} returning profile_id"), values).scalars())
    _notify(connection, segment_id, len(entered) + len(left))
    return entered, left


def apply_difference(connection: Connection, found: Segment, now: datetime) -> tuple[int, int]:
    """Add those of `segment_now` to the members and remove those of `segment_scope`; how many entered and left."""
    values: dict[str, Any] = {"segment": found.id, "cause": _cause(found), "now": now}
    entered = connection.execute(text(_ENTERED), values).rowcount
    left = connection.execute(text(_LEFT.format(scope=_SCOPE)), values).rowcount
    _notify(connection, found.id, entered + left)
    return entered, left


def _notify(connection: Connection, segment_id: int, changes: int) -> None:
    if changes:
        connection.execute(text("select pg_notify('cdp_segments', :id)"), {"id": str(segment_id)})


def record(connection: Connection, found: Segment, difference: int, now: datetime, seconds: float, *, full: bool, aged: bool = True) -> int:
    """Note that a segment was decided, for everybody (`full`) or with those whom time has moved (`aged`); how many members it has."""
    count = text("select count(*) from segment_member where segment_id = :id")
    members = int(connection.execute(count, {"id": found.id}).scalar_one()) if full else found.members + difference
    values: dict[str, Any] = {"members": members, "refreshed_at": datetime.now(UTC), "refreshed_version": found.version}
    if full:
        values["seconds"] = seconds
    if full or aged:
        values["as_of"] = now
    connection.execute(update(segment).where(segment.c.id == found.id).values(values))
    return members


def withdraw(connection: Connection) -> None:
    """Members of deleted segments leave."""
    statement = "select id from segment s where deleted_at is not null and exists (select from segment_member m where m.segment_id = s.id)"
    for segment_id in connection.execute(text(statement)).scalars().all():
        difference_tables(connection)
        _apply(connection, segment_id, "definition", datetime.now(UTC), scoped=False)


@dataclass(frozen=True)
class Move:
    """Somebody who came into a segment or left it."""

    id: int
    profile_id: UUID
    change: str
    cause: str
    at: datetime


def changes(connection: Connection, segment_id: int, *, limit: int = 50, before: int | None = None) -> list[Move]:
    """Who came and who left, newest first, older than the change `before`."""
    statement = """select id, profile_id, change, cause, at from segment_change
        where segment_id = :segment and (cast(:before as bigint) is null or id < :before) order by id desc limit :limit"""
    rows = connection.execute(text(statement), {"segment": segment_id, "before": before, "limit": limit})
    return [Move(*row) for row in rows]


def members_as_of(connection: Connection, name: str, moment: datetime) -> list[UUID]:
    """Who was in a segment at a past moment, from the recorded stays."""
    statement = """select profile_id from segment_member m join segment s on s.id = m.segment_id where s.name = :name and entered_at <= :at
        union select profile_id from segment_history h join segment s on s.id = h.segment_id
        where s.name = :name and entered_at <= :at and left_at > :at order by 1"""
    return list(connection.execute(text(statement), {"name": name, "at": moment}).scalars())


def recorded_since(connection: Connection, name: str) -> datetime | None:
    """From when on the members of a segment are recorded; null where they have never been decided."""
    statement = """select case when s.as_of is not null then least(s.created_at,
            (select min(m.entered_at) from segment_member m where m.segment_id = s.id),
            (select min(h.entered_at) from segment_history h where h.segment_id = s.id)) end
        from segment s where s.name = :name and s.deleted_at is null"""
    found: datetime | None = connection.execute(text(statement), {"name": name}).scalar_one_or_none()
    return found
