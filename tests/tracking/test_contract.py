"""The schema that is published and the checks by hand on the hot path are one contract: both take an event, or both refuse it."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cdp.ingest.events import wire
from cdp.records.contracts import validator
from cdp.records.source import Refused

SCHEMA = validator("event")

odd = st.sampled_from([None, True, False, 0, 1.5, -3, "", " ", "x", [], ["x"], {}, {"a": 1}])
ids = st.one_of(odd, st.text(max_size=12), st.integers(-(2**63), 2**64), st.sampled_from(["i" * n for n in (99, 100, 101, 500, 501)]))
objects = st.one_of(odd, st.dictionaries(st.text(max_size=5), odd, max_size=3))
members: dict[str, st.SearchStrategy[Any]] = {
    "type": st.one_of(st.sampled_from(wire.CALLS), odd, st.just("batch")),
    **dict.fromkeys(("messageId", "userId", "anonymousId", "groupId", "previousId"), ids),
    **dict.fromkeys(("event", "name", "category", "timestamp", "originalTimestamp", "sentAt"), st.one_of(odd, st.text(max_size=5))),
    **dict.fromkeys(("properties", "traits", "context", "integrations", "anything else"), objects),
}
NAMED = {"userId": "u", "event": "E", "groupId": "g", "previousId": "p"}
events = st.one_of(
    st.fixed_dictionaries({}, optional=members),
    st.fixed_dictionaries(
        {"type": st.sampled_from(wire.CALLS), **{name: st.just(value) for name, value in NAMED.items()}},
        optional={name: members[name] for name in members if name not in NAMED and name != "type"},
    ),
)


@given(event=events)
@example(event={"type": "alias", "anonymousId": "a", "previousId": "p"})
@example(event={"type": "track", "userId": "u", "event": ""})
@example(event={"type": "group", "userId": 7, "groupId": ""})
@example(event={"type": "identify", "userId": True})
@example(event={"type": "page", "userId": "", "anonymousId": "a", "messageId": "m" * 101})
@settings(max_examples=600, deadline=None)
def test_the_schema_and_the_door_take_the_same_events(event: dict[str, Any]) -> None:
    taken = not isinstance(wire.check(copy.deepcopy(event), "2026-01-01T00:00:00Z"), Refused)
    assert taken == SCHEMA.is_valid(event), event


def test_both_answers_are_tried() -> None:
    """The property above would hold of two contracts that refuse everything."""
    good = {"type": "track", "userId": "u", "event": "E"}
    assert SCHEMA.is_valid(good)
    assert not isinstance(wire.check(dict(good), "2026-01-01T00:00:00Z"), Refused)
