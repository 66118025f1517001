"""`/v1/profiles` over a real database: finding, reading, merged ids, pages, and what a wrong question is told."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from api import openapi
from cdp.access import Role
from tests.api.conftest import Client
from tests.company_fixtures import Company
from tests.small_company import ANNA, BORIS, OLD_ANNA


def ids(client: FlaskClient, query: str) -> list[str]:
    answer = client.get(f"/v1/profiles?{query}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


@pytest.mark.parametrize(
    "query",
    [
        "q=anna",
        "q=ann+koch",
        "q=anna.berg@",
        "email=ANNA.BERG@mail.example",
        "phone=%2B493012345678",
        "phone=030/12345678",
        "q=030+1234+5678",
        "q=%2B49 (30) 12345678",
        "source=shop&key=88",
        "source=desk",
        "key=C-7",
    ],
)
def test_anna_is_found_by(steward: FlaskClient, query: str) -> None:
    assert ids(steward, query) == [str(ANNA)]


def test_everything_given_must_match(steward: FlaskClient) -> None:
    assert set(ids(steward, "q=berg")) == {str(ANNA), str(BORIS)}
    assert ids(steward, "q=berg&source=shop") == [str(ANNA)]
    assert ids(steward, "q=boris&source=shop") == []


def test_pages_of_results_give_each_once(steward: FlaskClient) -> None:
    first = steward.get("/v1/profiles?q=berg&limit=1").json
    second = steward.get(f"/v1/profiles?q=berg&limit=1&cursor={first['next_cursor']}").json
    assert (first["total"], second["next_cursor"]) == (2, None)
    assert {first["items"][0]["id"], second["items"][0]["id"]} == {str(ANNA), str(BORIS)}


def test_profile_says_why(steward: FlaskClient) -> None:
    found = steward.get(f"/v1/profiles/{ANNA}").json
    chosen = found["document"]["values"]["family_name"]
    assert {chosen["value"], *(other["value"] for other in chosen["others"])} == {"Berg", "Berg-Koch"}
    assert chosen["rule"] in {"source_priority", "most_recent", "most_frequent", "longest"}
    assert found["document"]["stats"]["revenue"] == {"EUR": "3600.00"} or found["document"]["stats"]["revenue"]["EUR"].startswith("3600")
    assert [member["display_name"] for member in found["household"]] == ["Boris Berg"]


def test_merged_id_answers_with_the_living_profile_and_says_so(steward: FlaskClient) -> None:
    answer = steward.get(f"/v1/profiles/{OLD_ANNA}")
    assert (answer.json["id"], answer.json["redirected_from"]) == (str(ANNA), str(OLD_ANNA))
    assert answer.headers["Content-Location"] == f"/v1/profiles/{ANNA}"


def test_records_hold_raw_rows_and_evidence(steward: FlaskClient) -> None:
    items = steward.get(f"/v1/profiles/{ANNA}/records").json["items"]
    assert [(item["department"], len(item["links"])) for item in items] == [("e-commerce", 1), ("sales", 1), ("support", 2)]
    assert items[0]["raw"]["ID"] == "88"


def test_timeline_pages_to_the_end_newest_first(steward: FlaskClient) -> None:
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = steward.get(f"/v1/profiles/{ANNA}/timeline?limit=7{cursor}").json
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == 31
    assert [item["at"] for item in seen] == sorted((item["at"] for item in seen), reverse=True)
    assert len({item["id"] for item in seen}) == 31


def test_timeline_is_filtered_by_kind_and_channel(steward: FlaskClient) -> None:
    assert [i["kind"] for i in steward.get(f"/v1/profiles/{ANNA}/timeline?kind=ticket").json["items"]] == ["ticket"]
    assert len(steward.get(f"/v1/profiles/{ANNA}/timeline?kind=ticket&kind=order").json["items"]) == 31
    assert steward.get(f"/v1/profiles/{ANNA}/timeline?kind=order&channel=phone").json["items"] == []


def test_history_tells_the_merge(steward: FlaskClient) -> None:
    items = steward.get(f"/v1/profiles/{ANNA}/history").json["items"]
    assert [(item["change"], item["from_profile_id"]) for item in items] == [("merged", str(OLD_ANNA))]


@pytest.mark.parametrize("part", ["", "/records", "/timeline", "/history"])
def test_unknown_profile_is_a_404(steward: FlaskClient, part: str) -> None:
    answer = steward.get(f"/v1/profiles/{uuid4()}{part}")
    assert (answer.status_code, answer.mimetype, answer.json["status"]) == (404, "application/problem+json", 404)


@pytest.mark.parametrize(
    ("url", "place", "reason"),
    [
        ("/v1/profiles", "query", "needs at least one"),
        ("/v1/profiles?q=%20", "query", "needs at least one"),
        ("/v1/profiles?q=a&limit=0", "query.limit", "at least 1"),
        ("/v1/profiles?q=a&limit=201", "query.limit", "at most 200"),
        ("/v1/profiles?q=a&limit=ten", "query.limit", "whole number"),
        ("/v1/profiles?q=a&limit=1&limit=2", "query.limit", "more than once"),
        ("/v1/profiles?q=a&colour=red", "query.colour", "unknown"),
        ("/v1/profiles?q=" + "a" * 201, "query.q", "at most 200"),
        ("/v1/profiles?q=a%00b", "query.q", "NUL"),
        (f"/v1/profiles/{ANNA}/timeline?kind=party", "query.kind", "must be one of order"),
        (f"/v1/profiles/{ANNA}/timeline?channel=pigeon", "query.channel", "must be one of"),
        ("/v1/receipts?source=shop", "query.key", "is required"),
        ("/v1/quarantine?cursor=x", "query.cursor", "not one that this list gave"),
    ],
)
def test_wrong_question_is_told_the_place_and_the_reason(steward: FlaskClient, url: str, place: str, reason: str) -> None:
    answer = steward.get(url)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert [error["place"] for error in answer.json["errors"]] == [place]
    assert reason in answer.json["errors"][0]["reason"]


@pytest.mark.parametrize("cursor", ["x", "WzFd", "e30", "WyJhIiwiYiJd", "bnVsbA", "%F0%9F%92%A9", "W251bGwsbnVsbF0"])
@pytest.mark.parametrize("url", ["/v1/profiles?q=a", f"/v1/profiles/{ANNA}/timeline?limit=1"])
def test_foreign_cursor_is_refused(steward: FlaskClient, url: str, cursor: str) -> None:
    assert steward.get(f"{url}&cursor={cursor}").status_code == 400


def test_every_read_is_in_the_trail_without_values(steward: FlaskClient, company: Company) -> None:
    steward.get("/v1/profiles?q=anna")
    steward.get(f"/v1/profiles/{ANNA}")
    with company.engine.connect() as connection:
        rows = connection.execute(text("select action, object, detail::text as detail from audit order by id desc limit 2")).all()
    assert [(row.action, row.object) for row in rows] == [("profile.read", str(ANNA)), ("profile.search", None)]
    assert "anna" not in rows[1].detail.lower()


def test_status_sources_receipts_and_quarantine(steward: FlaskClient) -> None:
    assert steward.get("/v1/status").json["totals"]["profiles"] == 2
    sources = steward.get("/v1/sources")
    assert [item["department"] for item in sources.json["items"]] == ["e-commerce", "sales", "support"]
    assert "/secret/place" not in sources.text
    assert steward.get("/v1/receipts?source=shop&key=88").json["items"][0]["profile_id"] == str(ANNA)
    assert steward.get("/v1/receipts?source=shop&key=none").json["items"] == []
    refused = steward.get("/v1/quarantine")
    assert refused.json["items"][0]["place"] == "customers.csv row 17"
    assert "Secret Person" not in refused.text


def test_answers_are_what_the_contract_says(app: Flask, keyed: Client) -> None:
    """Each GET of the OpenAPI document is called, and its answer meets the schema that the document gives."""
    from jsonschema import Draft202012Validator

    document = openapi.document(app)
    values = {"profile_id": str(ANNA)}
    queries = {"/v1/profiles": "?q=berg", "/v1/receipts": "?source=shop&key=88"}
    admin, called = keyed(Role.ADMIN), 0
    for path, methods in document["paths"].items():
        if "get" not in methods or any(name not in values for name in openapi.names_in(path)):
            continue
        answer = admin.get(path.format(**values) + queries.get(path, ""))
        assert answer.status_code == 200, (path, answer.text)
        content = methods["get"]["responses"]["200"]["content"]
        assert [answer.mimetype] == list(content), path
        if answer.is_json:
            Draft202012Validator({**document, **content["application/json"]["schema"]}).validate(answer.json)
        called += 1
    assert called >= 9
