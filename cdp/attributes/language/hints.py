"""What people write instead of a word of the language: read where it can mean one thing only, and else told how it is written."""

from __future__ import annotations

import re

from cdp.attributes.language.lexer import MARKED, Kind, Token
from cdp.attributes.language.tree import Op

SYNONYMS: tuple[tuple[tuple[str, ...], Op], ...] = (
    (("is", "not", "missing"), Op.EXISTS),
    (("not", "exists"), Op.MISSING),
    (("does", "not", "exist"), Op.MISSING),
    (("does", "not", "contain"), Op.NOT_CONTAINS),
    (("within", "the", "last"), Op.WITHIN_LAST),
    (("in", "the", "last"), Op.WITHIN_LAST),
    (("in", "last"), Op.WITHIN_LAST),
    (("in", "next"), Op.WITHIN_NEXT),
    (("is", "null"), Op.MISSING),
    (("is", "empty"), Op.MISSING),
    (("is", "not", "empty"), Op.EXISTS),
    (("equals",), Op.EQUALS),
)
"""Read as the operator beside them; written back as the language writes it."""

_OPERATORS = {
    "within": "write within last 30 days, or within next 30 days",
    "last": "write in last 90 days",
    "past": "write in last 90 days",
    "like": "write contains",
    "includes": "write contains",
    "has": "write contains",
    "not": "write not before the whole condition",
    "over": "write >",
    "under": "write <",
}
_LEAVES = {
    "no": "write not",
    "without": "write not",
    "everybody": "write everyone",
    "anyone": "write everyone",
    "all": "write everyone",
    "consent": "write consent(email)",
    "segment": "write segment(name)",
    "household": "write household any (condition)",
    "in": "write segment(name)",
}
_JOINED = {"und": "and", "oder": "or", "plus": "and", "but": "and", "&": "and"}


def for_operator(of: str, here: Token) -> str:
    """After a name, where no operator stands."""
    told = _LEAVES.get(of) or (_OPERATORS.get(here.value.lower()) if here.kind is Kind.WORD else None)
    return f" ({told or 'such as =, !=, >, contains, in (a, b), within last 30 days, exists'})"


def instead_of_leaf(here: Token) -> str:
    """Where a condition would begin."""
    if here.kind is Kind.SIGN and here.value in ("<", ">", "<=", ">=", "=", "!="):
        return "; name the field again, as in age > 30 and age < 40"
    return ""


def after_value(value: Token, here: Token, following: Token) -> str:
    """After a value, where the condition should go on or end."""
    if value.kind is Kind.NUMBER:
        if here.is_sign(",") and following.kind is Kind.NUMBER:
            return f"; {MARKED}"
        return "; a number has no unit" if here.kind is Kind.WORD and here.value.isupper() else ""
    if here.kind is Kind.WORD and here.value.lower() in _JOINED:
        return f"; write {_JOINED[here.value.lower()]}"
    if value.kind is Kind.WORD and here.kind is not Kind.END and not here.is_sign(",", ")", "]"):
        return f'; a text with blanks or signs in it stands in double quotes, as "{value.value} …"'
    return ""


def doubtful_number(value: str, following: Token) -> str:
    """Why it cannot be told for sure which number is meant; empty where it can."""
    if following.is_sign("/"):
        return "a date is written year-month-day: 2026-01-31"
    if re.match(r"0\d", value):
        return f'a number begins with no 0: write "{value}" for the text'
    if re.fullmatch(r"[1-9]\d{0,2}\.\d\d0", value):
        return f"{value} can be read in two ways: write {value.replace('.', '')}, or {value.rstrip('0').rstrip('.')}"
    return ""
