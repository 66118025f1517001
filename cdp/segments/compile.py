"""A condition as SQL over `person`, `event` and `segment_member`, wherever those are: the same tree gives the same people everywhere.

Every question about events is asked for all people at once (`profile_id in (select … group by …)`), within `scope` where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Double, FromClause, Interval, Select, and_, bindparam, cast, column, func, literal, not_, or_, select, table, true

from cdp.attributes.fields import EventFields, PersonFields, event_view, person_view
from cdp.attributes.language import sql
from cdp.attributes.language.check import leaves, unknown
from cdp.attributes.language.sql import SEPARATOR, Field, Fields, Sql, as_number, holds, number, text, time
from cdp.attributes.language.tree import Compare, Op, Reference, Type, Window
from cdp.segments.check import zero_holds
from cdp.segments.tree import (
    BEFORE,
    Condition,
    Consent,
    EventMatch,
    Events,
    Everyone,
    Household,
    InSegment,
    Random,
    Sequence,
    of_the_event_before,
)

MEMBER = table("segment_member", column("segment_id"), column("profile_id"))
SCOPE = table("segment_scope", column("profile_id"), column("wanted"))
"""Temporary: the people to decide on (`wanted`), and the others of their households."""


class Store(Protocol):
    """Where people and events are."""

    def person(self) -> FromClause:
        """A fresh alias of the relation of people."""

    def event(self) -> FromClause:
        """A fresh alias of the relation of events."""

    def fields(self, person: FromClause, now: datetime) -> Fields:
        """The fields of a person."""


@dataclass(frozen=True)
class Live:
    """The views of PostgreSQL."""

    attributes: Mapping[str, Type]

    def person(self) -> FromClause:
        return person_view().alias()

    def event(self) -> FromClause:
        return event_view().alias()

    def fields(self, person: FromClause, now: datetime) -> Fields:
        return PersonFields(person, self.attributes, now)


@dataclass(frozen=True)
class Compiler:
    """Compiles for one store, at one moment. `segments` are the ids of segments by name."""

    store: Store
    now: datetime
    segments: Mapping[str, int]
    scoped: bool = False

    def people(self, condition: Condition) -> Select[Any]:
        """The profile ids of everybody (in scope) who meets the condition."""
        person = self.store.person()
        found = select(person.c.profile_id).where(self.holds(condition, person))
        return found.where(person.c.profile_id.in_(select(SCOPE.c.profile_id).where(SCOPE.c.wanted))) if self.scoped else found

    def holds(self, condition: Condition, person: FromClause) -> Sql:
        """The condition on a row of people."""
        return sql.condition(condition, lambda leaf: self.leaf(leaf, person))

    def leaf(self, leaf: object, person: FromClause) -> Sql:
        """One leaf on a row of people."""
        if isinstance(leaf, Compare):
            fields = self.store.fields(person, self.now)
            return sql.comparison(leaf, fields, fields, self.now)
        if isinstance(leaf, Everyone):
            return true()
        if isinstance(leaf, Random):
            return and_(person.c.bucket >= literal(leaf.low), person.c.bucket < literal(leaf.high))
        makers: dict[type, Callable[[Any, FromClause], Sql]] = {
            Events: self._events,
            Sequence: self._sequence,
            Consent: self._consent,
            InSegment: self._member,
            Household: self._household,
        }
        return makers[type(leaf)](leaf, person)

    # --- what is known of the person

    def _consent(self, leaf: Consent, person: FromClause) -> Sql:
        marked = SEPARATOR + leaf.purpose.lower() + SEPARATOR
        granted, denied = (holds(func.strpos(listed, marked) > 0) for listed in (person.c.granted, person.c.denied))
        return {"granted": granted, "denied": denied, "unknown": not_(or_(granted, denied))}[leaf.state]

    def _member(self, leaf: InSegment, person: FromClause) -> Sql:
        if leaf.name not in self.segments:
            raise unknown("segment", leaf.name, self.segments, leaf.place)
        return person.c.profile_id.in_(select(MEMBER.c.profile_id).where(MEMBER.c.segment_id == literal(self.segments[leaf.name])))

    def _household(self, leaf: Household, person: FromClause) -> Sql:
        member = self.store.person()
        inside = holds(self.holds(leaf.condition, member))
        unit = func.coalesce(person.c.household_id, person.c.profile_id)
        found = select(func.coalesce(member.c.household_id, member.c.profile_id)).where(
            not_(inside) if leaf.quantifier == "all" else inside
        )
        if self.scoped:
            found = found.where(member.c.profile_id.in_(select(SCOPE.c.profile_id)))
        return unit.in_(found) if leaf.quantifier == "any" else unit.not_in(found)

    # --- what happened

    def matching(self, match: EventMatch, event: FromClause, before: Mapping[str, Field] | None = None) -> list[Sql]:
        """Conditions on a row of events: its kind, what is asked of it, its person in scope. `before`: fields of the event before."""
        parts: list[Sql] = [event.c.at <= time(self.now)]
        if match.kind != "*":
            parts.append(event.c.kind == text(match.kind))
        if self.scoped:
            parts.append(event.c.profile_id.in_(select(SCOPE.c.profile_id)))
        if match.where is not None:
            parts.append(self._where(match, event, before or {}))
        return parts

    def _where(self, match: EventMatch, event: FromClause, before: Mapping[str, Field]) -> Sql:
        fields = EventFields(event)
        named = [leaf.value.name for leaf in leaves(match.where) if isinstance(leaf, Compare) and isinstance(leaf.value, Reference)]
        if all(name in before for name in named):
            return sql.predicate(match.where, fields, _References(before, fields), self.now)
        person = self.store.person()
        references = _References(before, self.store.fields(person, self.now))
        inside = sql.predicate(match.where, fields, references, self.now)
        return select(literal(1)).select_from(person).where(person.c.profile_id == event.c.profile_id, inside).exists()

    def within(self, window: Window, event: FromClause) -> list[Sql]:
        """Conditions that the time of an event falls into a window."""
        if window.kind == "first":
            return [event.c.at <= self._first(event) + _interval(window.length.fixed if window.length else timedelta())]
        start, end = window.bounds(self.now)
        parts = [] if start is None else [event.c.at > time(start)]
        return parts if end >= self.now else [*parts, event.c.at <= time(end)]

    def _first(self, event: FromClause) -> Sql:
        earlier = self.store.event()
        return select(func.min(earlier.c.at)).where(earlier.c.profile_id == event.c.profile_id).scalar_subquery()

    def _events(self, leaf: Events, person: FromClause) -> Sql:
        event = self.store.event()
        found = select(event.c.profile_id).where(*self.matching(leaf.match, event), *self.within(leaf.window, event))
        if leaf.measure == "count" and leaf.op is Op.AT_LEAST and leaf.value == 1:
            return person.c.profile_id.in_(found)
        if leaf.measure == "count" and leaf.op is Op.EQUALS and leaf.value == 0:
            return person.c.profile_id.not_in(found)
        reached = _reached(self.measure(leaf, event), leaf)
        grouped = found.group_by(event.c.profile_id)
        if zero_holds(leaf):
            return person.c.profile_id.not_in(grouped.having(not_(holds(reached))))
        return person.c.profile_id.in_(grouped.having(reached))

    def measure(self, leaf: Events, event: FromClause) -> Sql:
        """What is compared, over the events of one person."""
        if leaf.measure == "count":
            return func.count()
        found = EventFields(event).field(leaf.field, leaf.place)
        if leaf.measure == "distinct":
            return func.count(found.column.distinct())
        value = as_number(found.column) if found.type is Type.ANY else cast(found.column, Double())
        if leaf.measure == "sum":
            return func.coalesce(func.sum(value), number(0))
        made: Sql = getattr(func, {"average": "avg", "minimum": "min", "maximum": "max"}[leaf.measure])(value)
        return made

    def _sequence(self, leaf: Sequence, person: FromClause) -> Sql:
        return person.c.profile_id.in_(self.sequence(leaf))

    def sequence(self, leaf: Sequence) -> Select[Any]:
        """The people of a sequence.

        A step asks only of the one before, so that after each step the events that end a chain are kept, and not the chains: these grow
        with the power of the steps.
        """
        first = self.store.event()
        asked = [of_the_event_before(step.match, step.without) for step in leaf.steps]
        ends = _ends(first, asked[0]).where(*self.matching(leaf.first, first), *self.within(leaf.window, first))
        for step, here, following in zip(leaf.steps, asked, [*asked[1:], []], strict=True):
            before = (ends if step.within or step.without or here else _earliest(ends)).subquery()
            known = {f"{BEFORE}{name}": Field(_event_type(name), before.c[f"b{i}"]) for i, name in enumerate(here)}
            event = self.store.event()
            matches = self.matching(step.match, event, known)
            follows: list[Sql] = [event.c.profile_id == before.c.profile_id, event.c.at > before.c.at, *matches]
            if step.within is not None:
                follows.append(event.c.at <= before.c.at + _interval(step.within.fixed))
            if step.absent:
                assert step.within is not None
                over = before.c.at <= time(self.now - step.within.fixed)
                return select(before.c.profile_id).where(over, not_(select(event.c.event_id).where(*follows).exists()))
            if step.without is not None:
                other = self.store.event()
                between = [other.c.profile_id == before.c.profile_id, other.c.at > before.c.at, other.c.at < event.c.at]
                follows.append(not_(select(other.c.event_id).where(*between, *self.matching(step.without, other, known)).exists()))
            ends = _ends(event, following).select_from(before.join(event, and_(*follows))).distinct()
        last = ends.subquery()
        return select(last.c.profile_id)


@dataclass(frozen=True)
class _References:
    """`@before.NAME` leads to the event before, any other name to the person."""

    before: Mapping[str, Field]
    person: Fields

    def field(self, name: str, place: str) -> Field:
        return self.before[name] if name in self.before else self.person.field(name, place)


def _ends(event: FromClause, asked: list[str]) -> Select[Any]:
    """What is kept of the events that end a chain: whose, when, and what the next step asks of them."""
    fields = EventFields(event)
    return select(event.c.profile_id, event.c.at, *(fields.field(name, "").column.label(f"b{i}") for i, name in enumerate(asked)))


def _event_type(name: str) -> Type:
    return EventFields(event_view()).field(name, "").type


def _earliest(ends: Select[Any]) -> Select[Any]:
    """The first end of each person: whatever comes after any of them comes after it."""
    found = ends.subquery()
    return select(found.c.profile_id, func.min(found.c.at).label("at")).group_by(found.c.profile_id)


def _interval(length: timedelta) -> Sql:
    return bindparam(None, length, Interval())


_ROUNDING = Decimal("0.0000005")
"""Sums and averages are binary and have six decimals that count: 0.7 and 0.1 reach 0.8."""


def _reached(measured: Sql, leaf: Events) -> Sql:
    value = leaf.value
    slack = _ROUNDING if leaf.measure in ("sum", "average") else Decimal(0)

    def between(low: Decimal, high: Decimal) -> Sql:
        return and_(measured >= number(low - slack), measured <= number(high + slack))

    if isinstance(value, tuple):
        return between(*value)
    comparisons: dict[Op, Callable[[], Sql]] = {
        Op.EQUALS: lambda: between(value, value),
        Op.NOT_EQUALS: lambda: not_(between(value, value)),
        Op.LESS: lambda: measured < number(value - slack),
        Op.AT_MOST: lambda: measured <= number(value + slack),
        Op.MORE: lambda: measured > number(value + slack),
        Op.AT_LEAST: lambda: measured >= number(value - slack),
    }
    return comparisons[leaf.op]()
