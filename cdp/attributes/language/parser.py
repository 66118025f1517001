"""One pass over the tokens, one function a rule of the grammar; whatever is refused is refused at its token, with what was expected.

    condition  = conjunction {"or" conjunction}
    conjunction = negation {"and" negation}
    negation   = "not" negation | "(" condition ")" | leaf
    leaf       = field comparison

`cdp.segments` adds leaves by overriding `leaf`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.lexer import Kind, Token, tokens
from cdp.attributes.language.tree import (
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

WRITTEN = {op: sign for sign, op in _SIGNS.items()} | {op: " ".join(words) for words, op in _WORDS}
"""Operator -> how the text form writes it."""


class Parser:
    """Reads one text. `leaf` reads what stands between `and`, `or`, `not` and brackets."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0

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
        op = self.operator()
        return Compare(field, op, self._value_for(op), place)

    def operator(self) -> Op:
        if self.here.kind is Kind.SIGN and self.here.value in _SIGNS:
            return _SIGNS[self.advance().value]
        for words, op in _WORDS:
            if all(self.peek(i).is_word(word) for i, word in enumerate(words)):
                self._next += len(words)
                return op
        raise self.refuse(f"an operator ({', '.join(sorted(WRITTEN.values()))})")

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
        if self.here.kind is Kind.REFERENCE:
            return Reference(self.advance().value[1:])
        return self.scalar()

    def _list(self) -> tuple[Scalar, ...]:
        self.expect_sign("(")
        values = [self.scalar()]
        while self.take_sign(","):
            values.append(self.scalar())
        self.expect_sign(")")
        return tuple(values)

    def scalar(self) -> Scalar:
        token = self.here
        if token.is_sign("-") and self.peek(1).kind is Kind.NUMBER:
            self.advance()
            return -Decimal(self.advance().value)
        if token.kind is Kind.NUMBER:
            return Decimal(self.advance().value)
        if token.is_word("true", "false"):
            return self.advance().value.lower() == "true"
        if token.kind in (Kind.STRING, Kind.DATE) or (token.kind is Kind.WORD and token.value.lower() not in RESERVED):
            return self.advance().value
        raise self.refuse("a value")

    def whole_number(self, what: str) -> int:
        if self.here.kind is not Kind.NUMBER or "." in self.here.value:
            raise self.refuse(what)
        return int(self.advance().value)

    # --- times

    def duration(self) -> Duration:
        token = self.here
        amount = self.whole_number("a number of days, weeks, months …")
        unit = self._unit(UNITS)
        if not 0 < amount <= 10_000:
            raise DefinitionError(token.place, f"a duration is 1 to 10000 {unit}s, not {amount}")
        return Duration(amount, cast(Unit, unit))

    def _unit(self, allowed: tuple[str, ...]) -> str:
        word = self.here.value.lower().removesuffix("s")
        if self.here.kind is not Kind.WORD or word not in allowed:
            raise self.refuse(f"a unit ({', '.join(allowed)})")
        self.advance()
        return word

    def window(self) -> Window | None:
        """The window that starts here, if one does."""
        place = self.here.place
        if self.here.is_word("in") and self.peek(1).is_word("last", "first", "this", "previous"):
            self.advance()
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
            return Window("between", start=start, end=self.moment(), place=place)
        if self.take_word("since"):
            return Window("between", start=self.moment(), place=place)
        self.advance()
        return Window("between", end=self.moment(), place=place)

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
        if self.here.kind is not Kind.WORD or self.here.value.lower() in RESERVED:
            raise self.refuse(what)
        return self.advance()

    def refuse(self, expected: str) -> DefinitionError:
        return DefinitionError(self.here.place, f"{expected} expected, {self.here.shown} found")


def moment(written: str, place: str) -> datetime:
    """The moment a text names; a day is its first instant, a time without zone is UTC."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise DefinitionError(place, f"{written!r} is no date: write 2026-01-31 or 2026-01-31T09:30:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def parse_predicate(text: str) -> Predicate:
    """A condition on one event, such as `status = open and amount > 100`."""
    return cast(Predicate, Parser(text).whole())
