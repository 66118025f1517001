"""OWASP API 3: what a department and role may not see is in no answer, under no search, in no filter, count or error of any route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api import create_app
from cdp.access import Role
from tests.company_fixtures import Company
from tests.small_company import ANNA, BORIS

Make = Callable[[str], FlaskClient]
EVERYWHERE = [
    "/v1/profiles?q=berg",
    "/v1/profiles?source=shop",
    f"/v1/profiles/{ANNA}",
    f"/v1/profiles/{BORIS}",
    f"/v1/profiles/{ANNA}/records",
    f"/v1/profiles/{ANNA}/timeline?limit=200",
    f"/v1/profiles/{ANNA}/history",
]
SECRETS = {
    "name": ["Anna", "Koch", "Boris"],
    "birth": ["1984-03-09", "1984-09-03"],
    "emails": ["anna.berg@mail.example", "boris@mail.example"],
    "phones": ["+493012345678"],
    "addresses": ["Lindenweg", "10999"],
    "identifiers.*": ["DE4711"],
    "attributes.*": ["gold"],
    "interaction.text": ["long scratch"],
    "interaction.subject": ["arrived scratched"],
    "interaction.amount": ["120.00", "3600"],
    "interaction.items": ["Walnut"],
    "interaction.staff": ["m.ito"],
}


@pytest.fixture
def under(company: Company, tmp_path: Path) -> Make:
    """A client of the department support under a policy that has these rules for it."""

    def make(rules: str) -> FlaskClient:
        file = tmp_path / "policy.yaml"
        file.write_text(f"version: 1\ndefaults: {{'*': visible}}\ndepartments: {{support: {{{rules}}}}}\n")
        client = create_app(replace(company.settings, access_policy=str(file)), company.engine).test_client()
        client.environ_base["HTTP_X_API_KEY"] = company.key(Role.VIEWER, "support")
        return client

    return make


def everything(client: FlaskClient) -> str:
    answers = [client.get(url) for url in EVERYWHERE]
    assert {answer.status_code for answer in answers} == {200}
    return "".join(answer.text for answer in answers)


def test_all_is_shown_where_nothing_is_forbidden(under: Make) -> None:
    text = everything(under(""))
    assert [secret for secrets in SECRETS.values() for secret in secrets if secret not in text] == []


@pytest.mark.parametrize("how", ["hidden", "masked"])
@pytest.mark.parametrize("field", SECRETS)
def test_no_route_shows_it(under: Make, field: str, how: str) -> None:
    text = everything(under(f"'{field}': {how}, raw: hidden" if field.startswith("interaction") else f"'{field}': {how}"))
    assert [secret for secret in SECRETS[field] if secret in text] == []


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("emails", "email=anna.berg@mail.example"),
        ("emails", "q=anna.berg@mail.example"),
        ("emails", "key=anna.berg@mail.example"),
        ("phones", "phone=%2B493012345678"),
        ("phones", "q=%2B4930"),
        ("phones", "q=030 12345678"),
    ],
)
def test_hidden_field_cannot_be_searched(under: Make, field: str, query: str) -> None:
    answer = under(f"{field}: hidden").get(f"/v1/profiles?{query}")
    assert (answer.status_code, answer.json["title"]) == (403, "Forbidden")
    assert "mail.example" not in answer.text


@pytest.mark.parametrize(
    ("rules", "query"),
    [("name: hidden", "q=berg"), ("name: masked", "q=berg"), ("addresses: hidden", "q=berlin"), ("'identifiers.*': hidden", "q=DE4711")],
)
def test_search_finds_nothing_through_what_is_not_seen(under: Make, rules: str, query: str) -> None:
    answer = under(rules).get(f"/v1/profiles?{query}")
    assert (answer.json["items"], answer.json["total"]) == ([], None)


def test_masked_contact_point_is_found_whole_and_only_whole(under: Make) -> None:
    client = under("emails: masked")
    found = client.get("/v1/profiles?email=anna.berg@mail.example").json["items"]
    assert [item["emails"] for item in found] == [["a•••@mail.example"]]
    assert client.get("/v1/profiles?q=anna.berg@").json["items"] == []


def test_masked_number_is_found_as_it_is_said_and_only_whole(under: Make) -> None:
    client = under("phones: masked")
    (found,) = client.get("/v1/profiles?q=030 12345678").json["items"]
    assert "12345678" not in str(found)
    assert client.get("/v1/profiles?q=030 12345").json["items"] == []


def test_cursor_tells_no_name(under: Make) -> None:
    import base64

    cursor = under("name: hidden").get("/v1/profiles?source=crm&limit=1").json["next_cursor"]
    assert b"Berg" not in base64.urlsafe_b64decode(cursor + "==")


def test_engineer_of_the_shipped_policy_sees_no_person(company: Company) -> None:
    client = create_app(company.settings, company.engine).test_client()
    client.environ_base["HTTP_X_API_KEY"] = company.key(Role.ENGINEER)
    text = "".join(client.get(url).text for url in EVERYWHERE)
    secrets = [secret for field in ("name", "emails", "phones", "addresses", "birth", "interaction.text") for secret in SECRETS[field]]
    assert [secret for secret in secrets if secret in text] == []
