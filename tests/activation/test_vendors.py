"""Each vendor's interface is called as its documentation says: full once, then what changed, partial answers row by row, nothing twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import Engine

from cdp.activation import DestinationConfig, Report, Throttled, Undelivered, preflight, reconcile, register, send, shared_with
from cdp.activation import status as status_of
from cdp.activation.calls import Caller
from cdp.activation.values import sha256
from cdp.activation.vendors import meta as meta_module
from cdp.settings import Settings
from tests.activation.conftest import Definition, World, profile_id
from tests.activation.fakes import Fake, GoogleFake, HubSpotFake, MailchimpFake, MetaFake, Said, google_error, meta_error

ORACLE = Path(os.environ.get("CDP_ORACLES", Path(__file__).parents[3] / "shared" / "oracles")) / "hubspot" / "contacts.v3.openapi.json"


@dataclass
class Vendor:
    """One vendor, its fake, and who is there by the fake's own account (as e-mails before hashing)."""

    name: str
    fake: Any
    to: dict[str, Any]
    there: Callable[[], set[str]]
    taken: Callable[[], int]

    def names(self, *emails: str) -> set[str]:
        return {sha256(email) if self.name in ("google_ads", "meta") else email for email in emails}


def _google(fake: GoogleFake) -> Vendor:
    to = {"account": "123-456-7890", "audience": "77", "credentials": "env:SECRET", "terms": "accepted", "url": fake.url}

    def there() -> set[str]:
        return {found["emailAddress"] for found in map(json.loads, fake.members) if "emailAddress" in found}

    def taken() -> int:
        return sum(len(call.body["audienceMembers"]) for call in fake.calls if call.path.endswith(":ingest"))

    return Vendor("google_ads", fake, to, there, taken)


def _meta(fake: MetaFake) -> Vendor:
    def taken() -> int:
        return sum(len(call.body["payload"]["data"]) for call in fake.calls if call.method == "POST")

    return Vendor(
        "meta", fake, {"audience": "55", "token": "env:SECRET", "url": fake.url}, lambda: {email for email, _ in fake.entries}, taken
    )


def _mailchimp(fake: MailchimpFake) -> Vendor:
    def there() -> set[str]:
        return {email for _, tagged in fake.segments.values() for email in tagged}

    def taken() -> int:
        return sum(len(call.body["members"]) for call in fake.calls if call.path == "/3.0/lists/abc" and not call.body["update_existing"])

    return Vendor("mailchimp", fake, {"list": "abc", "key": "env:SECRET", "url": fake.url}, there, taken)


def _hubspot(fake: HubSpotFake) -> Vendor:
    def taken() -> int:
        return sum(len(call.body["inputs"]) for call in fake.calls if call.path.endswith("/upsert"))

    return Vendor("hubspot", fake, {"list": "9", "token": "env:SECRET", "url": fake.url}, lambda: fake.emails, taken)


MAKERS: dict[str, tuple[type[Fake], Callable[[Any], Vendor]]] = {
    "google_ads": (GoogleFake, _google),
    "meta": (MetaFake, _meta),
    "mailchimp": (MailchimpFake, _mailchimp),
    "hubspot": (HubSpotFake, _hubspot),
}
SECRETS = {"meta": "meta-token", "mailchimp": "key-us6", "hubspot": "hub-token"}


@dataclass
class Company:
    """A world with one destination, that is sent to."""

    engine: Engine
    settings: Settings
    world: World
    vendor: Vendor

    def send(self) -> Report:
        return send(self.engine, self.settings, "ads")

    def people(self, *numbers: int, **more: Any) -> None:
        for number in numbers:
            self.world.person(number, **{"email": f"p{number}@example.org", **more})


@pytest.fixture(params=MAKERS)
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    kind, make = MAKERS[request.param]
    fake = kind().start()
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r", "token_uri": f"{fake.url}/token"}
    monkeypatch.setenv("SECRET", SECRETS.get(request.param) or json.dumps(user))
    yield make(fake)
    fake.stop()


