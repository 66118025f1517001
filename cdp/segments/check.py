"""A condition that passes here can be decided: every name in it exists, every comparison makes sense, nothing leads back to itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from cdp.attributes.definition import check_predicate
from cdp.attributes.errors import CircularDefinition, DefinitionError, UnknownName
from cdp.attributes.fields import PERSON_FIELDS, EventFields, event_view
from cdp.attributes.language import check as language
from cdp.attributes.language.tree import Compare, Reference, Type
from cdp.segments.tree import (
    BEFORE,
    Condition,
    EventMatch,
    Events,
    InSegment,
    Random,
    Sequence,
    Step,
    every_leaf,
    of_the_event_before,
    segments_named,
)

LONGEST_SEQUENCE = 6
MOST_PARTS = 100
"""Each part that asks for events reads those of everybody: a second or so over ten million."""
_NUMBERS_ONLY = ("sum", "average", "minimum", "maximum")


def check(condition: Condition, attributes: Mapping[str, Type], segments: Mapping[str, Condition], name: str = "") -> None:
    """Refuse what cannot be decided, with its place and the reason. `name` is the segment that the condition is for.

    Raises:
        UnknownName: a field, attribute or segment that does not exist.
        CircularDefinition: a segment that leads back to itself.
        DefinitionError: an operator or a value that does not suit its field.
    """
    parts = sum(1 for _ in every_leaf(condition))
    if parts > MOST_PARTS:
        raise DefinitionError("", f"the condition has {parts} parts, {MOST_PARTS} are allowed: it would take hours. Make some a segment")
    for leaf in every_leaf(condition):
        if isinstance(leaf, Compare):
            _compare(leaf, attributes)
        elif isinstance(leaf, Events):
            _events(leaf, attributes)
        elif isinstance(leaf, Sequence):
            _sequence(leaf, attributes)
        elif isinstance(leaf, InSegment) and leaf.name not in segments:
            raise language.unknown("segment", leaf.name, segments, leaf.place)
        elif isinstance(leaf, Random) and not 0 <= leaf.low < leaf.high <= 100:
            raise DefinitionError(
                leaf.place, f"random goes from one percentage up to another, such as 0 to 10, not {leaf.low} to {leaf.high}"
            )
    refuse_circle(condition, segments, name)


def _compare(compare: Compare, attributes: Mapping[str, Type]) -> None:
    kind = person_type(compare.field, attributes, compare.place)
    other = person_type(compare.value.name, attributes, compare.place) if isinstance(compare.value, Reference) else None
    if kind is Type.NUMBER and isinstance(compare.value, str) and compare.value in {*attributes, *PERSON_FIELDS}:
        raise DefinitionError(compare.place, f"{compare.field} is a number: for the value of another field write @{compare.value}")
    language.comparison(compare, kind, other)


def person_type(name: str, attributes: Mapping[str, Type], place: str) -> Type:
    """What a field or an attribute of a person is."""
    if name in attributes:
        return attributes[name]
    if name in PERSON_FIELDS:
        return PERSON_FIELDS[name]
    if name.startswith("custom."):
        return Type.ANY
    raise language.unknown("field or attribute", name, [*PERSON_FIELDS, *attributes], place)


def _match(match: EventMatch, attributes: Mapping[str, Type], before: Mapping[str, Type] | None = None) -> None:
    if match.where is not None:
        check_predicate(match.where, references={**PERSON_FIELDS, **attributes, **(before or {})})


def _before(leaf: Sequence, step: Step) -> dict[str, Type]:
    """The fields of the event before that a step names, as references."""
    found: dict[str, Type] = {}
    for name in of_the_event_before(step.match, step.without):
        kind = EventFields(event_view()).field(name, leaf.place).type
        if kind is Type.LIST:
            raise DefinitionError(leaf.place, f"@{BEFORE}{name} is a list: only single values of two events can be compared")
        found[f"{BEFORE}{name}"] = kind
    return found


def _events(leaf: Events, attributes: Mapping[str, Type]) -> None:
    _match(leaf.match, attributes)
    if leaf.measure == "count":
        return
    try:
        kind = EventFields(event_view()).field(leaf.field, leaf.place).type
    except UnknownName as error:
        raise UnknownName(leaf.place, error.reason) from None
    if leaf.measure in _NUMBERS_ONLY and kind not in (Type.NUMBER, Type.ANY):
        raise DefinitionError(leaf.place, f"{leaf.field} is a {kind}: {leaf.measure} takes a number")
    if leaf.measure == "distinct" and kind is Type.LIST:
        raise DefinitionError(leaf.place, f"{leaf.field} is a list: count its different values by an attribute of kind distinct_count")


def _sequence(leaf: Sequence, attributes: Mapping[str, Type]) -> None:
    if len(leaf.steps) >= LONGEST_SEQUENCE:
        raise DefinitionError(leaf.place, f"a sequence has at most {LONGEST_SEQUENCE} steps: it would take hours")
    for i, step in enumerate(leaf.steps):
        if step.absent and i < len(leaf.steps) - 1:
            raise DefinitionError(leaf.place, "only the last step can be absent; what must not happen in between is `without`")
        if step.absent and (step.within is None or step.without is not None):
            raise DefinitionError(leaf.place, "a step that must not happen needs a time, `then not … within 7 days`, and has no `without`")
        before = _before(leaf, step)
        _match(step.match, attributes, before)
        if step.without is not None:
            _match(step.without, attributes, before)
    _match(leaf.first, attributes)


def refuse_circle(condition: Condition, segments: Mapping[str, Condition], name: str) -> None:
    """Refuse a condition that leads back to the segment `name` that it is for."""

    def walk(named: set[str], path: tuple[str, ...]) -> None:
        for other in sorted(named):
            if other in path:
                raise CircularDefinition("", f"the segment leads back to itself: {' → '.join((*path, other))}")
            if other in segments:
                walk(segments_named(segments[other]), (*path, other))

    walk(segments_named(condition), (name,) if name else ())


def in_order(segments: Mapping[str, Condition]) -> list[str]:
    """Names, those that others name first."""
    done: list[str] = []

    def place(name: str) -> None:
        if name in done or name not in segments:
            return
        for other in sorted(segments_named(segments[name])):
            place(other)
        done.append(name)

    for name in sorted(segments):
        place(name)
    return done


def zero_holds(leaf: Events) -> bool:
    """Whether a measure of 0 meets the comparison: then people without any such event do."""
    if leaf.measure not in ("count", "sum", "distinct"):
        return False
    zero = Decimal(0)
    if isinstance(leaf.value, tuple):
        return leaf.value[0] <= zero <= leaf.value[1]
    tests: dict[str, Callable[[Decimal], bool]] = {
        "equals": lambda v: zero == v,
        "not_equals": lambda v: zero != v,
        "less": lambda v: zero < v,
        "at_most": lambda v: zero <= v,
        "more": lambda v: zero > v,
        "at_least": lambda v: zero >= v,
    }
    return tests[leaf.op.value](leaf.value)
