"""The golden document: values chosen by the policy with the reason, losers kept, contact points never dropped."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.profiles.golden import ConsentStatement, StoredRecord, display_name, golden_document
from cdp.profiles.survivorship import Policy
from cdp.records.contracts import DocumentError, check

_ids = itertools.count(1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def record(source: str = "crm", key: str = "1", priority: int = 100, deleted: bool = False, **canonical: Any) -> StoredRecord:
    return StoredRecord(next(_ids), source, "people", key, priority, canonical, NOON, deleted)


def test_the_most_trusted_source_wins_and_says_so() -> None:
    document = golden_document(
        [record("shop", job_title="Baker"), record("crm", priority=1, job_title="Cook")], [], Policy(default=["source_priority"])
    )
    chosen = document["values"]["job_title"]
    assert (chosen["value"], chosen["source"], chosen["rule"]) == ("Cook", "crm", "source_priority")
    assert [(other["value"], other["source"]) for other in chosen["others"]] == [("Baker", "shop")]


def test_after_a_marriage_the_newest_surname_is_shown_and_the_former_stays_visible() -> None:
    old = record("crm", family_name="Lee", updated_at="2024-01-01T00:00:00Z")
    new = record("shop", family_name="Ray", updated_at="2025-01-01T00:00:00Z")
    chosen = golden_document([old, new], [], Policy.load())["values"]["family_name"]
    assert (chosen["value"], chosen["rule"], chosen["others"][0]["value"]) == ("Ray", "most_recent", "Lee")


def test_a_source_order_for_one_field_overrides_the_priorities() -> None:
    policy = Policy(default=["source_priority"], sources={"language": ["newsletter"]})
    document = golden_document([record("crm", priority=1, language="en"), record("newsletter", language="fr")], [], policy)
    assert document["values"]["language"]["value"] == "fr"


def test_contact_points_are_never_dropped() -> None:
    records = [record("crm", emails=["a@example.com"]), record("shop", emails=["b@example.com", "a@example.com"])]
    emails = golden_document(records, [], Policy())["contact"]["emails"]
    assert {e["value"]: e["sources"] for e in emails} == {"a@example.com": ["crm", "shop"], "b@example.com": ["shop"]}


def test_a_record_that_its_source_deleted_counts_only_where_no_other_is_left() -> None:
    gone, here = record("crm", deleted=True, given_name="Gone"), record("shop", given_name="Here")
    assert golden_document([gone, here], [], Policy())["values"]["given_name"]["value"] == "Here"
    assert golden_document([gone], [], Policy())["values"]["given_name"]["value"] == "Gone"


def test_the_latest_consent_counts_and_of_two_at_one_time_the_one_that_denies() -> None:
    later = NOON.replace(hour=13)
    said = [
        ConsentStatement("email", "denied", NOON, "crm"),
        ConsentStatement("email", "granted", later, "shop"),
        ConsentStatement("phone", "denied", NOON, "crm"),
        ConsentStatement("phone", "granted", NOON, "shop"),
    ]
    consents = golden_document([record()], said, Policy())["consents"]
    assert {purpose: c["state"] for purpose, c in consents.items()} == {"email": "granted", "phone": "denied"}


def test_an_attribute_is_a_value_like_any_other() -> None:
    document = golden_document([record(attributes='{"tier": "gold"}')], [], Policy())
    assert document["values"]["attributes.tier"]["value"] == "gold"


def test_a_customer_without_a_name_is_called_by_a_contact_point() -> None:
    assert display_name(golden_document([record(emails=["a@example.com"])], [], Policy())) == "a@example.com"


def test_the_document_meets_its_schema() -> None:
    document = golden_document([record(given_name="Ann", emails=["a@example.com"], addresses=[{"city": "Bonn"}])], [], Policy())
    check(document | {"stats": {"interactions": 0}}, "profile", "the document")


values = st.fixed_dictionaries(
    {},
    optional={
        "given_name": st.sampled_from(["Ann", "Anna", "ann"]),
        "family_name": st.sampled_from(["Lee", "Ray"]),
        "emails": st.lists(st.sampled_from(["a@example.com", "b@example.com"]), unique=True),
        "updated_at": st.sampled_from(["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]),
    },
)


@given(st.lists(st.tuples(st.sampled_from(["crm", "shop"]), values), min_size=1, max_size=5), st.randoms())
def test_the_order_of_records_does_not_matter(said: list[tuple[str, dict[str, Any]]], random: Any) -> None:
    records = [record(source, str(number), **canonical) for number, (source, canonical) in enumerate(said)]
    shuffled = list(records)
    random.shuffle(shuffled)
    assert golden_document(shuffled, [], Policy.load()) == golden_document(records, [], Policy.load())


def test_a_policy_with_an_unknown_rule_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("default: [newest]\n")
    with pytest.raises(DocumentError, match=r"policy\.yaml at default\[0\]: 'newest'"):
        Policy.load(str(path))


def test_a_name_whose_parts_are_known_is_not_shown_as_it_was_written() -> None:
    parts = record(full_name="Lee, Ann", given_name="Ann", family_name="Lee")
    assert "full_name" not in golden_document([parts], [], Policy())["values"]
    assert golden_document([record(full_name="Madonna")], [], Policy())["values"]["full_name"]["value"] == "Madonna"


def test_an_address_that_says_less_of_a_place_is_the_one_that_says_most() -> None:
    whole = {"street": "Willow Dr", "house_number": "19", "city": "Portland", "region": "OR", "postal_code": "97271", "country": "US"}
    less = {"street": "WILLOW DR", "house_number": "19", "city": "Portland", "postal_code": "97271"}
    other = {"street": "Willow Dr", "house_number": "21", "city": "Portland"}
    town = {"city": "Portland"}
    document = golden_document([record(addresses=[less]), record(addresses=[whole, other, town])], [], Policy())
    found = document["contact"]["addresses"]
    assert sorted((a.get("house_number") or "", a.get("region") or "") for a in found) == [("", ""), ("19", "OR"), ("21", "")]
