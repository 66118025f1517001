from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from api import audience_view
from cdp import attributes
from cdp.access import Role
from cdp.segments import Copy, build
from tests.api.conftest import Client
from tests.company_fixtures import Company


@pytest.fixture
def marketer(keyed: Client, company: Company) -> FlaskClient:
    attributes.refresh(company.engine)
    return keyed(Role.MARKETER)


def test_a_segment_is_written_previewed_planned_and_explained(marketer: FlaskClient) -> None:
    written = {"condition": "display_name exists and not consent(email) = denied", "title": "Reachable"}
    made = marketer.put("/v1/segments/reachable", json=written)
    assert made.status_code == 200, made.json
    assert made.json["text"] == written["condition"]
    assert marketer.put("/v1/segments/reachable", json={"condition": made.json["condition"]}).json["version"] == made.json["version"]
    counted = marketer.post("/v1/segments/preview", json={"condition": "segment(reachable) or everyone"}).json
    assert counted["count"] == counted["total"] > 0
    planned = marketer.post("/v1/segments/reachable/plan", json={"condition": "everyone"}).json
    assert planned["enter"] == planned["then"] == counted["total"]
    why = marketer.get(f"/v1/segments/reachable/explain/{counted['sample'][0]['id']}").json
    assert [part["text"] for part in why["parts"]] == ["display_name exists", "not consent(email) = denied"]
    assert "reachable" in [one["name"] for one in marketer.get("/v1/segments").json["items"]]
    assert marketer.get("/v1/segments/reachable/members").json == {"items": [], "next_cursor": None}
    assert marketer.delete("/v1/segments/reachable").status_code == 204
    assert marketer.get("/v1/segments/reachable").status_code == 404


@pytest.mark.parametrize(
    ("condition", "place"),
    [("city = ", "line 1, column 8"), ({"field": "city", "operator": "resembles"}, "/operator"), ("nothing > 1", "line 1, column 1")],
)
def test_a_wrong_condition_is_refused_at_its_place(marketer: FlaskClient, condition: Any, place: str) -> None:
    for call in (
        marketer.post("/v1/segments/preview", json={"condition": condition}),
        marketer.put("/v1/segments/x", json={"condition": condition}),
    ):
        assert call.status_code == 400
        assert call.json["errors"][0]["path" if "path" in call.json["errors"][0] else "place"] == place


def test_a_viewer_reads_but_does_not_write(keyed: Client) -> None:
    viewer = keyed(Role.VIEWER, "support")
    assert viewer.get("/v1/segments").status_code == 200
    assert viewer.put("/v1/segments/x", json={"condition": "everyone"}).status_code == 403


def test_attributes_are_declared_and_read(marketer: FlaskClient) -> None:
    body = {"name": "calls_made", "kind": "count", "of": "call"}
    assert marketer.put("/v1/attributes/calls_made", json=body).json == {"name": "calls_made", "change": "new", "version": 1}
    assert "calls_made" in [one["name"] for one in marketer.get("/v1/attributes").json["items"]]
    wrong = marketer.put("/v1/attributes/ratio", json={"name": "ratio", "kind": "expression", "expression": "calls_made / 0"})
    assert wrong.status_code == 400
    assert "divides by zero" in str(wrong.json)
    sql = {"name": "raw", "kind": "sql", "type": "number", "query": "select profile_id, 1 as value from person"}
    assert marketer.put("/v1/attributes/raw", json=sql).status_code == 403
    somebody = marketer.post("/v1/segments/preview", json={"condition": "everyone"}).json["sample"][0]["id"]
    assert marketer.get(f"/v1/profiles/{somebody}/attributes").json["profile_id"] == somebody


def test_the_editor_counts_and_saves_without_scripts(app: Any, company: Company, marketer: FlaskClient) -> None:
    client = signed_in(app, company)
    page = client.get("/segments/new?condition=everyone").text
    assert "of " in page
    assert "Some of them" in page
    problem = client.get("/segments/preview?condition=city+%3D").text
    assert 'data-place="line 1, column 7"' in problem
    token = page.split('name="csrf" value="')[1].split('"')[0]
    answer = client.post("/segments", data={"csrf": token, "name": "all_of_us", "title": "All", "condition": "everyone"})
    assert answer.status_code == 303
    saved = client.get(answer.headers["Location"]).text
    assert "Who came and who left" in saved
    assert '<span class="tag good">came</span>' in saved
    assert "All" in client.get("/segments").text
    wrong = client.post("/segments", data={"csrf": token, "name": "bad", "condition": "city ="})
    assert wrong.status_code == 400
    assert "a value expected" in wrong.text


def test_a_new_segment_takes_its_name_from_its_title_and_never_anothers_place(app: Any, company: Company) -> None:
    client = signed_in(app, company)
    token = client.get("/segments/new").text.split('name="csrf" value="')[1].split('"')[0]
    new = {"csrf": token, "new": "1", "title": "Käufer in Köln (2)", "condition": "everyone"}
    assert client.post("/segments", data=new).headers["Location"].endswith("/segments/kaufer_in_koln_2")
    again = client.post("/segments", data=new | {"condition": "not everyone"})
    assert (again.status_code, "there is a segment kaufer_in_koln_2 already" in again.text) == (400, True)
    assert client.post("/segments", data=new | {"title": "!"}).status_code == 400


