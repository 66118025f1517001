"""What one vendor alone does: its own limits, its own way to refuse a row, its own consent."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cdp.activation import DestinationConfig, Throttled, Undelivered, reconcile, register, shared_with
from cdp.activation.values import sha256
from cdp.activation.vendors import meta as meta_module
from tests.activation.conftest import Definition, profile_id
from tests.activation.fakes import google_error, meta_error
from tests.activation.vendors import Company, small_batches

ORACLE = Path(os.environ.get("CDP_ORACLES", Path(__file__).parents[3] / "shared" / "oracles")) / "hubspot" / "contacts.v3.openapi.json"

only = pytest.mark.parametrize
vendors = "vendor"


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
def test_google_is_asked_what_became_of_each_call_once(company: Company) -> None:
    company.people(1, 2)
    assert len(company.send().receipts) == 1
    assert reconcile(company.engine, company.settings, "ads").waiting == 1
    company.vendor.fake.requests["r0"] = "PARTIAL_SUCCESS"
    company.vendor.fake.errors["r0"] = [{"reason": "PROCESSING_ERROR_REASON_USER_IDENTIFIER_ENCRYPTION_ERROR", "recordCount": "1"}]
    assert sum(reconcile(company.engine, company.settings, "ads").refused.values()) == 1
    found = reconcile(company.engine, company.settings, "ads")
    assert (found.waiting, found.failed, found.refused) == (0, 0, {})


@only(vendors, ["google_ads"], indirect=True)
def test_a_call_that_failed_afterwards_is_made_again(company: Company) -> None:
    company.people(1, 2)
    company.send()
    company.people(3)
    company.send()
    company.vendor.fake.requests |= {"r0": "FAILED", "r1": "SUCCESS"}
    found = reconcile(company.engine, company.settings, "ads")
    assert (found.failed, found.forgotten) == (1, 2)
    assert company.send().added == 2


@only(vendors, ["google_ads"], indirect=True)
def test_who_said_no_is_removed_again_where_the_removal_failed_afterwards(company: Company) -> None:
    company.people(1, 2)
    company.send()
    company.people(1, ads="denied")
    company.world.person(2, email="new@example.org")
    before = set(company.vendor.fake.members)
    assert company.send().removed == 1
    company.vendor.fake.members |= before
    removals = [call.path.rpartition(":")[2] for call in company.vendor.fake.calls if "audienceMembers" in call.path].count("remove")
    company.vendor.fake.requests |= {f"r{number}": "FAILED" if 0 < number <= removals else "SUCCESS" for number in range(9)}
    report = company.send()
    assert report.removed == 1
    assert "failed afterwards: 2 people" in report.warnings[0]
    assert company.vendor.there() == company.vendor.names("new@example.org")


@only(vendors, ["google_ads"], indirect=True)
def test_a_delivery_that_broke_off_keeps_the_receipts_of_its_calls(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch)
    company.people(1, 2, 3, 4, 5)
    company.vendor.fake.faults = [None, None] + [(500, {})] * 5
    with pytest.raises(Undelivered):
        company.send()
    company.send()
    assert reconcile(company.engine, company.settings, "ads").waiting == 3


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
    small_batches(monkeypatch)
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
def test_contacts_of_mailchimp_that_get_no_campaigns_are_there_too(company: Company) -> None:
    company.people(1, 2, 3)
    company.send()
    for number, state in ((1, "transactional"), (2, "unsubscribed"), (3, "cleaned")):
        company.vendor.fake.contacts[f"p{number}@example.org"]["status"] = state
    assert reconcile(company.engine, company.settings, "ads").forgotten == 0


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
