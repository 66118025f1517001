"""A comparison that passes here compiles and runs: its field exists, its operator suits the field, its value suits both."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from cdp.attributes.errors import DefinitionError, UnknownName
from cdp.attributes.language.parser import moment
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

_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_NUMERIC = re.compile(r"-?\d+(\.\d+)?")


def unknown(kind: str, name: str, known: Iterable[str], place: str) -> UnknownName:
    """The error for a name that does not exist, with the nearest that do."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 3) or names[:12]
    listed = f"; did you mean {', '.join(near)}?" if names else "; there is none yet"
    return UnknownName(place, f"no {kind} is called {name!r}{listed}")


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
        allowed = ", ".join(sorted(ALLOWED[kind]))
        raise DefinitionError(compare.place, f"{compare.field} is a {kind}, which {compare.op} does not compare; it understands {allowed}")
    value = compare.value
    if isinstance(value, Reference):
        if compare.op not in ORDERED:
            raise DefinitionError(compare.place, f"another field is compared by =, !=, <, <=, > or >=, not by {compare.op}")
        if Type.ANY not in (reference, kind) and reference != kind:
            raise DefinitionError(compare.place, f"{compare.field} is a {kind}, @{value.name} a {reference}: only like compares with like")
    elif isinstance(value, tuple):
        for part in value:
            _scalar(compare, kind, part)
    elif isinstance(value, str | Decimal | bool):
        _scalar(compare, kind, value)


def _scalar(compare: Compare, kind: Type, value: Scalar) -> None:
    if kind is Type.NUMBER and (isinstance(value, bool) or not isinstance(value, Decimal)):
        raise DefinitionError(compare.place, f"{compare.field} is a number and cannot be compared with the text {value!r}")
    if kind in (Type.TEXT, Type.LIST) and isinstance(value, Decimal | bool):
        raise DefinitionError(compare.place, f'{compare.field} is a {kind}, not comparable with {value}; write "{value}" for the text')
    if kind is Type.BOOLEAN and not isinstance(value, bool):
        raise DefinitionError(compare.place, f"{compare.field} is true or false, not {value!r}")
    if kind is Type.DATE and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise DefinitionError(compare.place, f"{compare.field} is a date: compare it with 2026-01-31, not {value!r}")
    if kind is Type.DATE and len(str(value)) == 10:
        moment(str(value), compare.place)
    if kind is Type.TIME or (kind is Type.ANY and compare.op in (Op.BEFORE, Op.AFTER)):
        if not isinstance(value, str):
            raise DefinitionError(compare.place, f"{compare.field} is a time: compare it with 2026-01-31, not {value!r}")
        moment(value, compare.place)


def positive(op: Op) -> tuple[Op, bool]:
    """The operator without its negation, and whether there was one."""
    return (NEGATIONS[op], True) if op in NEGATIONS else (op, False)
