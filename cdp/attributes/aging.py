"""Time alone changes values: whoever it can have changed between two moments is found, or made up for, without looking at anybody else.

An event that crosses an edge of a window changes what was aggregated; those people are computed again. A `time_since` moves by itself:
it is counted on from the stored moment that it counts from, with the expressions that build on it, and no event is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, DateTime, Numeric, Text, cast, column, func, literal, or_, select, table, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import ReturningUpdate

from cdp.attributes.compile import levels, merged, since
from cdp.attributes.definition import Definition
from cdp.attributes.expression import compile_expression
from cdp.attributes.language.sql import Sql, text
from cdp.db.segment_tables import profile_attribute

_STORED = table("profile_attribute", column("profile_id"), column("values", JSONB), column("inputs", JSONB))


def aged_events(definitions: Sequence[Definition], before: datetime, now: datetime) -> list[tuple[datetime, datetime]]:
    """Stretches of time such that only people with an event in one of them can have another aggregate at `now` than they had `before`.

    An event changes a windowed value when it passes an edge of the window, or when its own time comes.
    """
    edges = {(before, now)}
    for definition in definitions:
        if not definition.over_events:
            continue
        shifts = [None, definition.window.length] if definition.kind == "trend" else [None]
        for shift in shifts:
            old = definition.window.bounds(before if shift is None else shift.before(before))
            new = definition.window.bounds(now if shift is None else shift.before(now))
            edges |= {(a, b) for a, b in zip(old, new, strict=True) if a is not None and b is not None and a < b}
    return sorted(edges)


def count_on(definitions: Sequence[Definition], now: datetime) -> ReturningUpdate[Any] | None:
    """Bring each stored `time_since` that has another value at `now` up to date, and what builds on it; gives the ids of those people.

    `definitions` are in order of need; null where none of them counts time.
    """
    timed = [d for d in definitions if d.kind == "time_since"]
    if not timed:
        return None
    moving = _moving(definitions)
    known = {name: _stored(name) for m in moving for name in m.needs if name not in {other.name for other in moving}}
    known |= {d.name: since(cast(_STORED.c.inputs.op("->>")(text(f"{d.name}@")), DateTime(timezone=True)), d, now) for d in timed}
    other = or_(*(known[d.name] != _stored(d.name) for d in timed))
    level: Any = select(_STORED.c.profile_id, _STORED.c["values"], *(c.label(f"{n}__v") for n, c in known.items())).where(other)
    level = level.subquery("level")
    for depth, group in enumerate(levels(moving)):
        found = {c.key.removesuffix("__v"): c for c in level.c if c.key.endswith("__v")}
        made = [compile_expression(d.expression, found).label(f"{d.name}__v") for d in group if d.expression is not None]
        level = select(level, *made).subquery(f"level_{depth}")
    names = [d.name for d in (*timed, *moving)]
    values = level.c["values"].op("-")(literal(names, ARRAY(Text)))
    document = values.op("||")(func.jsonb_strip_nulls(merged([(name, level.c[f"{name}__v"]) for name in names])))
    change = update(profile_attribute).where(profile_attribute.c.profile_id == level.c.profile_id)
    return change.values(values=document, as_of=now, computed_at=func.now()).returning(profile_attribute.c.profile_id)


def _stored(name: str) -> Sql:
    return cast(_STORED.c["values"].op("->>")(text(name)), Numeric())


def _moving(definitions: Sequence[Definition]) -> list[Definition]:
    """Expressions that a `time_since` reaches."""
    reached = {d.name for d in definitions if d.kind == "time_since"}
    found = []
    for definition in definitions:
        if definition.expression is not None and reached & set(definition.needs):
            reached.add(definition.name)
            found.append(definition)
    return found
