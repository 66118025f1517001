"""Destinations over the API and on the page: preflight, sending, the answers; and figures for Prometheus."""

from __future__ import annotations

import csv
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient
from referencing import Registry, Resource
from sqlalchemy import text

import schemas
from api import sending
from cdp import segments
from cdp.access import Role
from cdp.activation import deliver
from tests.api.conftest import Client
from tests.api.test_segments import signed_in
from tests.company_fixtures import Company
from tests.small_company import ANNA


@pytest.fixture
def folder(company: Company, tmp_path: Path) -> Iterator[Path]:
    with company.engine.begin() as connection:
        segments.save(connection, "everybody", "everyone", "test")
        segments.save(connection, "nobody", "not everyone", "test")
    segments.refresh(company.engine, names=["everybody", "nobody"])
    yield tmp_path / "out"
    with company.engine.begin() as connection:
        for table in ("export_ledger", "audience_member", "delivery", "destination"):
            connection.execute(text(f"delete from {table}"))


def document(folder: Path, **more: Any) -> dict[str, Any]:
    base = {"name": "mart", "segment": "everybody", "legal_basis": "contract: our own mart", "format": "fields"}
    return {**base, "options": {"fields": ["email_1"], "required": ["email_1"]}, "to": {"files": {"path": str(folder)}}, **more}


def meets(said: Any, name: str) -> None:
    resources = [(f"{file}.schema.json", Resource.from_contents(schemas.load(file))) for file in ("destination_api",)]
    schema = schemas.load("destination_api")["$defs"][name] | {"$defs": schemas.load("destination_api")["$defs"]}
    jsonschema.Draft202012Validator(schema, registry=Registry().with_resources(resources)).validate(said)


def test_an_engineer_defines_and_a_marketer_looks_and_sends(keyed: Client, folder: Path) -> None:
    engineer, marketer = keyed(Role.ENGINEER), keyed(Role.MARKETER)
    made = engineer.put("/v1/destinations/mart", json=document(folder))
    assert made.status_code == 200, made.json
    meets(made.json, "destination")
    assert marketer.put("/v1/destinations/mart", json=document(folder)).status_code == 403
    looked = marketer.post("/v1/destinations/mart/preflight").json
    meets(looked, "report")
    assert looked["added"] == 2
    assert marketer.post("/v1/destinations/mart/preflight?segment=nobody").json["added"] == 0
    assert not folder.exists()
    assert engineer.post("/v1/destinations/mart/send").status_code == 403
    sent = marketer.post("/v1/destinations/mart/send")
    assert sent.status_code == 200
    meets(sent.json, "sent")
    assert sent.json["report"]["added"] == 2
    shown = marketer.get("/v1/destinations").json["items"][0]
    assert (shown["people"], shown["last_delivery"]["status"]) == (2, "done")
    delivery = shown["last_delivery"]["id"]
    rows = marketer.get(f"/v1/destinations/mart/deliveries/{delivery}/rows?limit=1").json
    meets(rows, "row_page")
    assert rows["items"][0]["answer"] == "accepted"
    following = marketer.get(f"/v1/destinations/mart/deliveries/{delivery}/rows?limit=1&cursor={rows['next_cursor']}").json
    assert following["items"][0]["id"] > rows["items"][0]["id"]
    assert marketer.get(f"/v1/destinations/mart/deliveries/{delivery + 99}/rows").status_code == 404
    shared = marketer.get(f"/v1/profiles/{ANNA}/shared").json
    meets(shared, "shared_list")
    assert shared["items"][0]["fields"] == ["profile_id", "email_1"]
    assert engineer.delete("/v1/destinations/mart").status_code == 204
    assert marketer.post("/v1/destinations/mart/send").status_code == 400


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"segment": "nowhere"}, "no segment"),
        ({"schedule": "61 * * * *"}, "schedule"),
        ({"to": {"moon": {}}}, "moon"),
        ({"name": "x"}, "must be"),
    ],
)
def test_a_wrong_definition_is_refused(keyed: Client, folder: Path, change: dict[str, Any], said: str) -> None:
    answer = keyed(Role.ENGINEER).put("/v1/destinations/mart", json=document(folder, **change))
    assert answer.status_code == 400
    assert said in json.dumps(answer.json)


def test_unknown_destinations_are_not_found(keyed: Client) -> None:
    marketer = keyed(Role.MARKETER)
    for method, path in (("get", ""), ("post", "/preflight"), ("post", "/send"), ("get", "/deliveries/1/rows")):
        assert getattr(marketer, method)(f"/v1/destinations/nowhere{path}").status_code == 404


