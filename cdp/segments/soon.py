"""For a few profiles all segments are decided by a few statements over their own people and events, which are read once.

A condition is decided as `cdp.segments.membership` would: scoped, at one moment. Time is made up for by the next refresh of everybody.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Engine, FromClause, Uuid, bindparam, column, func, select, table, text

from cdp.attributes import types
from cdp.attributes.fields import PersonFields, event_view, person_view
from cdp.attributes.language.sql import Fields, holds
from cdp.attributes.language.tree import Type
from cdp.db import lock
from cdp.segments.check import in_order
from cdp.segments.compile import Compiler
from cdp.segments.membership import SegmentReport, SegmentsReport, apply_difference, difference_tables, record
from cdp.segments.store import Segment, segments
from cdp.segments.tree import Condition, segments_named

_AT_ONCE = 40
"""Conditions in one statement: more would plan longer than they run."""
_PERSON = table("segment_person", *(column(c.name, c.type) for c in person_view().c))
_EVENT = table("segment_event", *(column(c.name, c.type) for c in event_view().c))
_EVENT_NAMES = ", ".join(c.name for c in event_view().c if c.name != "items")


@dataclass(frozen=True)
class Nearby:
    """The people in scope and their events, read into temporary tables."""

    attributes: Mapping[str, Type]

    def person(self) -> FromClause:
        return _PERSON.alias()

    def event(self) -> FromClause:
        return _EVENT.alias()

    def fields(self, person: FromClause, now: datetime) -> Fields:
        return PersonFields(person, self.attributes, now)


def read_nearby(connection: Connection, ids: Iterable[UUID]) -> Nearby:
    """Read these people, whoever shares a household with them, and what happened to them all, for this transaction."""
    people = ", ".join(f'"{c.name}"' for c in person_view().c)
    connection.execute(text("set local timezone = 'UTC'; set local jit = off; drop table if exists segment_nearby"))
    connection.execute(text("create temporary table segment_nearby (profile_id uuid primary key) on commit drop"))
    connection.execute(text(_NEARBY), {"ids": list(ids)})
    connection.execute(text("analyze segment_nearby; set local random_page_cost = 1.1"))
    for name, source, columns in (("segment_person", "person", people), ("segment_event", "event", _EVENT_NAMES)):
        rows = f"select {columns} from {source} where profile_id in (select profile_id from segment_nearby)"
        connection.execute(text(f"drop table if exists {name}"))
        connection.execute(text(f"create temporary table {name} on commit drop as {rows}"))
        connection.execute(text(f"analyze {name}"))
    return Nearby(types(connection))


_NEARBY = """insert into segment_nearby select unnest(cast(:ids as uuid[])) union select p.id from profile p where p.household_id in (
    select household_id from profile where id = any(cast(:ids as uuid[])) and household_id is not null)"""


def who_holds(connection: Connection, compiler: Compiler, ids: list[UUID], conditions: Mapping[str, Condition]) -> dict[str, set[UUID]]:
    """Name -> who of these people meets its condition; the compiler's store is what `read_nearby` gave for them."""
    found: dict[str, set[UUID]] = {name: set() for name in conditions}
    names = list(conditions)
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        person = compiler.store.person()
        columns = [holds(compiler.holds(conditions[name], person)).label(f"c{i}") for i, name in enumerate(part)]
        wanted = person.c.profile_id == func.any(bindparam(None, ids, ARRAY(Uuid())))
        for row in connection.execute(select(person.c.profile_id, *columns).where(wanted)):
            for name, met in zip(part, row[1:], strict=True):
                if met:
                    found[name].add(row[0])
    return found


def redecide(engine: Engine, profile_ids: Iterable[UUID], *, as_of: datetime | None = None) -> SegmentsReport:
    """Decide these profiles, those merged away included, in every segment that allows it and is not waiting to be decided for everybody."""
    started = time.monotonic()
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    ids = list(set(profile_ids))
    with engine.begin() as connection:
        known = segments(connection)
        ready = {name: one for name, one in known.items() if one.soon and one.as_of is not None and one.refreshed_version == one.version}
        reports: list[SegmentReport] = []
        if ready and ids:
            compiler = Compiler(read_nearby(connection, ids), now, {name: one.id for name, one in known.items()})
            for level in _levels(ready):
                holding = who_holds(connection, compiler, ids, {name: ready[name].condition for name in level})
                reports += _apply(connection, [ready[name] for name in level], holding, ids, now)
    return SegmentsReport(now, tuple(reports), time.monotonic() - started)


def _levels(known: Mapping[str, Segment]) -> list[list[str]]:
    """Names in steps, so that each step names only segments of the steps before; within one, in the order that everybody locks in."""
    depth: dict[str, int] = {}
    for name in in_order({n: one.condition for n, one in known.items()}):
        depth[name] = 1 + max((depth.get(other, -1) for other in segments_named(known[name].condition)), default=-1)
    return [[name for name in depth if depth[name] == step] for step in range(max(depth.values()) + 1)]


def _apply(
    connection: Connection, found: list[Segment], holding: Mapping[str, set[UUID]], ids: list[UUID], now: datetime
) -> list[SegmentReport]:
    """Write who enters and who leaves; the segments in which nobody does are left alone."""
    started = time.monotonic()
    rows: Any = connection.execute(text(_INSIDE), {"ids": ids})
    inside: dict[int, set[UUID]] = {}
    for row in rows:
        inside.setdefault(row.segment_id, set()).add(row.profile_id)
    reports = []
    for one in found:
        before = inside.get(one.id, set())
        entering, leaving = sorted(holding[one.name] - before), sorted(before - holding[one.name])
        if not entering and not leaving:
            continue
        lock(connection, f"segment {one.name}")
        difference_tables(connection)
        connection.execute(text("insert into segment_now select unnest(cast(:ids as uuid[]))"), {"ids": entering})
        connection.execute(text("insert into segment_scope select unnest(cast(:ids as uuid[])), true"), {"ids": leaving})
        entered, left = apply_difference(connection, one, now)
        seconds = time.monotonic() - started
        members = record(connection, one, entered - left, now, seconds, full=False, aged=False)
        reports.append(SegmentReport(one.name, members, entered, left, len(ids), seconds))
    return reports


_INSIDE = "select segment_id, profile_id from segment_member where profile_id = any(cast(:ids as uuid[]))"
