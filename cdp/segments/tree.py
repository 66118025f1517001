"""A condition on a person: the leaves that `and`, `or` and `not` join. Equal conditions are equal trees."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from cdp.attributes.language.check import leaves
from cdp.attributes.language.tree import ALWAYS, And, Compare, Duration, Not, Op, Or, Predicate, Reference, Window

MEASURES = {
    "count": "how many events",
    "sum": "the sum of a number; 0 over no event",
    "average": "the average of a number; missing over no event",
    "minimum": "the least of a number; missing over no event",
    "maximum": "the greatest of a number; missing over no event",
    "distinct": "how many different values; 0 over no event",
}
"""Measure -> what it is. All but count are over a field of the event."""


@dataclass(frozen=True)
class EventMatch:
    """Events of one kind (`*`: any) that meet a condition."""

    kind: str
    where: Predicate | None = None


@dataclass(frozen=True)
class Events:
    """A measure over the person's events in a window, compared with a number."""

    match: EventMatch
    op: Op
    value: Decimal | tuple[Decimal, Decimal]
    measure: str = "count"
    field: str = ""
    window: Window = ALWAYS
    place: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True)
class Step:
    """What comes after the step before: in time, without something in between, or (`absent`) not at all."""

    match: EventMatch
    within: Duration | None = None
    without: EventMatch | None = None
    absent: bool = False


@dataclass(frozen=True)
class Sequence:
    """Events one after another; the first one falls into the window."""

    first: EventMatch
    steps: tuple[Step, ...]
    window: Window = ALWAYS
    place: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True)
class Consent:
    """What the person said about a purpose: granted, denied, or unknown where nothing was said."""

    purpose: str
    state: Literal["granted", "denied", "unknown"] = "granted"


@dataclass(frozen=True)
class InSegment:
    """Membership of another segment, as it was last decided."""

    name: str
    place: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True)
class Household:
    """Any, all or none of the person's household, the person included, meet a condition. A person without one is a household."""

    quantifier: Literal["any", "all", "none"]
    condition: Condition


@dataclass(frozen=True)
class Random:
    """A stable share of all people, from one percentage up to another: the same ones every time, for tests and holdouts."""

    low: int
    high: int
    place: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True)
class Everyone:
    """Every living profile."""


Leaf: TypeAlias = Compare | Events | Sequence | Consent | InSegment | Household | Random | Everyone
Condition: TypeAlias = Leaf | And | Or | Not
CONDITIONS = (Compare, Events, Sequence, Consent, InSegment, Household, Random, Everyone, And, Or, Not)


def every_leaf(condition: Condition) -> Iterator[Leaf]:
    """Every leaf, those of household conditions included."""
    for leaf in leaves(condition):
        yield leaf  # type: ignore[misc]  # a tree that was parsed or read holds leaves only
        if isinstance(leaf, Household):
            yield from every_leaf(leaf.condition)


def event_parts(leaf: Leaf) -> list[Compare]:
    """What a leaf asks of events."""
    matches = [leaf.match] if isinstance(leaf, Events) else []
    if isinstance(leaf, Sequence):
        matches = [leaf.first, *(step.match for step in leaf.steps), *(step.without for step in leaf.steps if step.without)]
    return [part for match in matches if match.where is not None for part in leaves(match.where) if isinstance(part, Compare)]


BEFORE = "before."
"""What a step names a field of the event of the step before by: `@before.properties.sku`."""


def of_the_event_before(*matches: EventMatch | None) -> list[str]:
    """Fields of the event of the step before that these matches name, without `before.`."""
    parts = [part for match in matches if match is not None and match.where is not None for part in leaves(match.where)]
    references = [part.value.name for part in parts if isinstance(part, Compare) and isinstance(part.value, Reference)]
    return sorted({name.removeprefix(BEFORE) for name in references if name.startswith(BEFORE)})


def segments_named(condition: Condition) -> set[str]:
    """Other segments that a condition names."""
    return {leaf.name for leaf in every_leaf(condition) if isinstance(leaf, InSegment)}