def test_a_delivery_that_takes_long_goes_on_beside_the_request(keyed: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engineer, marketer = keyed(Role.ENGINEER), keyed(Role.MARKETER)
    engineer.put("/v1/destinations/mart", json=document(folder))
    gate = threading.Event()
    real = deliver._begin
    monkeypatch.setattr(deliver, "_begin", lambda *given: gate.wait(120) and real(*given))
    monkeypatch.setattr(sending, "PATIENCE", 0.5)
    monkeypatch.setattr(sending.start, "__defaults__", (0.5,))
    assert marketer.post("/v1/destinations/mart/send").status_code == 202
    assert marketer.post("/v1/destinations/mart/send").status_code == 409
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "send-mart":
            thread.join(120)
    assert marketer.get("/v1/destinations/mart").json["last_delivery"]["status"] == "done"


def test_the_page_leads_from_a_segment_to_the_answers(app: Flask, company: Company, keyed: Client, folder: Path) -> None:
    keyed(Role.ENGINEER).put("/v1/destinations/mart", json=document(folder, segment="nobody"))
    page = signed_in(app, company)
    assert "/segments/everybody/send" in page.get("/segments/everybody").text
    assert 'href="/destinations/mart?segment=everybody"' in page.get("/segments/everybody/send").text
    one = page.get("/destinations/mart?segment=everybody").text
    assert "Sending makes it carry <strong>everybody</strong> instead" in one
    looked = page.get("/destinations/mart/preflight?segment=everybody", headers={"X-Fragment": "1"}).text
    assert re.search(r"Would be added</dt><dd>2<", looked)
    token = re.search(r'name="csrf" value="([^"]+)"', one)
    assert token
    sent = page.post("/destinations/mart/send", data={"csrf": token[1], "segment": "everybody"})
    assert sent.status_code == 303
    after = page.get(sent.headers["Location"]).text
    assert "Rows and their answers" in after
    assert "accepted" in after
    assert "nothing would be sent" in page.get("/destinations/mart/preflight").text
    (path,) = folder.glob("*-full.csv")
    assert len(list(csv.reader(path.open()))) == 3
    history = page.get(f"/profiles/{ANNA}/history").text
    assert re.search(r"data was shared.*Added.*mart.*accepted.*profile_id, email_1", history, re.DOTALL)


def test_who_would_come_and_leave_is_shown_as_a_condition_is_written(app: Flask, company: Company, folder: Path) -> None:
    page = signed_in(app, company)
    narrowed = page.get("/segments/preview", query_string={"segment": "everybody", "condition": "not everyone"}).text
    assert re.search(r"If saved</dt><dd>\+0 .*−2 ", narrowed)
    widened = page.get("/segments/preview", query_string={"segment": "nobody", "condition": "everyone"}).text
    assert re.search(r"If saved</dt><dd>\+2 .*−0 ", widened)
    assert "If saved" not in page.get("/segments/preview", query_string={"condition": "everyone"}).text


def test_a_viewer_sees_no_destination(keyed: Client) -> None:
    assert keyed(Role.VIEWER).get("/v1/destinations").status_code == 403


def test_figures_for_prometheus(keyed: Client, folder: Path) -> None:
    keyed(Role.ENGINEER).put("/v1/destinations/mart", json=document(folder))
    keyed(Role.MARKETER).post("/v1/destinations/mart/send")
    answer = keyed(Role.VIEWER).get("/metrics")
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    found = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert float(found["cdp_profiles"]) == 2
    assert float(found['cdp_quarantine_rows{source="shop",stream="customers"}']) == 1
    assert float(found['cdp_destination_people{destination="mart",kind="files"}']) == 2
    assert float(found['cdp_destination_failing{destination="mart",kind="files"}']) == 0
    assert float(found['cdp_segment_members{segment="everybody"}']) == 2
    assert 'cdp_stream_last_success_timestamp_seconds{source="crm",stream="customers"}' in found
    status = keyed(Role.VIEWER).get("/v1/status").json
    assert status["totals"]["events_waiting"] == 0
    assert [one["name"] for one in status["destinations"]] == ["mart"]


def test_metrics_need_a_key(app: Flask) -> None:
    client: FlaskClient = app.test_client()
    assert client.get("/metrics").status_code == 401