def test_where_nobody_meets_a_condition_its_parts_are_counted(
    app: Any, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(app, company)
    build(company.engine, tmp_path)
    monkeypatch.setattr(audience_view, "copy", lambda: Copy(tmp_path))
    shown = client.get("/segments/preview?condition=everyone and city = Nowhere").text
    assert "Nobody meets this condition as a whole" in shown
    assert "city = Nowhere" in shown
    assert "Nobody meets this condition." in client.get("/segments/preview?condition=city = Nowhere").text


@pytest.mark.parametrize("member", [{"title": "a\0"}, {"title": 5}, {"description": []}, {"soon": "yes"}])
def test_a_member_of_the_wrong_kind_is_refused(marketer: FlaskClient, member: dict[str, Any]) -> None:
    (place,) = member
    answer = marketer.put("/v1/segments/wrong", json={"condition": "everyone"} | member)
    assert (answer.status_code, answer.json["errors"][0]["place"]) == (400, place)


def test_no_sign_that_the_database_cannot_hold_gets_into_an_attribute_or_a_monitor(marketer: FlaskClient) -> None:
    attribute = {"name": "odd", "kind": "count", "title": "a\0"}
    assert marketer.put("/v1/attributes/odd", json=attribute).status_code == 400
    for member in ({"title": "a\0"}, {"action": {"task": "a\0"}}):
        assert marketer.put("/v1/monitors/odd", json={"condition": "everyone"} | member).status_code == 400


def signed_in(app: Any, company: Company) -> FlaskClient:
    name = company.user(Role.MARKETER, None, "a long enough secret")
    client: FlaskClient = app.test_client()
    page = client.get("/sign-in").text
    token = page.split('name="csrf" value="')[1].split('"')[0]
    assert client.post("/sign-in", data={"csrf": token, "name": name, "password": "a long enough secret"}).status_code in (302, 303)
    return client


def test_entries_exits_and_past_members_are_told(marketer: FlaskClient, company: Company) -> None:
    assert marketer.put("/v1/segments/known", json={"condition": "display_name exists", "soon": False}).json["soon"] is False
    report = marketer.post("/v1/segments/refresh").json
    (one,) = [found for found in report["segments"] if found["name"] == "known"]
    assert one["entered"] == one["members"] > 1
    listed = marketer.get("/v1/segments/known/members?limit=200").json["items"]
    moved = marketer.get("/v1/segments/known/changes?limit=1").json
    assert (moved["items"][0]["change"], moved["items"][0]["cause"]) == ("entered", "condition")
    older = marketer.get(f"/v1/segments/known/changes?limit=200&cursor={moved['next_cursor']}").json["items"]
    assert len(older) == len(listed) - 1
    past = marketer.get("/v1/segments/known/members?as_of=2020-01-01").json["items"]
    assert past == []
    assert marketer.get(f"/v1/segments/known/members?limit=200&as_of={report['as_of']}").json["items"] == listed
    assert marketer.get("/v1/segments/known/members?as_of=soon").status_code == 400
    marketer.put("/v1/segments/known", json={"condition": "not display_name exists"})
    marketer.post("/v1/segments/refresh")
    assert marketer.get("/v1/segments/known/members").json["items"] == []
    assert marketer.get(f"/v1/segments/known/members?limit=200&as_of={report['as_of']}").json["items"] == listed
    somebody = listed[0]["id"]
    assert "known" in marketer.get(f"/v1/profiles/{somebody}/attributes?as_of={report['as_of']}").json["segments"]
    assert "known" not in marketer.get(f"/v1/profiles/{somebody}/attributes").json["segments"]


def test_an_attribute_is_planned_explained_and_computed_for_a_past_day(marketer: FlaskClient, company: Company) -> None:
    body = {"name": "everything", "kind": "count", "of": "*"}
    planned = marketer.post("/v1/attributes/everything/plan", json=body).json
    assert planned["people"] == planned["with_value"] == planned["differing"] > 0
    assert planned["least"] <= planned["middle"] <= planned["most"] > 0
    assert "everything" not in [one["name"] for one in marketer.get("/v1/attributes").json["items"]]
    with company.engine.connect() as connection:
        row = connection.execute(text("select profile_id, min(at) as first from interaction group by 1 having count(*) > 1 limit 1")).one()
    why = marketer.get(f"/v1/profiles/{row.profile_id}/attributes/orders_total").json
    assert why["definition"]["kind"] == "count"
    assert why["inputs"] == why["value"]
    assert marketer.get(f"/v1/profiles/{row.profile_id}/attributes/nothing").status_code == 404
    before = marketer.get(f"/v1/profiles/{row.profile_id}/attributes?as_of=1999-01-01").json["values"]
    now = marketer.get(f"/v1/profiles/{row.profile_id}/attributes").json["values"]
    assert "first_event_at" in now
    assert "first_event_at" not in before
    assert marketer.get(f"/v1/profiles/{row.profile_id}/attributes").json["values"] == now
