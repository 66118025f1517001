"""Each vendor's interface is called as its documentation says: full once, then what changed, partial answers row by row, nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cdp.activation import DestinationConfig, Throttled, Undelivered, preflight, reconcile, shared_with
from cdp.activation import status as status_of
from tests.activation.conftest import profile_id
from tests.activation.fakes import Said
from tests.activation.vendors import Company, Vendor, small_batches

only = pytest.mark.parametrize
vendors = "vendor"


def test_everybody_once_then_who_joins_changes_and_leaves(company: Company) -> None:
    company.people(1, 2, 3)
    assert company.send().added == 3
    assert company.vendor.there() == company.vendor.names("p1@example.org", "p2@example.org", "p3@example.org")
    before = len(company.vendor.fake.calls)
    assert company.send().added == 0
    assert {call.path for call in company.vendor.fake.calls[before:]} <= {"/token", "/v1/requestStatus:retrieve"}  # Google works off later

    company.people(4)
    company.world.leave(1)
    company.world.person(2, email="p2@example.org", ads="denied")
    company.world.person(3, email="new3@example.org")
    report = company.send()
    assert (report.added, report.updated, report.removed, report.complete) == (1, 1, 2, True)
    assert company.vendor.there() == company.vendor.names("new3@example.org", "p4@example.org")
    with company.engine.connect() as connection:
        assert [entry.change for entry in shared_with(connection, profile_id(1))] == ["removed", "added"]


def test_nothing_leaves_in_a_preflight(company: Company) -> None:
    company.people(1)
    assert preflight(company.engine, "ads").added == 1
    assert company.vendor.fake.calls == []


BREAKS = {"google_ads": 3, "meta": 2, "mailchimp": 5, "hubspot": 4}
"""Calls until the destination fails, in the middle of seven people sent two by two."""


def test_a_delivery_that_broke_off_goes_on_behind_what_was_taken(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    company.people(*range(1, 8))
    fake = company.vendor.fake
    seen = {"calls": 0}

    def break_off(call: Any) -> Said | None:
        seen["calls"] += 1
        return (500, {}) if seen["calls"] > BREAKS[company.vendor.name] else None

    fake.faults = [break_off] * 100
    with pytest.raises(Undelivered, match="5 attempts"):
        company.send()
    fake.faults = []
    with company.engine.connect() as connection:
        (row,) = status_of(connection)
    assert row["status"] == "partial"
    there = company.vendor.there()
    assert 0 < len(there) < 7
    delivery, taken = row["delivery"], company.vendor.taken()
    report = company.send()
    assert report.delivery == delivery
    assert company.vendor.there() == company.vendor.names(*(f"p{number}@example.org" for number in range(1, 8)))
    assert company.vendor.taken() - taken == 7 - row["present"]


def test_a_long_pause_is_not_waited_for(company: Company) -> None:
    company.people(1)
    company.vendor.fake.faults = [None] * _before(company.vendor) + [(429, {}, {"Retry-After": "7200"})]
    with pytest.raises(Throttled) as raised:
        company.send()
    assert abs(raised.value.until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    assert company.send().added == 1


def test_a_short_pause_is(company: Company) -> None:
    company.people(1)
    company.vendor.fake.faults = [None] * _before(company.vendor) + [(429, {}, {"Retry-After": "3"}), (503, {})]
    assert company.send().added == 1
    assert company.vendor.there() == company.vendor.names("p1@example.org")


def _before(vendor: Vendor) -> int:
    """Calls before the first that carries people: Google's for a token."""
    return 1 if vendor.name == "google_ads" else 0


def test_a_secret_that_is_refused_is_a_matter_of_the_definition(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.people(1)
    monkeypatch.setenv("SECRET", "wrong-us6")
    with pytest.raises(DestinationConfig) as raised:
        company.send()
    assert "wrong" not in str(raised.value)
    assert company.vendor.there() == set()


def test_a_hash_is_never_sent_in_plain_nor_a_person_in_a_message(company: Company) -> None:
    company.people(1, phone="+18005550100")
    company.vendor.fake.faults = [None] * _before(company.vendor) + [
        (400, {"error": {"message": "no p1@example.org", "code": 100}, "category": "X", "title": "no p1@example.org"})
    ]
    with pytest.raises((DestinationConfig, Undelivered)) as raised:
        company.send()
    assert "p1@" not in str(raised.value)


@only(vendors, ["mailchimp", "hubspot"], indirect=True)
def test_who_was_forgotten_there_is_sent_again(company: Company) -> None:
    company.people(1, 2, 3)
    company.send()
    fake = company.vendor.fake
    if company.vendor.name == "mailchimp":
        tagged = next(iter(fake.segments.values()))[1]
        tagged -= {"p2@example.org"}
        fake.contacts["stranger@example.org"] = {"email_address": "stranger@example.org"}
        tagged |= {"stranger@example.org"}
    else:
        fake.members -= {id for id, known in fake.contacts.items() if known["email"] == "p2@example.org"}
        fake.contacts["999"] = {"email": "stranger@example.org"}
        fake.members |= {"999"}
    found = reconcile(company.engine, company.settings, "ads")
    assert (found.there, found.forgotten, found.foreign) == (3, 1, 1)
    assert company.send().added == 1
    assert "p2@example.org" in company.vendor.there()
    assert reconcile(company.engine, company.settings, "ads").forgotten == 0


@only(vendors, ["meta"], indirect=True)
def test_a_place_that_cannot_list_is_told_everything_again_on_demand(company: Company) -> None:
    company.people(1, 2)
    company.send()
    company.vendor.fake.entries.clear()
    with pytest.raises(Exception, match="--everything"):
        reconcile(company.engine, company.settings, "ads")
    assert reconcile(company.engine, company.settings, "ads", everything=True).forgotten == 2
    assert company.send().added == 2
    assert len(company.vendor.there()) == 2
