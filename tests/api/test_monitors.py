from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.audience_view import figure
from api.house import house
from cdp import attributes
from cdp.access import Principal, Role
from cdp.segments import run_monitors
from tests.api.conftest import Client
from tests.api.test_segments import signed_in
from tests.company_fixtures import Company

RULE = {"condition": "everyone", "title": "Welcome", "action": {"task": "Say hello"}}


@pytest.fixture
def marketer(keyed: Client, company: Company) -> FlaskClient:
    attributes.refresh(company.engine)
    return keyed(Role.MARKETER)


def test_a_monitor_is_written_checked_fires_and_its_task_is_done(marketer: FlaskClient, company: Company, keyed: Client) -> None:
    checked = marketer.post("/v1/monitors/welcome/check", json=RULE).json
    assert checked["holds"] == checked["would_fire"] > 0
    made = marketer.put("/v1/monitors/welcome", json=RULE)
    assert made.status_code == 200, made.json
    assert (made.json["text"], made.json["fires"]) == ("everyone", "once")
    assert "welcome" in [one["name"] for one in marketer.get("/v1/monitors").json["items"]]
    run_monitors(company.engine)
    assert marketer.post("/v1/monitors/welcome/check", json=RULE).json["would_fire"] == 0
    first = marketer.get("/v1/monitors/welcome/log?limit=1").json
    assert first["items"][0]["why"] == {"text": "everyone", "holds": True, "seen": None}
    assert first["items"][0]["outcome"].startswith("task ")
    second = marketer.get(f"/v1/monitors/welcome/log?limit=1&cursor={first['next_cursor']}").json
    assert second["items"][0]["id"] < first["items"][0]["id"]
    assert keyed(Role.VIEWER).post("/v1/tasks/1/done").status_code == 403
    support = keyed(Role.STEWARD, "support")
    open_ = support.get("/v1/tasks").json["items"]
    assert len(open_) == checked["holds"]
    assert support.post(f"/v1/tasks/{open_[0]['id']}/done").status_code == 204
    assert support.post(f"/v1/tasks/{open_[0]['id']}/done").status_code == 404
    (done,) = support.get("/v1/tasks?done=true").json["items"]
    assert (done["id"], done["done_by"] is not None) == (open_[0]["id"], True)
    assert marketer.delete("/v1/monitors/welcome").status_code == 204
    assert marketer.delete("/v1/monitors/welcome").status_code == 404
    assert marketer.get("/v1/monitors/welcome/log").status_code == 404


@pytest.mark.parametrize(
    ("document", "where", "reason"),
    [
        ({"condition": "city ="}, "line 1, column 7", "a value expected"),
        ({"condition": "everyone", "fires": "hourly"}, "body", "hourly"),
        ({"condition": "everyone", "action": {"mark": {"tier": "gold"}}}, "/action/mark/tier", "attribute of kind mark"),
        ({"condition": "everyone", "action": {"task": "x", "mark": {"tier": "gold"}}}, "action", "too many"),
        ({"condition": "segment(nowhere)"}, "line 1, column 1", "nowhere"),
    ],
)
def test_a_monitor_that_cannot_work_is_refused_with_place_and_reason(marketer: FlaskClient, document: Any, where: str, reason: str) -> None:
    answer = marketer.put("/v1/monitors/bad", json=document)
    assert answer.status_code == 400
    assert where in str(answer.json)
    assert reason in str(answer.json)
    assert "bad" not in [one["name"] for one in marketer.get("/v1/monitors").json["items"]]


def test_a_call_to_an_address_takes_who_may_write_destinations(marketer: FlaskClient, keyed: Client) -> None:
    call = {"condition": "everyone", "action": {"webhook": {"url": "https://example.org/hook", "secret": "env:HOOK"}}}
    assert marketer.put("/v1/monitors/call", json=call).status_code == 403
    assert keyed(Role.ADMIN).put("/v1/monitors/call", json=call).status_code == 200
    plain = {"condition": "everyone", "action": {"webhook": {"url": "https://example.org/hook", "secret": "s3cret"}}}
    assert keyed(Role.ADMIN).put("/v1/monitors/call", json=plain).status_code == 400
    assert keyed(Role.VIEWER, "support").put("/v1/monitors/call", json=RULE).status_code == 403


