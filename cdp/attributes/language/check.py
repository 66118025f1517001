"""A comparison that passes here compiles and runs: its field exists, its operator suits the field, its value suits both."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from cdp.attributes.errors import DefinitionError, UnknownName
from cdp.attributes.language.parser import WRITTEN, span
from cdp.attributes.language.tree import (
    DURATIONS,
    NEGATIONS,
    ORDERED,
    VALUELESS,
    And,
    Compare,
    Not,
    Op,
    Or,
    Reference,
    Scalar,
    Type,
)

_TIMES = ORDERED | VALUELESS | (DURATIONS - {Op.ANNIVERSARY_WITHIN}) | {Op.BEFORE, Op.AFTER, Op.BETWEEN}
_TEXTS = frozenset(
    {
        Op.EQUALS,
        Op.NOT_EQUALS,
        Op.CONTAINS,
        Op.NOT_CONTAINS,
        Op.STARTS_WITH,
        Op.NOT_STARTS_WITH,
        Op.ENDS_WITH,
        Op.NOT_ENDS_WITH,
        Op.ONE_OF,
        Op.NOT_ONE_OF,
        Op.CONTAINS_ANY,
        Op.NOT_CONTAINS_ANY,
        Op.CONTAINS_ALL,
        *VALUELESS,
    }
)
_NUMBERS = ORDERED | VALUELESS | {Op.ONE_OF, Op.NOT_ONE_OF, Op.BETWEEN}
ALLOWED: dict[Type, frozenset[Op]] = {
    Type.NUMBER: frozenset(_NUMBERS),
    Type.TEXT: _TEXTS,
    Type.LIST: _TEXTS,
    Type.BOOLEAN: frozenset({Op.EQUALS, Op.NOT_EQUALS, *VALUELESS}),
    Type.TIME: frozenset(_TIMES),
    Type.DATE: frozenset(_TIMES | {Op.ANNIVERSARY_WITHIN}),
    Type.ANY: frozenset(_TEXTS | _NUMBERS | _TIMES),
}
"""Type of a field -> the operators it understands."""

_LISTED = 20
"""So many names of those that there are."""
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def unknown(kind: str, name: str, known: Iterable[str], place: str) -> UnknownName:
    """The error for a name that does not exist, with the nearest that do."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 3)
    if near:
        return UnknownName(place, f"no {kind} is called {name!r}; did you mean {', '.join(near)}?")
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    listed = f"there are {', '.join(names[:_LISTED])}{more}" if names else "there is none yet"
    return UnknownName(place, f"no {kind} is called {name!r}; {listed}")


def leaves(node: object) -> Iterator[object]:
    """Every leaf of a tree, in the order of its text."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from leaves(part)
    elif isinstance(node, Not):
        yield from leaves(node.part)
    else:
        yield node


def comparison(compare: Compare, kind: Type, reference: Type | None = None) -> None:
    """Refuse an operator or a value that the type of the field does not understand.

    `reference` is the type of the field that a `Reference` names.
    """
    if compare.op not in ALLOWED[kind]:
        allowed = ", ".join(sorted(WRITTEN[op] for op in ALLOWED[kind]))
        reason = f"{compare.field} is a {kind}, which `{WRITTEN[compare.op]}` does not compare; it understands {allowed}"
        raise DefinitionError(compare.place, reason)
    value = compare.value
    if isinstance(value, Reference):
        if compare.op not in ORDERED:
            raise DefinitionError(compare.place, f"another field is compared by =, !=, <, <=, > or >=, not by {WRITTEN[compare.op]}")
        if Type.ANY not in (reference, kind) and reference != kind:
            raise DefinitionError(compare.place, f"{compare.field} is a {kind}, @{value.name} a {reference}: only like compares with like")
    elif isinstance(value, tuple):
        for part in value:
            _scalar(compare, kind, part)
        if compare.op is Op.BETWEEN:
            _upwards(compare, kind, *value)
    elif isinstance(value, str | Decimal | bool):
        _scalar(compare, kind, value)


def _scalar(compare: Compare, kind: Type, value: Scalar) -> None:
    if kind is Type.NUMBER and (isinstance(value, bool) or not isinstance(value, Decimal)):
        raise DefinitionError(compare.place, f"{compare.field} is a number and cannot be compared with the text {value!r}")
    if kind in (Type.TEXT, Type.LIST) and isinstance(value, Decimal | bool):
        raise DefinitionError(compare.place, f'{compare.field} is a {kind}, not comparable with {value}; write "{value}" for the text')
    if kind is Type.BOOLEAN and not isinstance(value, bool):
        raise DefinitionError(compare.place, f"{compare.field} is true or false, not {value!r}")
    if kind is Type.DATE and not _DAY.fullmatch(_plain(value)):
        raise DefinitionError(
            compare.place, f"{compare.field} is a date: compare it with 2026-01-31, 2026-01 or 2026, not {_plain(value)!r}"
        )
    if kind in (Type.DATE, Type.TIME) or (kind is Type.ANY and compare.op in (Op.BEFORE, Op.AFTER)):
        if isinstance(value, bool):
            raise DefinitionError(compare.place, f"{compare.field} is a time: compare it with 2026-01-31, not {_plain(value)!r}")
        span(_plain(value), compare.place)


def _plain(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _upwards(compare: Compare, kind: Type, low: Scalar, high: Scalar) -> None:
    """Refuse bounds that nothing lies between."""
    if isinstance(low, Decimal) and isinstance(high, Decimal):
        reversed_ = low > high
    else:
        reversed_ = kind in (Type.DATE, Type.TIME) and span(_plain(low), compare.place) > span(_plain(high), compare.place)
    if reversed_:
        raise DefinitionError(compare.place, f"between goes from the lower to the upper: between {_plain(high)} and {_plain(low)}")


def positive(op: Op) -> tuple[Op, bool]:
    """The operator without its negation, and whether there was one."""
    return (NEGATIONS[op], True) if op in NEGATIONS else (op, False)
