"""A receipt follows a message as far as it went (profile, attributes, segments, deliveries), and names nothing that did not use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cdp import activation, segments
from cdp.activation.used import used_in
from cdp.profiles import refresh, timeline
from tests.tracking.conftest import World
from tests.tracking.test_process import profile_of


def uses(world: World, message_id: str) -> set[tuple[str, str]]:
    """What used a message: kind of thing and its name."""
    found = world.receipt(message_id)
    assert found is not None
    with world.engine.connect() as connection:
        used = [*found.used_in, *used_in(connection, found)]
    return {(use["what"], str(use.get("name") or use.get("key") or use["kind"])) for use in used}


@pytest.fixture
def company(world: World, tmp_path: Path) -> World:
    """A buyer and a visitor, segments over both, a file that the buyers are sent to."""
    world.send("identify", userId="ann", messageId="who", traits={"email": "ann@example.org", "name": "Ann Lee"})
    order = {"total": "7.50", "currency": "EUR", "order_id": "o"}
    world.send("track", userId="ann", event="Order Completed", messageId="order", properties=order)
    world.send("page", userId="ann", messageId="page", name="Home")
    world.process()
    refresh(world.engine, world.settings)
    with world.engine.begin() as connection:
        segments.save(connection, "buyers", "did orders", "test")
        segments.save(connection, "spenders", "ordered_value > 5", "test")
        segments.save(connection, "either", "segment(buyers)", "test")
        segments.save(connection, "sleepers", "never orders", "test")
    segments.refresh_all(world.engine)
    for name, segment in (("ads", "buyers"), ("all", None)):
        document = {
            "name": name,
            "legal_basis": "contract: the test says so",
            "format": "google_ads",
            "to": {"files": {"path": str(tmp_path / name)}},
        }
        with world.engine.begin() as connection:
            activation.register(connection, document | ({"segment": segment} if segment else {}))
        activation.send(world.engine, world.settings, name)
    return world


def test_an_order_is_followed_to_where_it_was_sent(company: World) -> None:
    used = uses(company, "order")
    assert {("interaction", "order"), ("record", "user:ann")} <= used
    assert {name for what, name in used if what == "segment"} == {"buyers", "spenders", "either"}
    assert {"orders_total", "ordered_value", "lifetime_value"} <= {name for what, name in used if what == "attribute"}
    assert ("attribute", "returned_value") not in used
    assert {name for what, name in used if what == "delivery"} == {"ads"}


def test_a_page_view_is_in_no_segment_of_buyers(company: World) -> None:
    used = uses(company, "page")
    assert not [name for what, name in used if what in ("segment", "delivery")]
    assert ("attribute", "ordered_value") not in used


def test_who_somebody_is_went_wherever_the_person_was_sent(company: World) -> None:
    assert uses(company, "who") == {("record", "user:ann"), ("delivery", "ads"), ("delivery", "all")}


def test_what_came_after_used_nothing_yet(company: World) -> None:
    company.send("track", userId="ann", event="Order Completed", messageId="late", properties={"total": 1})
    company.process()
    assert {what for what, _ in uses(company, "late")} <= {"interaction", "record", "segment"}
    assert not [name for what, name in uses(company, "late") if what in ("attribute", "delivery")]


CALLS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("identify", {"userId": "u", "anonymousId": "a", "traits": {"plan": "pro"}}, {"user:u", "anon:a"}),
    ("group", {"userId": "u", "groupId": "g"}, {"user:u", "group:g"}),
    ("alias", {"userId": "u", "previousId": "a"}, {"user:u", "anon:a"}),
]


@pytest.mark.parametrize(("call", "event", "records"), CALLS)
def test_who_somebody_is_is_nothing_they_did(world: World, call: str, event: dict[str, Any], records: set[str]) -> None:
    world.send(call, messageId="m", **event)
    done = world.process()
    assert (done.events, done.interactions, done.updates) == (1, 0, 1)
    assert uses(world, "m") == {("record", key) for key in records}
    with world.engine.connect() as connection:
        assert timeline(connection, profile_of(world, "m")).items == ()
    (kept,) = world.rows("select type, raw from profile_update")
    assert (kept.type, kept.raw["messageId"]) == (call, "m"), "as it was accepted"
