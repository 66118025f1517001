"""Random conditions over a small vocabulary, for laws that must hold for all of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from cdp.attributes.language.tree import ALWAYS, And, Compare, Duration, Not, Op, Or, Reference, Window
from cdp.segments.tree import Consent, EventMatch, Events, Everyone, Household, Random, Sequence, Step

_days = st.integers(1, 60).map(lambda n: Duration(n, "day"))
_texts = st.sampled_from(["Berlin", "web", "paid", "and", "x y", 'a"b', "2026-01-31", "ü", "null"])
_numbers = st.integers(-3, 60).map(Decimal) | st.sampled_from([Decimal("0.5"), Decimal("12.25")])
_event_leaf = st.one_of(
    st.builds(Compare, st.just("amount"), st.sampled_from([Op.MORE, Op.AT_MOST]), _numbers),
    st.builds(Compare, st.sampled_from(["status", "items.category"]), st.sampled_from([Op.EQUALS, Op.NOT_EQUALS, Op.CONTAINS]), _texts),
    st.builds(Compare, st.just("status"), st.sampled_from([Op.ONE_OF, Op.NOT_ONE_OF]), st.lists(_texts, min_size=1, max_size=3).map(tuple)),
    st.builds(Compare, st.just("properties.level"), st.sampled_from([Op.AT_LEAST, Op.EQUALS]), _numbers),
    st.builds(Compare, st.just("channel"), st.sampled_from([Op.EXISTS, Op.MISSING])),
    st.builds(Compare, st.just("at"), st.just(Op.WITHIN_LAST), _days),
)
_match = st.builds(
    EventMatch, st.sampled_from(["order", "ticket", "page_view", "*"]), st.none() | _event_leaf | st.builds(Not, _event_leaf)
)
_window = st.one_of(
    st.just(ALWAYS),
    st.builds(lambda d: Window("last", length=d), _days),
    st.builds(lambda d: Window("first", length=d), _days),
    st.builds(
        lambda k, u: Window(k, unit=u), st.sampled_from(["this", "previous"]), st.sampled_from(["day", "week", "month", "quarter", "year"])
    ),
)
_compared = st.sampled_from([Op.EQUALS, Op.NOT_EQUALS, Op.LESS, Op.AT_MOST, Op.MORE, Op.AT_LEAST])
_small = st.integers(0, 3).map(Decimal)
_events: Any = st.builds(Events, _match, _compared, _small, st.just("count"), st.just(""), _window) | st.builds(
    Events, _match, _compared, _numbers, st.sampled_from(["sum", "average", "maximum", "distinct"]), st.just("amount"), _window
)
_of_the_one_before = st.builds(
    Compare,
    st.sampled_from(["amount", "properties.level"]),
    st.sampled_from([Op.EQUALS, Op.MORE, Op.NOT_EQUALS]),
    st.sampled_from([Reference("before.amount"), Reference("before.properties.level"), Reference("n")]),
)
_asking = st.builds(EventMatch, st.sampled_from(["order", "*"]), _of_the_one_before)
_step = st.builds(Step, _match | _asking, st.none() | _days, st.none() | _match | _asking)
_absent = st.builds(lambda m, d: Step(m, d, None, True), _match, _days)
_sequence = st.builds(
    lambda f, s, a, w: Sequence(f, (*s, *a), w), _match, st.lists(_step, min_size=1, max_size=2), st.lists(_absent, max_size=1), _window
)
_field = st.one_of(
    st.builds(
        Compare,
        st.just("city"),
        st.sampled_from([Op.EQUALS, Op.NOT_EQUALS, Op.STARTS_WITH, Op.MISSING]).filter(lambda o: o is not Op.MISSING),
        _texts,
    ),
    st.builds(Compare, st.just("n"), _compared, _small),
    st.builds(Compare, st.just("given_name"), st.sampled_from([Op.EXISTS, Op.MISSING])),
    st.builds(Compare, st.just("birth_date"), st.sampled_from([Op.ANNIVERSARY_WITHIN, Op.WITHIN_LAST]), _days),
    st.builds(Compare, st.just("age"), _compared, st.integers(17, 20).map(Decimal)),
)
_leaf: Any = st.one_of(
    _events,
    _sequence,
    _field,
    st.builds(Consent, st.sampled_from(["email", "sms"]), st.sampled_from(["granted", "denied", "unknown"])),
    st.builds(lambda low, up: Random(low, low + up), st.integers(0, 50), st.integers(1, 50)),
    st.just(Everyone()),
)


def _grown(parts: Any) -> Any:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(And, several),
        st.builds(Or, several),
        st.builds(Not, parts),
        st.builds(Household, st.sampled_from(["any", "all", "none"]), parts),
    )


conditions: Any = st.recursive(_leaf, _grown, max_leaves=5)
