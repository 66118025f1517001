"""What is written reads back as the tree it was written from."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from cdp.attributes.language.lexer import tokens
from cdp.attributes.language.parser import RESERVED, WRITTEN
from cdp.attributes.language.tree import ALWAYS, And, Compare, Not, Op, Or, Reference, Scalar, Value, Window

_PLAIN = re.compile(r"[^\W\d]\w*|\d{4}-\d{2}-\d{2}")
_KEYWORDS = RESERVED | {"true", "false", "null", "none"}


def number(value: Decimal) -> str:
    """A number without exponent and without idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return number(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _KEYWORDS and len(tokens(value)) == 2:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def moment(value: datetime) -> str:
    text = value.isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")


def comparison(compare: Compare) -> str:
    """`field operator value`."""
    value = _value(compare.op, compare.value)
    return f"{compare.field} {WRITTEN[compare.op]}{' ' + value if value else ''}"


def _value(op: Op, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, Reference):
        return f"@{value.name}"
    if isinstance(value, tuple):
        parts = [scalar(part) for part in value]
        return " and ".join(parts) if op is Op.BETWEEN else f"({', '.join(parts)})"
    if isinstance(value, str | Decimal | bool):
        return scalar(value)
    return str(value)


def window(value: Window) -> str:
    """The window with a blank before it; nothing for `ALWAYS`."""
    if value == ALWAYS:
        return ""
    if value.kind in ("last", "first"):
        return f" in {value.kind} {value.length}"
    if value.kind in ("this", "previous"):
        return f" in {value.kind} {value.unit}"
    if value.start is not None and value.end is not None:
        return f" between {moment(value.start)} and {moment(value.end)}"
    if value.start is not None:
        return f" since {moment(value.start)}"
    assert value.end is not None
    return f" before {moment(value.end)}"


def condition(node: object, leaf: Callable[[object], str]) -> str:
    """The tree as text; `leaf` writes what is neither `and`, `or` nor `not`."""
    if isinstance(node, And):
        return " and ".join(_bracketed(part, leaf, And, Or) for part in node.parts)
    if isinstance(node, Or):
        return " or ".join(_bracketed(part, leaf, Or) for part in node.parts)
    if isinstance(node, Not):
        return f"not {_bracketed(node.part, leaf, And, Or)}"
    return leaf(node)


def _bracketed(node: object, leaf: Callable[[object], str], *kinds: type) -> str:
    text = condition(node, leaf)
    return f"({text})" if isinstance(node, kinds) else text


def predicate(node: object) -> str:
    """A condition on one event."""

    def leaf(part: object) -> str:
        assert isinstance(part, Compare)
        return comparison(part)

    return condition(node, leaf)
