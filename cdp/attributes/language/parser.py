"""One pass over the tokens, one function a rule of the grammar; whatever is refused is refused at its token, with what was expected.

    condition  = conjunction {"or" conjunction}
    conjunction = negation {"and" negation}
    negation   = "not" negation | "(" condition ")" | leaf
    leaf       = field comparison

`cdp.segments` adds leaves by overriding `leaf`.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

from dateutil.relativedelta import relativedelta

from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.hints import SYNONYMS, after_value, doubtful_number, for_operator, instead_of_leaf
from cdp.attributes.language.lexer import Kind, Token, tokens
from cdp.attributes.language.tree import (
    ORDERED,
    PERIODS,
    UNITS,
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

DEEPEST = 40
RESERVED = frozenset({"and", "or", "not"})
_SIGNS = {"=": Op.EQUALS, "!=": Op.NOT_EQUALS, "<": Op.LESS, "<=": Op.AT_MOST, ">": Op.MORE, ">=": Op.AT_LEAST}
_WORDS: tuple[tuple[tuple[str, ...], Op], ...] = (
    (("is", "missing"), Op.MISSING),
    (("exists",), Op.EXISTS),
    (("not", "contains", "any"), Op.NOT_CONTAINS_ANY),
    (("not", "contains"), Op.NOT_CONTAINS),
    (("not", "starts", "with"), Op.NOT_STARTS_WITH),
    (("not", "ends", "with"), Op.NOT_ENDS_WITH),
    (("not", "in"), Op.NOT_ONE_OF),
    (("contains", "any"), Op.CONTAINS_ANY),
    (("contains", "all"), Op.CONTAINS_ALL),
    (("contains",), Op.CONTAINS),
    (("starts", "with"), Op.STARTS_WITH),
    (("ends", "with"), Op.ENDS_WITH),
    (("in",), Op.ONE_OF),
    (("between",), Op.BETWEEN),
    (("anniversary", "within", "next"), Op.ANNIVERSARY_WITHIN),
    (("within", "last"), Op.WITHIN_LAST),
    (("within", "next"), Op.WITHIN_NEXT),
    (("before", "last"), Op.BEFORE_LAST),
    (("after", "next"), Op.AFTER_NEXT),
    (("before",), Op.BEFORE),
    (("after",), Op.AFTER),
)
"""Longer ones first: `contains any` before `contains`."""

_OTHER_SIGNS = {
    **dict.fromkeys(("<>", "≠"), Op.NOT_EQUALS),
    **dict.fromkeys(("≤", "=<"), Op.AT_MOST),
    **dict.fromkeys(("≥", "=>"), Op.AT_LEAST),
    "==": Op.EQUALS,
}
_READ = {**_SIGNS, **_OTHER_SIGNS}
_WORDS_READ = (*SYNONYMS, *_WORDS)

WRITTEN = {op: sign for sign, op in _SIGNS.items()} | {op: " ".join(words) for words, op in _WORDS}
"""Operator -> how the text form writes it."""


class Parser:
    """Reads one text. `leaf` reads what stands between `and`, `or`, `not` and brackets."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0
        self._value_end = -1
        """The token after the value that was read last."""

    def whole(self) -> object:
        """The condition that is the whole text."""
        found = self.condition()
        if self.here.kind is not Kind.END:
            raise self.refuse("`and`, `or` or the end")
        return found

    # --- grammar

    def condition(self) -> object:
        self._depth += 1
        if self._depth > DEEPEST:
            raise DefinitionError(self.here.place, f"brackets are nested more than {DEEPEST} deep: name a part as a segment of its own")
        parts = [self._conjunction()]
        while self.take_word("or"):
            parts.append(self._conjunction())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self) -> object:
        parts = [self._negation()]
        while self.take_word("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self) -> object:
        if self.take_word("not"):
            self._depth += 1
            if self._depth > DEEPEST:
                raise DefinitionError(self.here.place, f"`not` is nested more than {DEEPEST} deep")
            part = self._negation()
            self._depth -= 1
            return Not(part)
        if self.take_sign("("):
            inside = self.condition()
            self.expect_sign(")")
            return inside
        return self.leaf()

    def leaf(self) -> object:
        token = self.expect_name("a field")
        return self.comparison(token.value, token.place)

    # --- comparisons

    def comparison(self, field: str, place: str) -> Compare:
        op = self.operator(field)
        return Compare(field, op, self._value_for(op), place)

    def operator(self, of: str = "") -> Op:
        """The operator that stands here, after the name `of`."""
        if self.here.kind is Kind.SIGN and self.here.value in _READ:
            return _READ[self.advance().value]
        found = self._worded()
        if found is None and self.take_word("is"):
            found = self._worded() or (Op.NOT_EQUALS if self.take_word("not") else Op.EQUALS)
        if found is None:
            raise DefinitionError(self.here.place, f"an operator{for_operator(of, self.here)} expected, {self.here.shown} found")
        return found

    def _worded(self) -> Op | None:
        for words, op in _WORDS_READ:
            if all(self.peek(i).is_word(word) for i, word in enumerate(words)):
                self._next += len(words)
                return op
        return None

    def _value_for(self, op: Op) -> Value:
        if op in (Op.EXISTS, Op.MISSING):
            return None
        if op in (Op.WITHIN_LAST, Op.WITHIN_NEXT, Op.BEFORE_LAST, Op.AFTER_NEXT, Op.ANNIVERSARY_WITHIN):
            return self.duration()
        if op is Op.BETWEEN:
            low = self.scalar()
            if not self.take_word("and"):
                raise self.refuse("`and` and the upper bound")
            return (low, self.scalar())
        if op in (Op.ONE_OF, Op.NOT_ONE_OF, Op.CONTAINS_ANY, Op.NOT_CONTAINS_ANY, Op.CONTAINS_ALL):
            return self._list()
        if op in (Op.EQUALS, Op.NOT_EQUALS) and self.here.is_word("null", "none"):
            raise DefinitionError(self.here.place, 'where there is no value, write is missing; in quotes, "null" is a text')
        if self.here.kind is Kind.REFERENCE:
            if op not in ORDERED:
                raise DefinitionError(self.here.place, f'{WRITTEN[op]} takes a text, in double quotes: "{self.here.value}"')
            return Reference(self._folded(self.advance().value[1:]))
        return self.scalar()

    def _list(self) -> tuple[Scalar, ...]:
        if not self.take_sign("("):
            raise self.refuse("a list in brackets, such as (a, b),")
        values = [self.scalar()]
        while self.take_sign(","):
            values.append(self.scalar())
        self.expect_sign(")")
        return tuple(values)

    def scalar(self) -> Scalar:
        found = self._scalar()
        self._value_end = self._next
        return found

    def _scalar(self) -> Scalar:
        token = self.here
        if token.is_sign("-") and self.peek(1).kind is Kind.NUMBER:
            self.advance()
            return -self._number()
        if token.kind is Kind.NUMBER:
            return self._month() or self._number()
        if token.is_word("true", "false"):
            return self.advance().value.lower() == "true"
        if token.kind in (Kind.STRING, Kind.DATE) or (token.kind is Kind.WORD and token.value.lower() not in RESERVED):
            return self.advance().value
        raise self.refuse("a value")

    def _number(self) -> Decimal:
        token = self.advance()
        doubt = doubtful_number(token.value, self.here)
        if doubt:
            raise DefinitionError(token.place, doubt)
        return decimal(token.value, token.place)

    def _month(self) -> str | None:
        """A year and a month, `2026-01`, where they stand here without a blank."""
        parts = [self.peek(i) for i in range(3)]
        written = "".join(part.value for part in parts)
        if not _MONTH.fullmatch(written) or parts[2].offset != parts[0].offset + 5:
            return None
        self._next += 3
        return written

    def whole_number(self, what: str) -> int:
        if self.here.kind is not Kind.NUMBER or "." in self.here.value:
            raise self.refuse(what)
        return int(self.advance().value)

    # --- times

    def duration(self) -> Duration:
        token = self.here
        if token.is_word(*UNITS):
            raise DefinitionError(
                token.place, f"how many? Write 1 {token.value}; the calendar's are this {token.value}, previous {token.value}"
            )
        amount = self.whole_number("a number of days, weeks, months …")
        unit = self._unit(UNITS)
        found = Duration(amount, cast(Unit, unit))
        if not found.sensible:
            raise DefinitionError(token.place, f"a duration is at least 1 {unit} and at most 200 years, not {amount} {unit}s")
        return found

    def _unit(self, allowed: tuple[str, ...]) -> str:
        word = self.here.value.lower().removesuffix("s")
        if self.here.kind is not Kind.WORD or word not in allowed:
            raise self.refuse(f"a unit ({', '.join(allowed)})")
        self.advance()
        return word

    def window(self) -> Window | None:
        """The window that starts here, if one does."""
        place = self.here.place
        ahead = 2 if self.peek(1).is_word("the") else 1
        if self.here.is_word("in") and self.peek(ahead).is_word("last", "first", "this", "previous"):
            self._next += ahead
            kind = self.advance().value.lower()
            if kind in ("last", "first"):
                return Window("last" if kind == "last" else "first", length=self.duration(), place=place)
            return Window("this" if kind == "this" else "previous", unit=self._unit(PERIODS), place=place)
        if self.here.is_word("between", "since", "before") and self.peek(1).kind is Kind.DATE:
            return self._dated_window(place)
        return None

    def _dated_window(self, place: str) -> Window:
        if self.take_word("between"):
            start = self.moment()
            if not self.take_word("and"):
                raise self.refuse("`and` and the end of the window")
            return between(start, self.moment(), place)
        if self.take_word("since"):
            return between(self.moment(), None, place)
        self.advance()
        return between(None, self.moment(), place)

    def moment(self) -> datetime:
        if self.here.kind is not Kind.DATE:
            raise self.refuse("a date (2026-01-31)")
        token = self.advance()
        return moment(token.value, token.place)

    # --- tokens

    @property
    def here(self) -> Token:
        return self._tokens[self._next]

    def peek(self, ahead: int) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def advance(self) -> Token:
        token = self.here
        self._next += token.kind is not Kind.END
        return token

    def take_word(self, *words: str) -> bool:
        found = self.here.is_word(*words)
        self._next += found
        return found

    def take_sign(self, sign: str) -> bool:
        found = self.here.is_sign(sign)
        self._next += found
        return found

    def expect_sign(self, sign: str) -> None:
        if not self.take_sign(sign):
            raise self.refuse(f"`{sign}`")

    def expect_name(self, what: str) -> Token:
        """A name, in small letters where capitals mean nothing."""
        if self.here.kind is not Kind.WORD or self.here.value.lower() in RESERVED:
            raise self.refuse(what, instead_of_leaf(self.here))
        token = self.advance()
        return dataclasses.replace(token, value=self._folded(token.value))

    def _folded(self, name: str) -> str:
        """A name in small letters; what a source called its own fields stays as it is."""
        head, dot, tail = name.partition(".")
        head = head.lower()
        if head == "before":
            return head + dot + self._folded(tail)
        return head + dot + (tail if head in ("properties", "custom") else tail.lower())

    def refuse(self, expected: str, hint: str = "") -> DefinitionError:
        if self._next == self._value_end:
            hint = after_value(self.peek(-1), self.here, self.peek(1))
        return DefinitionError(self.here.place, f"{expected} expected, {self.here.shown} found{hint}")


_MONTH = re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])")


