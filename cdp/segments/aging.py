"""Time alone moves people in and out; whoever it can have moved between two moments is found here, so that nobody else is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, column, or_, select, table

from cdp.attributes.fields import GOLDEN_DATES
from cdp.attributes.language.check import leaves
from cdp.attributes.language.sql import holds, time
from cdp.attributes.language.tree import DURATIONS, Compare
from cdp.segments.compile import Compiler
from cdp.segments.tree import Condition, EventMatch, Events, Leaf, Sequence, every_leaf

Stretch = tuple[datetime, datetime]
_INTERACTION = table("interaction", column("profile_id"), column("at"))


def aged(connection: Connection, condition: Condition, before: Compiler, now: Compiler) -> set[Any]:
    """Profile ids of whom a leaf of the condition can be true at one of the two moments and false at the other."""
    found: set[Any] = set()
    stretches: set[Stretch] = set()
    for leaf in every_leaf(condition):
        if isinstance(leaf, Events | Sequence) and not _relative(leaf):
            stretches.update(_edges(leaf, before.now, now.now))
        elif isinstance(leaf, Events | Sequence) or (isinstance(leaf, Compare) and _moved(leaf, before.now, now.now)):
            found.update(connection.execute(_differs(leaf, before, now)).scalars())
    if stretches:
        inside = or_(*((_INTERACTION.c.at > time(a)) & (_INTERACTION.c.at <= time(b)) for a, b in stretches))
        found.update(
            connection.execute(select(_INTERACTION.c.profile_id).where(inside, _INTERACTION.c.profile_id.is_not(None)).distinct()).scalars()
        )
    return found


def _moves(compare: Compare) -> bool:
    return compare.op in DURATIONS or compare.field == "age"


def _moved(compare: Compare, before: datetime, now: datetime) -> bool:
    """Dates and ages move at midnight, times always."""
    daily = compare.field == "age" or compare.field in GOLDEN_DATES
    return _moves(compare) and not (daily and before.date() == now.date())


def _matches(leaf: Events | Sequence) -> Iterator[EventMatch]:
    if isinstance(leaf, Events):
        yield leaf.match
        return
    yield leaf.first
    for step in leaf.steps:
        yield step.match
        if step.without is not None:
            yield step.without


def _relative(leaf: Events | Sequence) -> bool:
    """Whether the events themselves are compared with the present."""
    parts = (part for match in _matches(leaf) if match.where is not None for part in leaves(match.where))
    return any(isinstance(part, Compare) and _moves(part) for part in parts)


def _edges(leaf: Events | Sequence, before: datetime, now: datetime) -> Iterator[Stretch]:
    """An event matters when it passes an edge of the window, when its own time comes, or when the wait for a missing step is over."""
    yield before, now
    for a, b in zip(leaf.window.bounds(before), leaf.window.bounds(now), strict=True):
        if a is not None and b is not None and a < b:
            yield a, b
    for step in leaf.steps if isinstance(leaf, Sequence) else ():
        if step.absent and step.within is not None:
            yield before - step.within.fixed, now - step.within.fixed


def _differs(leaf: Leaf, before: Compiler, now: Compiler) -> Any:
    person = now.store.person()
    return select(person.c.profile_id).where(holds(before.leaf(leaf, person)) != holds(now.leaf(leaf, person)))
