"""A steward settles doubtful matches over REST and on the page; others may look or may not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api import create_app
from cdp import segments
from cdp.access import Role, add_user, create_key
from cdp.profiles import refresh as refresh_profiles
from cdp.profiles import resolve_profiles
from cdp.settings import Settings
from tests.api.conftest import Client
from tests.api.test_pages import HTML, PASSWORD, sign_in, token
from tests.company_fixtures import Company
from tests.ingest.world import sync_all
from tests.profiles.test_resolve import company as people
from tests.small_company import ANNA, BORIS

PAIR = {"a": "crm:C-7", "b": "crm/customers:C-8"}


@pytest.fixture
def doubt(company: Company) -> Iterator[None]:
    """Anna's and Boris's records in the CRM are a doubtful pair; what was decided is gone afterwards."""
    with company.engine.begin() as connection:
        connection.execute(
            text(
                """insert into link (record_a, record_b, evidence, probability, pattern)
                   select min(id), max(id), 0.2, 0.55, '{"family_name": "common", "given_name": "differ"}'
                   from record where source_key in ('C-7', 'C-8')"""
            )
        )
    yield
    with company.engine.begin() as connection:
        connection.execute(text("delete from decision"))
        connection.execute(text("delete from link where probability = 0.55"))


@pytest.mark.usefixtures("doubt")
def test_a_doubt_is_shown_decided_and_taken_back(steward: FlaskClient) -> None:
    (found,) = steward.get("/v1/doubts").json["items"]
    assert (found["together"], found["profiles"]) == (False, [str(ANNA), str(BORIS)])
    assert {found["a"]["source_key"], found["b"]["source_key"]} == {"C-7", "C-8"}
    made = steward.post("/v1/decisions", json=PAIR | {"judgement": "different", "note": "brothers"})
    assert made.status_code == 201
    assert steward.get("/v1/doubts").json == {"items": [], "total": 0, "waiting": 1}
    (decided,) = steward.get("/v1/decisions").json["items"]
    assert (decided["judgement"], decided["note"], decided["a"], decided["b"], decided["applied"]) == (
        "different",
        "brothers",
        "crm:C-7",
        "crm:C-8",
        False,
    )
    assert steward.delete(f"/v1/decisions/{made.json['id']}").status_code == 204
    assert steward.delete(f"/v1/decisions/{made.json['id']}").status_code == 404
    assert steward.get("/v1/doubts").json["total"] == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (PAIR | {"judgement": "perhaps"}, "judgement"),
        ({"judgement": "same", "a": "crm:C-7"}, "b"),
        (PAIR | {"judgement": "same", "b": "crm:nobody"}, "no stored record"),
        (PAIR | {"judgement": "same", "b": "crm:C-7"}, "about two"),
    ],
)
def test_a_bad_decision_is_refused_with_its_reason(steward: FlaskClient, body: dict[str, str], why: str) -> None:
    answer = steward.post("/v1/decisions", json=body)
    assert answer.status_code == 400
    assert why in answer.text


def test_who_may_not_decide_is_told(keyed: Client) -> None:
    assert keyed(Role.ENGINEER).get("/v1/doubts").status_code == 200
    assert keyed(Role.ENGINEER).post("/v1/decisions", json=PAIR | {"judgement": "same"}).status_code == 403
    assert keyed(Role.VIEWER).get("/v1/doubts").status_code == 403
    assert keyed(Role.MARKETER).post("/v1/resolutions").status_code == 403


@pytest.mark.usefixtures("doubt")
def test_the_page_decides_and_takes_back(app: Flask, company: Company) -> None:
    client = app.test_client()
    assert sign_in(client, company.user(Role.STEWARD, password=PASSWORD)) == 303
    shown = client.get("/matches", headers=HTML).text
    assert "Two customers now" in shown
    data = {"csrf": token(shown), "a": "crm/customers:C-7", "b": "crm/customers:C-8", "judgement": "different", "note": "brothers"}
    assert client.post("/matches", data=data).status_code == 303
    shown = client.get("/matches", headers=HTML).text
    assert "Nothing to settle" in shown
    assert "different people" in shown
    assert "brothers" in client.get(f"/profiles/{ANNA}/records", headers=HTML).text
    (number,) = [one["id"] for one in _decisions(client)]
    assert client.post(f"/matches/{number}/revoke", data={"csrf": token(shown)}).status_code == 303
    assert "Two customers now" in client.get("/matches", headers=HTML).text


def test_a_resolution_is_started_and_heeds_what_was_decided(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    people(engine, tmp_path, people=20)
    sync_all(engine, settings)
    resolve_profiles(engine, settings)
    with engine.begin() as connection:
        add_user(connection, "steward", Role.STEWARD)
        key = create_key(connection, "steward", "test")
        segments.save(connection, "of_two_departments", "source_count >= 2", "test")
    refresh_profiles(engine, settings)
    segments.refresh_all(engine)
    client = create_app(settings, engine).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    before = client.get("/v1/segments/of_two_departments").json["members"]
    assert client.post("/v1/decisions", json={"judgement": "different", "a": "crm:5", "b": "shop:s5"}).status_code == 201
    assert client.post("/v1/resolutions").json == {"state": "started"}
    until = time.monotonic() + 120
    found: list[Any] = []
    while len(set(found)) < 2 and time.monotonic() < until:  # profiles are written after the decisions count as applied
        time.sleep(0.2)
        pages = [client.get(f"/v1/profiles?source={source}&key={key}").json["items"] for source, key in (("crm", "5"), ("shop", "s5"))]
        found = [item["id"] for items in pages for item in items]
    assert client.get("/v1/doubts").json["waiting"] == 0
    assert len(set(found)) == 2
    while client.get("/v1/segments/of_two_departments").json["members"] != before - 1 and time.monotonic() < until:
        time.sleep(0.2)
    assert client.get("/v1/segments/of_two_departments").json["members"] == before - 1


def _decisions(client: FlaskClient) -> list[dict[str, int]]:
    found: list[dict[str, int]] = client.get("/v1/decisions").json["items"]
    return found
