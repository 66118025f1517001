"""The readable form of a condition: what is written reads back as the same tree, and what cannot be read is refused where it stands.

leaf     = events | sequence | ("did" | "never") match [window] | "consent" "(" purpose ")" ["=" state] | "segment" "(" name ")"
         | "household" ("any" | "all" | "none") "(" condition ")" | "random" "(" low "," high ")" | "everyone" | field comparison
events   = match "." measure ["(" field ")"] [window] comparison
match    = kind ["[" condition on the event "]"]
sequence = "sequence" "(" match {"then" ["not"] match ["within" duration] ["without" match]} ")" [window]
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, cast

from cdp.attributes.errors import DefinitionError
from cdp.attributes.fields import PERSON_FIELDS, PLURALS, kinds
from cdp.attributes.language import writer
from cdp.attributes.language.check import unknown
from cdp.attributes.language.lexer import Kind
from cdp.attributes.language.parser import WRITTEN, Parser
from cdp.attributes.language.tree import ALWAYS, ORDERED, Compare, Op, Predicate, Window
from cdp.segments.tree import (
    MEASURES,
    Condition,
    Consent,
    EventMatch,
    Events,
    Everyone,
    Household,
    InSegment,
    Random,
    Sequence,
    Step,
)


class _ConditionParser(Parser):
    _of_event = False
    """Inside `[…]`, where a leaf is a field of the event."""

    def leaf(self) -> object:
        if self._of_event:
            return super().leaf()
        token = self.expect_name("a field, an event, consent(…), segment(…) or another condition")
        word, place = token.value, token.place
        head, _, tail = word.rpartition(".")
        if kinds(head):
            return self._measured(EventMatch(str(kinds(head))), self._measure(tail, place), place)
        if self.here.is_sign("("):
            return self._called(word, place)
        if word.lower() in ("did", "never") and self.here.kind is Kind.WORD:
            match = self._match()
            return Events(
                match, Op.EQUALS if word == "never" else Op.AT_LEAST, Decimal(word != "never"), window=self.window() or ALWAYS, place=place
            )
        if word.lower() == "household" and self.here.is_word("any", "all", "none"):
            quantifier = cast(Literal["any", "all", "none"], self.advance().value.lower())
            self.expect_sign("(")
            inside = cast(Condition, self.condition())
            self.expect_sign(")")
            return Household(quantifier, inside)
        if word.lower() == "everyone":
            return Everyone()
        if self.here.is_sign("["):
            return self._bracketed(word, place)
        if kinds(word) and word not in PERSON_FIELDS:
            if self.here.kind is Kind.END:
                raise self.refuse(f"`.count` after {word}, or did or never before it,")
            raise DefinitionError(place, f"{word} happen: write {word}.count in last 90 days >= 2, did {word} or never {word}")
        return self.comparison(word, place)

    def _measure(self, word: str, place: str) -> str:
        if self.here.kind is Kind.END and any(known.startswith(word) for known in MEASURES if known != word):
            raise self.refuse(f"a measure ({', '.join(MEASURES)})")
        if word not in MEASURES:
            raise unknown("measure", word, MEASURES, place)
        return word

    def _bracketed(self, word: str, place: str) -> Events:
        match = EventMatch(self._kind(word, place), self._where())
        self.expect_sign(".")
        measure = self.expect_name(f"a measure ({', '.join(MEASURES)})")
        return self._measured(match, self._measure(measure.value, measure.place), place)

    def _measured(self, match: EventMatch, measure: str, place: str) -> Events:
        field = ""
        if measure != "count":
            if not self.take_sign("("):
                raise self.refuse(f"the field that {measure} is over, such as {measure}(value),")
            field = self.expect_name("a field of the event").value
            self.expect_sign(")")
        window = self.window()
        op = self._compared(measure, window)
        value: Decimal | tuple[Decimal, Decimal] = self._bound()
        if op is Op.BETWEEN:
            if not self.take_word("and"):
                raise self.refuse("`and` and the upper bound")
            value = (cast(Decimal, value), self._bound())
        return Events(match, op, value, measure, field, window or self.window() or ALWAYS, place)

    def _compared(self, measure: str, window: Window | None) -> Op:
        """How the measure is compared; where a window is meant that is none, what windows there are."""
        token = self.here
        if window is None and token.is_word("in", "last", "past", "within", "during", "this", "previous"):
            raise self.refuse("a window (in last 90 days, in this month, in previous quarter, since 2026-01-01) or a comparison")
        op = self.operator()
        if op not in ORDERED and op is not Op.BETWEEN:
            raise DefinitionError(
                token.place, f"{measure} is a number: it is compared by =, !=, <, <=, >, >= or between, not by {WRITTEN[op]}"
            )
        return op

    def _bound(self) -> Decimal:
        token = self.here
        value = self.scalar()
        if isinstance(value, bool) or not isinstance(value, Decimal):
            raise DefinitionError(token.place, f"a number expected, the text {token.shown} found")
        return value

    def _match(self) -> EventMatch:
        token = self.expect_name("a kind of event")
        kind = self._kind(token.value, token.place)
        return EventMatch(kind, self._where() if self.here.is_sign("[") else None)

    def _kind(self, word: str, place: str) -> str:
        kind = kinds(word)
        if kind is None:
            raise unknown("kind of event", word, PLURALS.values(), place)
        return kind

    def _where(self) -> Predicate:
        self.expect_sign("[")
        self._of_event = True
        found = self.condition()
        self._of_event = False
        self.expect_sign("]")
        return cast(Predicate, found)

    def _called(self, word: str, place: str) -> object:
        known = ("consent", "segment", "random", "sequence")
        if word.lower() not in known:
            raise _no_call(word, known, place)
        self.expect_sign("(")
        if word.lower() == "sequence":
            return self._sequence(place)
        if word.lower() == "random":
            low = self.whole_number("a percentage")
            self.expect_sign(",")
            high = self.whole_number("a percentage")
            self.expect_sign(")")
            return Random(low, high, place)
        named = str(self.scalar())
        self.expect_sign(")")
        if word.lower() == "segment":
            return InSegment(named.lower(), place)
        return Consent(named, self._state() if self.take_sign("=") else "granted")

    def _state(self) -> Literal["granted", "denied", "unknown"]:
        if not self.here.is_word("granted", "denied", "unknown"):
            raise self.refuse("granted, denied or unknown")
        return cast(Literal["granted", "denied", "unknown"], self.advance().value.lower())

    def _sequence(self, place: str) -> Sequence:
        first = self._match()
        steps = []
        while self.take_word("then"):
            absent = self.take_word("not")
            match = self._match()
            within = self.duration() if self.take_word("within") else None
            steps.append(Step(match, within, self._match() if self.take_word("without") else None, absent))
        if not steps:
            raise self.refuse("`then` and what follows")
        self.expect_sign(")")
        return Sequence(first, tuple(steps), self.window() or ALWAYS, place)


def _no_call(word: str, known: tuple[str, ...], place: str) -> DefinitionError:
    """A word with brackets after it that is none of those that have brackets."""
    if word in ("did", "never"):
        return DefinitionError(place, f"{word} has no brackets: write {word} orders, or {word} orders[value > 100] in last 90 days")
    if word == "household":
        return DefinitionError(place, "write household any (condition), household all (…) or household none (…)")
    if word == "funnel":
        return DefinitionError(place, "a funnel is written sequence(page_views then orders within 7 days)")
    return unknown("condition", f"{word}(…)", [f"{name}(…)" for name in known], place)


def parse(text: str) -> Condition:
    """The condition that a text states.

    Raises:
        DefinitionError: the text cannot be read; its place is the line and column.
    """
    return cast(Condition, _ConditionParser(text).whole())


def write(condition: Condition) -> str:
    """The condition as text."""
    return writer.condition(condition, _leaf)


def _leaf(node: object) -> str:
    if isinstance(node, Compare):
        return writer.comparison(node)
    if isinstance(node, Events):
        return _events(node)
    if isinstance(node, Sequence):
        return f"sequence({_match_text(node.first)}{''.join(map(_step, node.steps))}){writer.window(node.window)}"
    if isinstance(node, Consent):
        return f"consent({writer.scalar(node.purpose)}){'' if node.state == 'granted' else ' = ' + node.state}"
    if isinstance(node, InSegment):
        return f"segment({writer.scalar(node.name)})"
    if isinstance(node, Household):
        return f"household {node.quantifier} ({write(node.condition)})"
    if isinstance(node, Random):
        return f"random({node.low}, {node.high})"
    assert isinstance(node, Everyone)
    return "everyone"


def _events(node: Events) -> str:
    value = node.value
    compared = " and ".join(map(writer.number, value)) if isinstance(value, tuple) else writer.number(value)
    measure = node.measure if node.measure == "count" else f"{node.measure}({node.field})"
    return f"{_match_text(node.match)}.{measure}{writer.window(node.window)} {WRITTEN[node.op]} {compared}"


def _match_text(match: EventMatch) -> str:
    where = "" if match.where is None else f"[{writer.predicate(match.where)}]"
    return PLURALS[match.kind] + where


def _step(step: Step) -> str:
    text = f" then {'not ' if step.absent else ''}{_match_text(step.match)}"
    if step.within is not None:
        text += f" within {step.within}"
    return text + (f" without {_match_text(step.without)}" if step.without is not None else "")
