"""The fake of Stripe shows objects as Stripe's published fixtures do, and amounts come as decimals of their currency."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.stripe import StripeSource
from connectors.stripe.fake import Fake
from connectors.testing.clock import ManualClock
from connectors.testing.lab import lab

FIXTURES = Path(__file__).parents[3] / "shared" / "oracles" / "stripe" / "fixtures3.json"


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int) and not isinstance(value, bool) else type(value).__name__


@pytest.mark.parametrize(("stream", "resource"), [("customers", "customer"), ("charges", "charge"), ("invoices", "invoice")])
def test_fake_shows_what_is_published(stream: str, resource: str) -> None:
    if not FIXTURES.exists():
        pytest.skip("Stripe's fixtures are not beside this checkout")
    published = json.loads(FIXTURES.read_text("utf-8"))["resources"]
    fake = Fake(ManualClock())
    fake.put(stream, "1")
    shown = fake.show(stream, fake.tables[stream]["1"])
    own = {"name", "email"} if resource != "customer" else set()
    assert set(shown) - own <= set(published[resource])
    for name in set(shown) - own:
        assert {_kind(shown[name]), _kind(published[resource][name])} & {"NoneType"} or _kind(shown[name]) == _kind(
            published[resource][name]
        )
    _, kind, _ = fake.events[0]
    assert set(published["event"]) >= {"id", "type", "created", "data", "object"}
    assert kind.partition(".")[0] == published[resource]["object"]


@pytest.mark.parametrize(
    ("currency", "amount", "decimal"), [("eur", 1250, "12.50"), ("eur", "1250", "12.50"), ("jpy", 1250, "1250"), ("kwd", 1250, "1.250")]
)
def test_amounts_are_decimals_of_their_currency(currency: str, amount: int | str, decimal: str) -> None:
    with lab(StripeSource, Fake, "charges") as room:
        room.fake.put("charges", "1", currency=currency, amount=amount)
        rows = [row for page in room.source().read("charges") for row in page.rows]
        assert rows[0]["decimal"]["amount"] == decimal
        assert rows[0]["amount"] == amount


def test_only_the_newest_event_of_an_object_counts() -> None:
    with lab(StripeSource, Fake, "customers") as room:
        room.fill(3)
        room.sync()
        room.fake.clock.advance(3600)
        for name in ("first", "second", "third"):
            room.fake.clock.advance(1)
            room.fake.put("customers", "2", name=name)
        room.fake.page_size = 1
        room.sync()
        assert room.landed.rows["2"]["name"] == "third"
        assert room.agrees()


def test_all_is_listed_again_when_the_events_are_gone() -> None:
    with lab(StripeSource, Fake, "customers") as room:
        room.fill(3)
        room.sync()
        room.fake.clock.advance(40 * 86400)
        room.fake.put("customers", "9", room.fake.clock.now())
        before = len(room.fake.requests)
        room.sync()
        assert room.agrees()
        assert not any(request.endswith("/events") for request in room.fake.requests[before:])