@pytest.fixture
def company(
    engine: Engine, settings: Settings, world: World, definition: Definition, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> Company:
    monkeypatch.setattr(Caller, "sleep", lambda self, seconds: None, raising=False)
    monkeypatch.setattr("cdp.activation.ways.Caller", lambda hosts, per_minute: Caller(hosts, None, sleep=lambda seconds: None))
    with engine.begin() as connection:
        register(connection, definition({vendor.name: vendor.to}, format=vendor.name), "test")
    return Company(engine, replace(settings, webhook_private_hosts="127.0.0.1"), world, vendor)


only = pytest.mark.parametrize
vendors = "vendor"


def test_everybody_once_then_who_joins_changes_and_leaves(company: Company) -> None:
    company.people(1, 2, 3)
    assert company.send().added == 3
    assert company.vendor.there() == company.vendor.names("p1@example.org", "p2@example.org", "p3@example.org")
    before = len(company.vendor.fake.calls)
    assert company.send().added == 0
    assert len(company.vendor.fake.calls) == before

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
    _small_batches(monkeypatch)
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


def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    from cdp.activation import ways

    real = ways.channel

    def small(way: ways.Way) -> Any:
        made = real(way)
        made.batch = 2
        return made

    monkeypatch.setattr("cdp.activation.deliver.channel_to", small)


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


# --- Google --------------------------------------------------------------------------------------------------------------------------


@only(vendors, ["google_ads"], indirect=True)
def test_google_gets_consent_identifiers_and_takes_the_rest_without_the_bad(company: Company) -> None:
    company.people(1, phone="+18005550100", given_name="Ann", family_name="Lee", country="US", postal_code="94045", street="x", city="y")
    company.people(2, 3)
    company.vendor.fake.bad = {sha256("p2@example.org")}
    report = company.send()
    assert (report.added, dict(report.refused)) == (2, {"INVALID_HEX_ENCODING": 1})
    first = next(call for call in company.vendor.fake.calls if call.path.endswith(":ingest")).body
    assert first["consent"] == {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
    assert first["audienceMembers"][0]["userData"]["userIdentifiers"] == [
        {"emailAddress": sha256("p1@example.org")},
        {"phoneNumber": sha256("+18005550100")},
        {"address": {"givenName": sha256("ann"), "familyName": sha256("lee"), "regionCode": "US", "postalCode": "94045"}},
    ]
    with company.engine.connect() as connection:
        assert shared_with(connection, profile_id(2))[0].answer == "refused: INVALID_HEX_ENCODING"
    company.vendor.fake.bad = set()
    assert company.send().added == 1


@only(vendors, ["google_ads"], indirect=True)
def test_google_removes_whom_it_knows_by_the_address_alone(company: Company) -> None:
    company.people(1, email=None, given_name="Ann", family_name="Lee", country="US", postal_code="94045", street="x", city="y")
    company.send()
    assert len(company.vendor.fake.members) == 1
    company.world.leave(1)
    assert company.send().removed == 1
    assert company.vendor.fake.members == set()


@only(vendors, ["google_ads"], indirect=True)
def test_google_is_asked_what_became_of_it_and_a_failed_call_is_sent_again(company: Company) -> None:
    company.people(1, 2)
    receipts = company.send().receipts
    assert len(receipts) == 1
    assert reconcile(company.engine, company.settings, "ads").waiting == 1
    company.vendor.fake.requests["r0"] = "PARTIAL_SUCCESS"
    company.vendor.fake.errors["r0"] = [{"reason": "PROCESSING_ERROR_REASON_USER_IDENTIFIER_ENCRYPTION_ERROR", "recordCount": "1"}]
    assert sum(reconcile(company.engine, company.settings, "ads").refused.values()) == 1
    company.vendor.fake.requests["r0"] = "FAILED"
    found = reconcile(company.engine, company.settings, "ads")
    assert (found.failed, found.forgotten) == (1, 2)
    assert company.send().added == 2


@only(vendors, ["google_ads"], indirect=True)
def test_google_says_in_the_body_how_long_to_wait(company: Company) -> None:
    company.people(1)
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3600s"}
    company.vendor.fake.faults = [None, google_error(429, "Quota exceeded", retry)]
    with pytest.raises(Throttled):
        company.send()


@only(vendors, ["google_ads"], indirect=True)
def test_google_takes_a_service_account(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    account = {
        "type": "service_account",
        "client_email": "cdp@example.iam",
        "private_key": pem,
        "token_uri": f"{company.vendor.fake.url}/token",
    }
    monkeypatch.setenv("SECRET", json.dumps(account))
    company.people(1)
    assert company.send().added == 1


# --- Meta ----------------------------------------------------------------------------------------------------------------------------


@only(vendors, ["meta"], indirect=True)
def test_meta_gets_sessions_of_batches(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    _small_batches(monkeypatch)
    company.people(*range(1, 6))
    company.send()
    assert list(company.vendor.fake.sessions.values()) == [[(1, False), (2, False), (3, True)]]
    body = company.vendor.fake.calls[0].body
    assert body["session"]["estimated_num_total"] == 5
    assert dict(zip(body["payload"]["schema"], body["payload"]["data"][0], strict=True))["EXTERN_ID"] == str(profile_id(1))


@only(vendors, ["meta"], indirect=True)
def test_meta_names_an_invalid_entry_and_only_that_person_is_refused(company: Company) -> None:
    company.people(1, 2)
    company.vendor.fake.bad = {sha256("p2@example.org")}
    report = company.send()
    assert (report.added, dict(report.refused)) == (1, {"Invalid hash": 1})


@only(vendors, ["meta"], indirect=True)
def test_meta_says_in_a_header_when_calls_are_welcome_again(company: Company) -> None:
    company.people(1)
    status, said = meta_error(80003, "too many calls")[:2]
    usage = {"123": [{"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": 30}]}
    company.vendor.fake.faults = [(status, said, {"X-Business-Use-Case-Usage": json.dumps(usage)})]
    with pytest.raises(Throttled) as raised:
        company.send()
    assert abs(raised.value.until - datetime.now(UTC) - timedelta(minutes=30)) < timedelta(minutes=1)


@only(vendors, ["meta"], indirect=True)
def test_a_flagged_audience_is_told(company: Company) -> None:
    company.people(1)
    company.vendor.fake.faults = [meta_error(100, "Invalid parameter", error_subcode=1713230)]
    with pytest.raises(DestinationConfig, match="flagged"):
        company.send()


def test_a_call_to_meta_carries_at_most_ten_thousand_entries() -> None:
    assert meta_module.MetaChannel.batch * 3 <= 10_000


# --- Mailchimp -----------------------------------------------------------------------------------------------------------------------


@only(vendors, ["mailchimp"], indirect=True)
def test_who_unsubscribed_is_never_subscribed_again(company: Company) -> None:
    fake = company.vendor.fake
    fake.contacts["p1@example.org"] = {"email_address": "p1@example.org", "status": "unsubscribed", "merge_fields": {}}
    fake.contacts["p2@example.org"] = {"email_address": "p2@example.org", "status": "cleaned", "merge_fields": {}}
    company.people(1, 2, 3, given_name="Ann")
    report = company.send()
    assert (report.added, dict(report.refused)) == (2, {"Member In Compliance State": 1})
    assert [fake.contacts[f"p{n}@example.org"]["status"] for n in (1, 2, 3)] == ["unsubscribed", "cleaned", "subscribed"]
    assert fake.contacts["p1@example.org"]["merge_fields"] == {"FNAME": "Ann"}


@only(vendors, ["mailchimp"], indirect=True)
def test_mailchimp_refuses_one_address_of_a_call(company: Company) -> None:
    company.people(1)
    company.world.person(2, email="x@invalid.example")
    report = company.send()
    assert (report.added, dict(report.refused)) == (1, {"ERROR_GENERIC": 1})


@only(vendors, ["mailchimp"], indirect=True)
def test_mailchimp_may_unsubscribe_who_leaves(company: Company, definition: Definition) -> None:
    with company.engine.begin() as connection:
        register(connection, definition({"mailchimp": {**company.vendor.to, "removal": "unsubscribe"}}, format="mailchimp"), "test")
    company.people(1)
    company.send()
    company.world.leave(1)
    assert company.send().removed == 1
    assert company.vendor.fake.contacts["p1@example.org"]["status"] == "unsubscribed"


# --- HubSpot -------------------------------------------------------------------------------------------------------------------------


@only(vendors, ["hubspot"], indirect=True)
def test_hubspot_refuses_a_call_for_one_address_and_takes_the_others(company: Company) -> None:
    company.people(*range(1, 8), phone="+18005550100")
    company.world.person(9, email="x@invalid.example")
    company.vendor.fake.conflicts = {"p5@example.org"}
    report = company.send()
    assert (report.added, dict(report.refused)) == (6, {"CONFLICT": 1, "INVALID_EMAIL": 1})
    assert company.vendor.fake.contacts["501"]["phone"] == "+18005550100"


@only(vendors, ["hubspot"], indirect=True)
def test_two_people_with_one_address_are_one_contact(company: Company) -> None:
    company.people(1, 2, email="family@example.org")
    assert company.send().added == 2
    company.world.leave(1)
    report = company.send()
    assert (report.removed, report.kept) == (0, 1)
    assert company.vendor.there() == {"family@example.org"}


@only(vendors, ["hubspot"], indirect=True)
def test_the_limit_of_a_day_is_not_waited_for(company: Company) -> None:
    company.people(1)
    company.vendor.fake.faults = [(429, {"category": "RATE_LIMITS", "policyName": "DAILY"})]
    with pytest.raises(Throttled):
        company.send()
    company.vendor.fake.faults = [(429, {"category": "RATE_LIMITS", "policyName": "TEN_SECONDLY_ROLLING"})]
    assert company.send().added == 1


@only(vendors, ["hubspot"], indirect=True)
@pytest.mark.skipif(not ORACLE.exists(), reason="HubSpot's own specification is not here: it lies beside the project, in shared/oracles")
def test_calls_to_hubspot_meet_its_own_specification(company: Company) -> None:
    specification = json.loads(ORACLE.read_text("utf-8"))
    checked = []

    def check(call: Any) -> None:
        if call.path in specification["paths"]:
            body = specification["paths"][call.path][call.method.lower()]["requestBody"]["content"]["application/json"]["schema"]
            jsonschema.validate(call.body, {**body, "components": specification["components"]})
            checked.append(call.path)

    company.vendor.fake.check = check
    company.people(1, 2)
    company.send()
    company.world.leave(1)
    company.send()
    assert {path.rpartition("/")[2] for path in checked} == {"upsert", "read"}
