"""The field policy: which rule decides, what masking leaves, and that no way out leaks a hidden value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.access import (
    AccessConfigError,
    Forbidden,
    Principal,
    Role,
    View,
    Visibility,
    load_policy,
    redact_document,
    redact_interaction,
    redact_record,
    redact_summary,
)
from cdp.access.mask import mask
from cdp.access.policy import CUSTOMER_FIELDS, parse

V, M, H = Visibility


def view(
    defaults: dict[str, str] | None = None,
    departments: dict[str, dict[str, str]] | None = None,
    roles: dict[str, dict[str, str]] | None = None,
    of: frozenset[str] | None = None,
    role: Role = Role.VIEWER,
) -> View:
    document = {"version": 1, "defaults": {"*": "visible", **(defaults or {})}, "departments": departments or {}, "roles": roles or {}}
    return parse(document, "test").view(Principal(1, "p", role, of))


def hidden(*fields: str) -> View:
    return view(dict.fromkeys(fields, "hidden"))


def test_role_wins_over_department_wins_over_default() -> None:
    of_a = {"a": {"emails": "masked", "phones": "masked"}}
    seen = view({"emails": "hidden", "phones": "hidden"}, of_a, {"viewer": {"emails": "visible"}}, frozenset({"a"}))
    assert [seen.of("emails"), seen.of("phones")] == [V, M]


def test_case_of_a_department_does_not_matter() -> None:
    assert view(departments={"web SHOP": {"emails": "hidden"}}, of=frozenset({"Web shop"})).of("emails") is H


def test_exact_name_wins_over_group_wins_over_star() -> None:
    seen = view({"*": "masked", "identifiers.*": "hidden", "identifiers.loyalty": "visible"})
    assert [seen.of(f) for f in ("emails", "identifiers.tax_id", "identifiers.loyalty")] == [M, H, V]


def test_several_departments_see_what_any_of_them_sees() -> None:
    rules = {"a": {"emails": "hidden"}, "b": {"emails": "masked"}}
    assert view(departments=rules, of=frozenset({"a", "b"})).of("emails") is M
    assert view(departments=rules, of=frozenset({"a", "c"})).of("emails") is V


def test_raw_rows_need_every_customer_field() -> None:
    assert view().raw
    for field in (*CUSTOMER_FIELDS, "identifiers.tax_id", "attributes.*", "raw"):
        assert not view({field: "masked"}).raw, field


@pytest.mark.parametrize(
    "document",
    [
        {"version": 1, "defaults": {"*": "visible", "emial": "hidden"}},
        {"version": 1, "defaults": {"*": "maybe"}},
        {"version": 1, "defaults": {}},
        {"version": 1, "defaults": {"*": "visible"}, "roles": {"boss": {}}},
        [],
        None,
    ],
)
def test_policy_with_a_slip_is_refused(document: Any) -> None:
    with pytest.raises(AccessConfigError, match="is not a field policy"):
        parse(document, "policy.yaml")


def test_missing_policy_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessConfigError, match="cannot be read"):
        load_policy(tmp_path / "none.yaml")


def test_shipped_policy() -> None:
    policy = load_policy()
    support = policy.view(Principal(1, "p", Role.VIEWER, frozenset({"support"})))
    engineer = policy.view(Principal(1, "p", Role.ENGINEER, frozenset({"sales"})))
    steward = policy.view(Principal(1, "p", Role.STEWARD, frozenset({"marketing"})))
    assert (support.of("birth"), support.raw) == (V, False)
    assert (engineer.of("emails"), engineer.raw) == (M, False)
    assert (steward.of("birth"), steward.raw, steward.of("interaction.text")) == (V, True, V)


SECRETS = {
    "name": ["Annika", "Xylander"],
    "birth": ["1980-02-29"],
    "emails": ["annika@secret.example"],
    "phones": ["+49301234567"],
    "addresses": ["Geheimweg", "10999", "Kreuzdorf"],
    "identifiers.tax_id": ["TAX-4711"],
    "interaction.amount": ["99.95"],
    "interaction.text": ["please call me"],
}


def statement(value: Any, key: str = "7") -> dict[str, Any]:
    return {"value": value, "source": "shop", "stream": "customers", "source_key": key, "at": None}


DOCUMENT: dict[str, Any] = {
    "values": {
        "given_name": {**statement("Annika", "annika@secret.example"), "rule": "most_recent", "others": [statement("Annika-Maria")]},
        "full_name": {**statement("Annika Xylander"), "rule": "longest", "others": []},
        "birth_date": {**statement("1980-02-29"), "rule": "longest", "others": [statement("1980-02-29", "+49301234567")]},
    },
    "contact": {
        "emails": [{"value": "annika@secret.example", "sources": ["shop"]}],
        "phones": [{"value": "+49301234567", "sources": ["shop"]}],
        "addresses": [{"street": "Geheimweg", "postal_code": "10999", "city": "Kreuzdorf", "country": "DE", "sources": ["shop"]}],
    },
    "identifiers": [{"type": "tax_id", "value": "TAX-4711", "sources": ["shop"]}],
    "consents": {"newsletter": {"state": "granted", "at": None, "source": "shop", "basis": None}},
    "stats": {"interactions": 1, "revenue": {"EUR": "99.95"}},
}
RECORD: dict[str, Any] = {
    "source": "shop",
    "department": "e-commerce",
    "stream": "customers",
    "source_key": "annika@secret.example",
    "canonical": {
        "source_key": "annika@secret.example",
        "kind": "person",
        "full_name": "Annika Xylander",
        "birth_date": "1980-02-29",
        "former_names": ["Xylander"],
        "emails": ["annika@secret.example"],
        "phones": ["+49301234567"],
        "addresses": [{"street": "Geheimweg", "postal_code": "10999", "city": "Kreuzdorf"}],
        "identifiers": [{"type": "tax_id", "value": "TAX-4711"}],
        "attributes": '{"vip": "yes"}',
        "issues": [{"field": "birth_date", "value": "1980-02-29x", "reason": "date"}],
    },
    "raw": {"all": "Annika Xylander 1980-02-29 annika@secret.example +49301234567 Geheimweg 10999 Kreuzdorf TAX-4711"},
    "links": [
        {
            "source": "crm",
            "stream": "c",
            "source_key": "annika@secret.example",
            "evidence": 9.0,
            "probability": 0.99,
            "pattern": {"emails": 3, "birth_date": 1},
        }
    ],
}
SUMMARY = {
    "id": "x",
    "kind": "person",
    "display_name": "Annika Xylander",
    "emails": ["annika@secret.example"],
    "phones": ["+49301234567"],
    "city": "Kreuzdorf",
    "sources": ["shop"],
    "record_count": 1,
    "last_seen_at": None,
}
INTERACTION = {
    "id": 1,
    "source": "shop",
    "kind": "order",
    "channel": "web",
    "amount": "99.95",
    "currency": "EUR",
    "text": "please call me",
    "customer_key": "annika@secret.example",
    "raw": {"total": "99.95", "note": "please call me"},
    "properties": {"n": 1},
}


def everything(seen: View) -> str:
    parts = (
        redact_document(seen, DOCUMENT),
        redact_record(seen, RECORD),
        redact_summary(seen, SUMMARY),
        redact_interaction(seen, INTERACTION),
    )
    return json.dumps(parts, ensure_ascii=False)


def test_unrestricted_view_changes_nothing() -> None:
    seen = view()
    assert redact_document(seen, DOCUMENT) == DOCUMENT
    assert redact_record(seen, RECORD) == RECORD | {"canonical": RECORD["canonical"] | {"attributes": {"vip": "yes"}}}
    assert redact_summary(seen, SUMMARY) == SUMMARY
    assert redact_interaction(seen, INTERACTION) == INTERACTION


@pytest.mark.parametrize("field", SECRETS)
@pytest.mark.parametrize("how", ["hidden", "masked"])
def test_no_way_out_shows_what_is_hidden_or_masked(field: str, how: str) -> None:
    text = everything(view({field: how, "raw": "hidden"} if field.startswith("interaction") else {field: how}))
    leaked = [secret for secret in SECRETS[field] if secret in text]
    assert leaked == []


@pytest.mark.parametrize("field", SECRETS)
def test_other_fields_stay(field: str) -> None:
    text = everything(hidden(field, "raw"))
    for other, values in SECRETS.items():
        if other != field:
            assert any(value in text for value in values), other


def test_name_that_is_an_email_follows_the_emails() -> None:
    assert redact_summary(hidden("emails"), {**SUMMARY, "display_name": "a@b.example"})["display_name"] is None


def test_hidden_field_cannot_be_searched() -> None:
    with pytest.raises(Forbidden, match="do not see emails"):
        hidden("emails").require_search("emails")
    view({"emails": "masked"}).require_search("emails")


@given(st.sampled_from(["name", "emails", "phones", "birth", "identifiers.x"]), st.text(min_size=3, max_size=60))
def test_mask_never_keeps_the_value_and_stays_masked(field: str, value: str) -> None:
    masked = mask(field, value)
    assert masked != value or "•••" in value
    assert "•" in masked
