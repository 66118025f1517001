"""What an event went into behind its profile: attributes computed from it, segments that count it, deliveries of these.

Told from what is stored now, so it is no more than what is so: a value that was computed before the event landed did not use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, or_, select
from sqlalchemy import text as sql_text

from cdp.attributes import Definition, definitions, types
from cdp.attributes.fields import EventFields, NoFields, event_view
from cdp.attributes.language.sql import Sql, holds, predicate, time
from cdp.attributes.language.tree import Compare
from cdp.ingest.events.receipts import EventReceipt
from cdp.segments import Segment, segments
from cdp.segments.compile import Compiler, Live
from cdp.segments.tree import EventMatch, Events, InSegment, every_leaf
from cdp.segments.tree import Sequence as Steps

Use = dict[str, Any]
_EVENT = event_view().alias()
"""The event in hand."""


def used_in(connection: Connection, receipt: EventReceipt) -> list[Use]:
    """Attributes, segments and deliveries that used what a message brought; nothing where it is on no profile.

    A message that only says who somebody is was used by every later delivery of that person.
    """
    if receipt.profile_id is None or receipt.landed_at is None:
        return []
    profile_id, landed_at = receipt.profile_id, receipt.landed_at
    event_id = next((use["id"] for use in receipt.used_in if use["what"] == "interaction"), None)
    attributes = [] if event_id is None else _attributes(connection, profile_id, landed_at, event_id)
    groups = _segments(connection, profile_id, event_id, {use["name"] for use in attributes})
    return attributes + groups + _deliveries(connection, profile_id, landed_at, None if event_id is None else {g["name"] for g in groups})


def _attributes(connection: Connection, profile_id: UUID, landed_at: datetime, event_id: int) -> list[Use]:
    row = connection.execute(
        sql_text('select "values", as_of, computed_at from profile_attribute where profile_id = :id and computed_at >= :since'),
        {"id": profile_id, "since": landed_at},
    ).one_or_none()
    if row is None:
        return []
    known = definitions(connection)
    direct = [d for d in known if d.over_events and d.name in row[0]]
    names = _holding(connection, event_id, {d.name: _counts(d, row.as_of) for d in direct})
    for definition in known:  # in the order of need: what an expression names stands before it
        if definition.name in row[0] and names.intersection(definition.needs):
            names.add(definition.name)
    return [{"what": "attribute", "name": name, "at": row.computed_at} for name in sorted(names)]


def _counts(definition: Definition, now: datetime) -> Sql:
    """Whether the event in hand counts for an attribute that is computed at `now`."""
    start, end = definition.window.bounds(now)
    parts: list[Sql] = [_EVENT.c.at <= time(end)]
    if start is not None:
        parts.append(_EVENT.c.at > time(start))
    if definition.of:
        parts.append(_EVENT.c.kind.in_(list(definition.of)))
    if definition.where is not None:
        parts.append(predicate(definition.where, EventFields(_EVENT), NoFields(), now))
    return and_(*parts)


def _holding(connection: Connection, event_id: int, conditions: Mapping[str, Sql]) -> set[str]:
    """Names of the conditions that the event meets."""
    if not conditions:
        return set()
    columns = [holds(condition).label(f"c{number}") for number, condition in enumerate(conditions.values())]
    row = connection.execute(select(*columns).select_from(_EVENT).where(_EVENT.c.event_id == event_id)).one_or_none()
    return set() if row is None else {name for name, met in zip(conditions, row, strict=True) if met}


def _segments(connection: Connection, profile_id: UUID, event_id: int | None, attributes: set[str]) -> list[Use]:
    """Segments that the person is in, whose condition counts the event or names an attribute that does."""
    rows = connection.execute(sql_text("select segment_id, entered_at from segment_member where profile_id = :id"), {"id": profile_id})
    entered = {row.segment_id: row.entered_at for row in rows}
    mine = [segment for segment in segments(connection).values() if segment.id in entered and segment.as_of is not None]
    if event_id is None or not mine:
        return []
    found = _counting(connection, event_id, mine) | {s.name for s in mine if _names(s) & attributes}
    while more := {segment.name for segment in mine if segment.name not in found and _reads(segment, found)}:
        found |= more
    return [{"what": "segment", "name": s.name, "at": entered[s.id]} for s in mine if s.name in found]


def _reads(segment: Segment, found: set[str]) -> bool:
    """Whether the condition rests on membership of a segment that was found."""
    return any(isinstance(leaf, InSegment) and leaf.name in found for leaf in every_leaf(segment.condition))


def _names(segment: Segment) -> set[str]:
    return {leaf.field for leaf in every_leaf(segment.condition) if isinstance(leaf, Compare)}


def _counting(connection: Connection, event_id: int, mine: Sequence[Segment]) -> set[str]:
    conditions: dict[str, Sql] = {}
    for segment in mine:
        assert segment.as_of is not None
        compiler = Compiler(Live(types(connection)), segment.as_of, {})
        parts = [and_(*compiler.matching(match, _EVENT), *within) for match, within in _matches(segment, compiler)]
        if parts:
            conditions[segment.name] = or_(*parts)
    return _holding(connection, event_id, conditions)


def _matches(segment: Segment, compiler: Compiler) -> Iterable[tuple[EventMatch, list[Sql]]]:
    for leaf in every_leaf(segment.condition):
        if isinstance(leaf, Events):
            yield leaf.match, compiler.within(leaf.window, _EVENT)
        elif isinstance(leaf, Steps):
            yield leaf.first, compiler.within(leaf.window, _EVENT)
            yield from ((step.match, []) for step in leaf.steps if not step.absent)


def _deliveries(connection: Connection, profile_id: UUID, landed_at: datetime, audiences: set[str] | None) -> list[Use]:
    rows = connection.execute(
        sql_text(
            """select l.delivery_id as id, t.name, l.change, coalesce(d.finished_at, d.started_at) as at,
                      d.document ->> 'segment' as segment
               from export_ledger l join delivery d on d.id = l.delivery_id
               join destination t on t.id = d.destination_id
               where l.profile_id = :id and d.started_at >= :since and l.change <> 'removed' order by l.id"""
        ),
        {"id": profile_id, "since": landed_at},
    )
    return [
        {"what": "delivery", "id": row.id, "name": row.name, "kind": row.change, "at": row.at}
        for row in rows
        if audiences is None or row.segment in audiences
    ]