def test_the_page_shows_tasks_rules_and_firings_and_saves(app: Any, company: Company, marketer: FlaskClient) -> None:
    client = signed_in(app, company)
    page = client.get("/monitors").text
    token = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": token, "name": "hello", "title": "Hello", "condition": "everyone", "fires": "each", "task": "Wave"}
    assert client.post("/monitors", data=form | {"condition": "city ="}).status_code == 400
    assert client.post("/monitors", data=form).status_code == 303
    run_monitors(company.engine)
    page = client.get("/monitors").text
    assert "Wave" in page
    assert "task: Wave" in page
    assert "<code>everyone</code>" in page
    number = page.split("/tasks/")[1].split("/done")[0]
    assert client.post(f"/tasks/{number}/done", data={"csrf": token}).status_code == 303
    assert f"/tasks/{number}/done" not in client.get("/monitors").text


# --- what somebody may not see is not told by counts either


def test_who_may_not_see_persons_is_told_no_small_count(keyed: Client, marketer: FlaskClient, company: Company) -> None:
    engineer = keyed(Role.ENGINEER)
    told = marketer.post("/v1/segments/preview", json={"condition": "everyone"}).json
    assert told["sample"]
    one = {"condition": f'display_name = "{told["sample"][0]["display_name"]}"'}
    assert marketer.post("/v1/segments/preview", json=one).json["count"] in (1, 2, 3, 4)
    small = {"condition": "random(0, 100) and record_count >= 1 and not consent(nothing)"}
    hidden = engineer.post("/v1/segments/preview", json=small).json
    few = engineer.post("/v1/segments/preview", json={"condition": "record_count > 2"}).json
    whole = marketer.post("/v1/segments/preview", json={"condition": "record_count > 2"}).json
    assert hidden["sample"] == few["sample"] == []
    assert 0 < whole["count"] < 5, "the small company has few of these"
    assert few["count"] == "<5"
    assert all(count == 0 or isinstance(count, str) or count >= 5 for count in few["by_source"].values())
    assert marketer.put("/v1/segments/few", json={"condition": "record_count > 2"}).status_code == 200
    assert engineer.get("/v1/segments/few/members").status_code == 403
    planned = engineer.post("/v1/segments/few/plan", json={"condition": "record_count > 2"}).json
    assert (planned["then"], planned["enter_sample"]) == ("<5", [])


def test_a_count_of_all_but_a_few_names_the_few(app: Any, company: Company) -> None:
    with app.app_context():
        seen = [
            [figure(house().policy.view(Principal(1, "x", role)), count, 100) for count in (0, 4, 5, 95, 96, 100)]
            for role in (Role.ENGINEER, Role.MARKETER)
        ]
    assert seen == [[0, "<5", 5, 95, ">95", 100], [0, 4, 5, 95, 96, 100]]


def test_a_hidden_field_of_events_is_neither_asked_for_nor_computed_with(keyed: Client, marketer: FlaskClient) -> None:
    branches = keyed(Role.VIEWER, "branches")
    for condition in (
        "orders.sum(amount) > 1",
        "did orders[value > 1]",
        "monetary > 1",
        "sequence(orders[amount > 1] then orders)",
        "rfm_score > 1",
    ):
        assert marketer.post("/v1/segments/preview", json={"condition": condition}).status_code == 200
        assert branches.post("/v1/segments/preview", json={"condition": condition}).status_code == 403, condition
    assert branches.post("/v1/segments/preview", json={"condition": "orders.count > 1"}).status_code == 200
    somebody = marketer.post("/v1/segments/preview", json={"condition": "orders.count >= 1 or everyone"}).json["sample"][0]["id"]
    seen = branches.get(f"/v1/profiles/{somebody}/attributes").json["values"]
    assert "monetary" not in seen
    assert "frequency" in seen