def decimal(written: str, place: str) -> Decimal:
    """The number that a text states.

    Raises:
        DefinitionError: it has more digits than are compared, or is none.
    """
    value = Decimal(written)
    if not value.is_finite() or Decimal(repr(float(value))) != value:
        raise DefinitionError(place, "a number has at most 15 digits; a longer one stands in quotes and is compared as text")
    return value


def moment(written: str, place: str) -> datetime:
    """The moment a text names; a day is its first instant, a time without zone is UTC."""
    try:
        found = datetime.fromisoformat(written)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        moving = " (for one that moves along: within last 1 day, before last 30 days)" if written.isalpha() else ""
        raise DefinitionError(place, f"{written!r} is no date: write 2026-01-31 or 2026-01-31T09:30:00Z{moving}") from None


LATEST = datetime.max.replace(tzinfo=UTC)


def span(written: str, place: str) -> tuple[datetime, datetime]:
    """From when to before when the year, month, day or moment lasts that a text names."""
    length = {4: relativedelta(years=1), 7: relativedelta(months=1), 10: relativedelta(days=1)}.get(len(written))
    start = moment(written + "-01-01"[len(written) - 4 :] if len(written) in (4, 7) else written, place)
    try:
        return start, start + (length or timedelta(microseconds=1))
    except (ValueError, OverflowError):
        return start, LATEST


def between(start: datetime | None, end: datetime | None, place: str) -> Window:
    """The window from one moment to before another, either of which may be open."""
    if start is not None and end is not None and start >= end:
        raise DefinitionError(place, "nothing lies in this window: it ends before it begins")
    return Window("between", start=start, end=end, place=place)


def parse_predicate(text: str) -> Predicate:
    """A condition on one event, such as `status = open and amount > 100`."""
    return cast(Predicate, Parser(text).whole())
