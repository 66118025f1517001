"""The JSON form of a condition; reading what was written gives an equal tree. The schema is `schemas/segment.schema.json`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.parser import DEEPEST, between, decimal, moment
from cdp.attributes.language.tree import (
    ALWAYS,
    DURATIONS,
    LISTS,
    PERIODS,
    UNITS,
    VALUELESS,
    And,
    Compare,
    Duration,
    Not,
    Op,
    Or,
    Predicate,
    Reference,
    Scalar,
    Unit,
    Value,
    Window,
)
from cdp.attributes.language.writer import moment as written_moment

Json = dict[str, Any]
_DURATION = re.compile(r"(\d{1,5}) (" + "|".join(UNITS) + r")s?")
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def name(value: object, place: str) -> str:
    """A name such as the text form has."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise DefinitionError(place, f"a name is letters, digits and _ with dots between, not {value!r}")
    return value


def duration(value: object, place: str) -> Duration:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    found = None if match is None else Duration(int(match[1]), cast(Unit, match[2]))
    if found is None or not found.sensible:
        raise DefinitionError(
            place, f"a duration is a text such as '90 days' (units: {', '.join(UNITS)}; at most 200 years), not {value!r}"
        )
    return found


def plain_text(value: str, place: str) -> str:
    """A text as the database holds it."""
    if "\0" in value:
        raise DefinitionError(place, "a text has no NUL character")
    return unicodedata.normalize("NFC", value)


def number(value: float, place: str) -> Decimal:
    """A number of JSON."""
    return decimal(repr(value), place)


def _scalar(value: object, place: str) -> Scalar:
    if isinstance(value, str):
        return plain_text(value, place)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return number(value, place)
    raise DefinitionError(place, f"a text, a number, true or false expected, {type(value).__name__} found")


def scalar_document(value: Scalar) -> str | bool | int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _read_value(op: Op, value: object, place: str) -> Value:
    if op in DURATIONS:
        return duration(value, place)
    if op in LISTS or op is Op.BETWEEN:
        if not isinstance(value, list) or not value or (op is Op.BETWEEN and len(value) != 2):
            raise DefinitionError(place, f"{op} takes a list of {'two values' if op is Op.BETWEEN else 'values'}")
        return tuple(_scalar(part, f"{place}/{i}") for i, part in enumerate(value))
    if isinstance(value, dict):
        return Reference(name(value.get("field"), f"{place}/field"))
    return _scalar(value, place)


def read_compare(document: Json, place: str) -> Compare:
    """`{"field", "operator", "value"}` as a comparison."""
    written = document.get("operator")
    if written not in set(Op):
        raise DefinitionError(f"{place}/operator", f"no operator is called {written!r}; there are {', '.join(Op)}")
    op = Op(str(written))
    if op in VALUELESS:
        value = None
    elif "value" in document:
        value = _read_value(op, document["value"], f"{place}/value")
    else:
        raise DefinitionError(place, f"{op} needs a value")
    return Compare(name(document.get("field"), f"{place}/field"), op, value, place)


def write_compare(compare: Compare) -> Json:
    document: Json = {"field": compare.field, "operator": compare.op.value}
    value = compare.value
    if isinstance(value, Duration):
        document["value"] = str(value)
    elif isinstance(value, Reference):
        document["value"] = {"field": value.name}
    elif isinstance(value, tuple):
        document["value"] = [scalar_document(part) for part in value]
    elif value is not None:
        document["value"] = scalar_document(value)
    return document


def read_window(value: object, place: str) -> Window:
    """`{"last": "90 days"}`, `{"this": "month"}`, `{"since": "2026-01-01", "before": …}`; null is always."""
    if value is None:
        return ALWAYS
    if not isinstance(value, dict) or not value or not set(value) <= {"last", "first", "this", "previous", "since", "before"}:
        raise DefinitionError(place, "a window has one of last, first, this, previous, or since and before")
    for kind in ("last", "first"):
        if kind in value:
            return Window("last" if kind == "last" else "first", length=duration(value[kind], f"{place}/{kind}"), place=place)
    for kind in ("this", "previous"):
        if kind in value:
            if value[kind] not in PERIODS:
                raise DefinitionError(f"{place}/{kind}", f"a period is one of {', '.join(PERIODS)}, not {value[kind]!r}")
            return Window("this" if kind == "this" else "previous", unit=value[kind], place=place)
    start, end = (None if value.get(key) is None else moment(str(value[key]), f"{place}/{key}") for key in ("since", "before"))
    return between(start, end, place)


def write_window(window: Window) -> Json | None:
    if window == ALWAYS:
        return None
    if window.kind in ("last", "first"):
        return {window.kind: str(window.length)}
    if window.kind in ("this", "previous"):
        return {window.kind: window.unit}
    ends = {"since": window.start, "before": window.end}
    return {key: written_moment(value) for key, value in ends.items() if value is not None}


def read(document: object, leaf: Callable[[Json, str, int], object], place: str = "", depth: int = 0) -> object:
    """A tree of `and`, `or`, `not` and leaves."""
    if depth > DEEPEST:
        raise DefinitionError(place, f"conditions are nested more than {DEEPEST} deep")
    if not isinstance(document, dict):
        raise DefinitionError(place or "/", "a condition is an object")
    for key, make in (("and", And), ("or", Or)):
        if key in document:
            parts = document[key]
            if not isinstance(parts, list) or len(parts) < 2:
                raise DefinitionError(f"{place}/{key}", f"{key} takes a list of two or more conditions")
            return make(tuple(read(part, leaf, f"{place}/{key}/{i}", depth + 1) for i, part in enumerate(parts)))
    if "not" in document:
        return Not(read(document["not"], leaf, f"{place}/not", depth + 1))
    return leaf(document, place, depth)


def write(node: object, leaf: Callable[[object], Json]) -> Json:
    if isinstance(node, And):
        return {"and": [write(part, leaf) for part in node.parts]}
    if isinstance(node, Or):
        return {"or": [write(part, leaf) for part in node.parts]}
    if isinstance(node, Not):
        return {"not": write(node.part, leaf)}
    return leaf(node)


def read_predicate(document: object, place: str = "") -> Predicate:
    return cast(Predicate, read(document, lambda part, where, _depth: read_compare(part, where), place))


def write_predicate(node: Predicate) -> Json:
    def leaf(part: object) -> Json:
        assert isinstance(part, Compare)
        return write_compare(part)

    return write(node, leaf)
