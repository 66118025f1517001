"""What a condition would add to and remove from a segment, before it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, column, insert, table, text

from cdp.attributes import types
from cdp.segments.compile import Compiler, Live
from cdp.segments.store import checked, dependants, segments

_PLANNED = table("segment_planned", column("profile_id"))
_COUNTS = """select count(*) filter (where m.profile_id is null), count(*) filter (where n.profile_id is null), count(m.profile_id),
    count(n.profile_id) from segment_planned n full join (select profile_id from segment_member where segment_id = :id) m
    on m.profile_id = n.profile_id"""
_ENTERS = """select n.profile_id from segment_planned n where not exists (
    select from segment_member m where m.segment_id = :id and m.profile_id = n.profile_id) order by md5(n.profile_id::text) limit :size"""
_LEAVES = """select m.profile_id from segment_member m where m.segment_id = :id and not exists (
    select from segment_planned n where m.profile_id = n.profile_id) order by md5(m.profile_id::text) limit :size"""


@dataclass(frozen=True)
class SegmentPlan:
    """Members now and then, who would enter and leave (some of them), and the segments that build on this one."""

    name: str
    members: int
    then: int
    enter: int
    leave: int
    enter_sample: tuple[UUID, ...]
    leave_sample: tuple[UUID, ...]
    dependants: tuple[str, ...]


def plan(engine: Engine, name: str, written: str | Mapping[str, Any], *, as_of: datetime | None = None, sample: int = 10) -> SegmentPlan:
    """Decide a condition for everybody without storing anything; `name` may be a new segment.

    Raises:
        DefinitionError: the condition cannot be read or decided.
    """
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    with engine.connect() as connection:
        connection.execute(text("set local timezone = 'UTC'"))
        connection.execute(text("set local jit = off"))
        condition = checked(connection, written, name)
        ids = {n: s.id for n, s in segments(connection).items()}
        connection.execute(text("create temporary table segment_planned (profile_id uuid primary key) on commit drop"))
        people = Compiler(Live(types(connection)), now, ids).people(condition)
        connection.execute(insert(_PLANNED).from_select(["profile_id"], people))
        values: dict[str, Any] = {"id": ids.get(name, -1), "size": sample}
        enter, leave, members, then = connection.execute(text(_COUNTS), values).one()
        entering, leaving = (tuple(connection.execute(text(query), values).scalars()) for query in (_ENTERS, _LEAVES))
        return SegmentPlan(name, members, then, enter, leave, entering, leaving, tuple(dependants(connection, name)))
