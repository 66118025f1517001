"""A checked comparison as SQL that PostgreSQL and DuckDB read alike; every value travels as a parameter, none as text.

What a column holds: a number, a text, a boolean or a time as itself; a date as ISO 8601 text; a list as its folded elements between
unit separators (`␟a␟b␟`, null where empty), so that every question about a list is a search in one text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Boolean, ColumnElement, DateTime, Double, Text, and_, bindparam, case, cast, false, func, not_, or_, true

from cdp.attributes.language.check import positive
from cdp.attributes.language.parser import LATEST, span
from cdp.attributes.language.tree import And, Compare, Duration, Not, Op, Or, Reference, Scalar, Type

SEPARATOR = "\x1f"
Sql = ColumnElement[Any]


@dataclass(frozen=True)
class Field:
    """A column and what it holds."""

    type: Type
    column: Sql


class Fields(Protocol):
    """Where the names of a condition lead to."""

    def field(self, name: str, place: str) -> Field:
        """The field of that name; raises `UnknownName`."""


def text(value: str) -> Sql:
    return bindparam(None, value, Text())


def number(value: Decimal | int | float) -> Sql:
    return bindparam(None, float(value), Double())


def time(value: datetime) -> Sql:
    return bindparam(None, value, DateTime(timezone=True))


def holds(condition: Sql) -> Sql:
    """The condition with unknown read as false."""
    return func.coalesce(condition, false())


def as_number(column: Sql) -> Sql:
    """A text as a number, null where it is none."""
    return case((column.op("~")(text(r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$")), cast(column, Double())))


def condition(node: object, leaf: Callable[[object], Sql]) -> Sql:
    """A tree as SQL; `leaf` compiles what is neither `and`, `or` nor `not`."""
    if isinstance(node, And):
        return and_(*(condition(part, leaf) for part in node.parts))
    if isinstance(node, Or):
        return or_(*(condition(part, leaf) for part in node.parts))
    if isinstance(node, Not):
        return not_(holds(condition(node.part, leaf)))
    return leaf(node)


def predicate(node: object, fields: Fields, references: Fields, now: datetime) -> Sql:
    """A condition on one event; `@name` leads to `references`."""

    def leaf(part: object) -> Sql:
        assert isinstance(part, Compare)
        return comparison(part, fields, references, now)

    return condition(node, leaf)


def comparison(compare: Compare, fields: Fields, references: Fields, now: datetime) -> Sql:
    """One comparison; true, false or unknown."""
    found = fields.field(compare.field, compare.place)
    op, negated = positive(compare.op)
    if isinstance(compare.value, Reference):
        made = _with_field(op, found, references.field(compare.value.name, compare.place))
    elif op is Op.EXISTS:
        made = found.column.is_not(None)
    else:
        made = _COMPILERS[found.type](Compare(compare.field, op, compare.value, compare.place), found.column, now)
    return not_(holds(made)) if negated else made


def _with_field(op: Op, left: Field, right: Field) -> Sql:
    a, b = left.column, right.column
    if Type.NUMBER in (left.type, right.type):
        a, b = (as_number(side.column) if side.type is Type.ANY else cast(side.column, Double()) for side in (left, right))
        return _ordered(op, a, b)
    if left.type is right.type is Type.ANY and op is not Op.EQUALS:
        x, y = as_number(a), as_number(b)
        return or_(_ordered(op, x, y), and_(or_(x.is_(None), y.is_(None)), _ordered(op, func.lower(a), func.lower(b))))
    if left.type in (Type.TEXT, Type.ANY):
        a, b = func.lower(a), func.lower(b)
    return _ordered(op, a, b)


def _ordered(op: Op, column: Sql, value: Sql) -> Sql:
    if op is Op.EQUALS:
        return column == value
    if op is Op.LESS:
        return column < value
    if op is Op.AT_MOST:
        return column <= value
    if op is Op.MORE:
        return column > value
    assert op is Op.AT_LEAST
    return column >= value


# --- one function a type


def _numbers(compare: Compare, column: Sql, now: datetime) -> Sql:
    value = compare.value
    column = cast(column, Double())
    if isinstance(value, tuple):
        if compare.op is Op.BETWEEN:
            return and_(column >= number(_decimal(value[0])), column <= number(_decimal(value[1])))
        return or_(*(column == number(_decimal(part)) for part in value))
    return _ordered(compare.op, column, number(_decimal(value)))


def _decimal(value: object) -> Decimal:
    assert isinstance(value, Decimal)
    return value


def _texts(compare: Compare, column: Sql, now: datetime) -> Sql:
    folded = func.lower(column)
    value = compare.value

    def contains(part: Scalar) -> Sql:
        return func.strpos(folded, func.lower(text(str(part)))) > 0

    if isinstance(value, tuple):
        if compare.op is Op.ONE_OF:
            return folded.in_([str(part).lower() for part in value])
        return (and_ if compare.op is Op.CONTAINS_ALL else or_)(*(contains(part) for part in value))
    wanted = func.lower(text(str(value)))
    if compare.op is Op.EQUALS:
        return folded == wanted
    if compare.op is Op.STARTS_WITH:
        return func.starts_with(folded, wanted)
    if compare.op is Op.ENDS_WITH:
        return func.right(folded, func.length(wanted)) == wanted
    assert compare.op is Op.CONTAINS
    assert isinstance(value, str | Decimal | bool)
    return contains(value)


def _lists(compare: Compare, column: Sql, now: datetime) -> Sql:
    value = compare.value

    def found(before: str, part: object, after: str) -> Sql:
        return func.strpos(column, before + str(part).lower() + after) > 0

    if isinstance(value, tuple):
        if compare.op is Op.ONE_OF:
            return or_(*(found(SEPARATOR, part, SEPARATOR) for part in value))
        return (and_ if compare.op is Op.CONTAINS_ALL else or_)(*(found("", part, "") for part in value))
    before = SEPARATOR if compare.op in (Op.EQUALS, Op.STARTS_WITH) else ""
    after = SEPARATOR if compare.op in (Op.EQUALS, Op.ENDS_WITH) else ""
    return found(before, value, after)


def _booleans(compare: Compare, column: Sql, now: datetime) -> Sql:
    return column == bindparam(None, compare.value, Boolean())


def _times(compare: Compare, column: Sql, now: datetime) -> Sql:
    """A value that names a day means the whole day: `= 2026-01-31` is any time in it, `after 2026-01-31` is from the next."""
    value = compare.value
    if isinstance(value, Duration):
        return _around(compare.op, column, value, now, time)
    if isinstance(value, tuple):
        (start, _), (_, end) = (span(str(part), compare.place) for part in value)
        return and_(column >= time(start), column < time(end))
    start, end = span(str(value), compare.place)
    if compare.op is Op.EQUALS:
        return and_(column >= time(start), column < time(end))
    if compare.op in (Op.BEFORE, Op.LESS):
        return column < time(start)
    if compare.op is Op.AT_MOST:
        return column < time(end)
    if compare.op is Op.AT_LEAST:
        return column >= time(start)
    return column >= time(end)


def _around(op: Op, column: Sql, length: Duration, now: datetime, bind: Callable[[datetime], Sql]) -> Sql:
    if op is Op.WITHIN_LAST:
        return and_(column > bind(length.before(now)), column <= bind(now))
    if op is Op.BEFORE_LAST:
        return column <= bind(length.before(now))
    if op is Op.WITHIN_NEXT:
        return and_(column > bind(now), column <= bind(length.after(now)))
    assert op is Op.AFTER_NEXT
    return column > bind(length.after(now))


def _dates(compare: Compare, column: Sql, now: datetime) -> Sql:
    value = compare.value
    if isinstance(value, Duration):
        if compare.op is Op.ANNIVERSARY_WITHIN:
            return _anniversary(column, value, now)
        return _around(compare.op, column, value, now, lambda when: text(when.date().isoformat()))
    if isinstance(value, tuple):
        return and_(column >= text(str(value[0])), column < text(_following(str(value[1]))))
    start, end = text(str(value)), text(_following(str(value)))
    if compare.op is Op.EQUALS:
        return and_(column >= start, column < end)
    if compare.op in (Op.BEFORE, Op.LESS):
        return column < start
    if compare.op is Op.AT_MOST:
        return column < end
    return column >= (start if compare.op is Op.AT_LEAST else end)


def _following(written: str) -> str:
    """The first year, month or day after the one that a text names, as text."""
    end = span(written, "")[1]
    return _LAST if end == LATEST else end.date().isoformat()[: len(written)]


_LAST = "9999-13"
"""Sorts after every date."""


def _anniversary(column: Sql, length: Duration, now: datetime) -> Sql:
    last = length.after(now)
    whole = func.length(column) == 10
    if last >= now + timedelta(days=365):
        return whole
    day = func.substr(column, 6, 5)
    first, end = (text(when.strftime("%m-%d")) for when in (now, last))
    inside = and_(day >= first, day <= end) if now.year == last.year else or_(day >= first, day <= end)
    return and_(whole, inside)


_ISO = text(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}.*$")


def _any(compare: Compare, column: Sql, now: datetime) -> Sql:
    """A property: its comparison tells what it is. Times among properties are compared as ISO 8601 text."""
    value = compare.value
    sample = value[0] if isinstance(value, tuple) else value
    if isinstance(sample, Decimal):
        return _numbers(compare, as_number(column), now)
    if isinstance(sample, bool):
        return column == text("true" if sample else "false")
    iso = isinstance(value, Duration) or compare.op in (Op.BEFORE, Op.AFTER, Op.BETWEEN)
    if iso or (compare.op is not Op.EQUALS and re.match(r"\d{4}-\d\d-\d\d", str(sample)) and compare.op in _RANGES):
        return and_(column.op("~")(_ISO), _dates(Compare(compare.field, compare.op, _days(value), compare.place), column, now))
    return _texts(compare, column, now)


_RANGES = frozenset({Op.LESS, Op.AT_MOST, Op.MORE, Op.AT_LEAST})


def _days(value: object) -> Any:
    """Moments of a comparison cut to their day, so that they compare with ISO text of any precision."""
    if isinstance(value, tuple):
        return tuple(str(part)[:10] for part in value)
    return str(value)[:10] if isinstance(value, str) else value


_COMPILERS: dict[Type, Callable[[Compare, Sql, datetime], Sql]] = {
    Type.NUMBER: _numbers,
    Type.TEXT: _texts,
    Type.LIST: _lists,
    Type.BOOLEAN: _booleans,
    Type.TIME: _times,
    Type.DATE: _dates,
    Type.ANY: _any,
}
ALWAYS_TRUE: Sql = true()
