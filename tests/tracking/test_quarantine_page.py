"""What was refused is corrected on the page and through the API, by who may see it."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from api import create_app
from cdp import access
from cdp.ingest.events import plans
from tests.tracking.conftest import World

PASSWORD = "a long enough one"
PLAN = {"on_violation": "hold", "track": {"Bought": {"required": ["total"], "properties": {"total": {"type": "number"}}}}}
HTML = {"Accept": "text/html"}


@pytest.fixture
def held(world: World) -> World:
    """Two events of the shop that the plan holds, one of them number 1."""
    with world.engine.begin() as connection:
        plans.store(connection, "web", PLAN)
    for number in range(2):
        world.send("track", userId="u", event="Bought", messageId=f"m{number}", properties={"total": "9 <b>"})
    world.process()
    return world


def signed_in(world: World, role: access.Role, *departments: str) -> FlaskClient:
    with world.engine.begin() as connection:
        access.add_user(connection, "sam", role, departments=departments or None, password=PASSWORD)
    client = create_app(world.settings, world.engine).test_client()
    client.get("/sign-in")
    assert client.post("/sign-in", data={"name": "sam", "password": PASSWORD, "csrf": token(client)}).status_code == 303
    return client


def token(client: FlaskClient, path: str = "/sign-in") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path, headers=HTML).text)
    assert found, path
    return found[1]


def numbers(world: World) -> list[int]:
    return [row.id for row in world.rows("select id from quarantine order by id")]


def test_an_event_is_corrected_on_the_page(held: World) -> None:
    client, (first, second) = signed_in(held, access.Role.STEWARD, "shop"), numbers(held)
    listed = client.get("/quarantine", headers=HTML).text
    assert f"/quarantine/{first}" in listed
    assert "m0" in listed
    assert "held" in listed, "the violations, counted, with samples"
    shown = client.get(f"/quarantine/{first}", headers=HTML).text
    assert "9 &lt;b&gt;" in shown
    again = {"csrf": token(client, f"/quarantine/{first}")}
    wrong = client.post(f"/quarantine/{first}/replay", data={**again, "content": '{"type": "track"'})
    assert (wrong.status_code, "not JSON" in wrong.text) == (400, True)
    as_it_is = client.post(f"/quarantine/{first}/replay", data=again)
    assert (as_it_is.status_code, "is not of type number" in as_it_is.text) == (400, True)
    mended = '{"type": "track", "event": "Bought", "userId": "u", "properties": {"total": 9}}'
    assert client.post(f"/quarantine/{first}/replay", data={**again, "content": mended}).status_code == 303
    assert client.post(f"/quarantine/{second}/discard", data=again).status_code == 303
    held.process()
    assert [(held.receipt(m).status) for m in ("m0", "m1")] == ["processed", "discarded"]
    assert "the profile it is on" in client.get("/receipts?message=m0", headers=HTML).text
    assert client.post(f"/quarantine/{second}/discard", data=again).status_code == 409
    actions = [row.action for row in held.rows("select action from audit where action like 'quarantine.%' and action <> 'quarantine.read'")]
    assert actions == ["quarantine.replay"] * 2 + ["quarantine.discard"]


def test_another_department_finds_nothing(held: World) -> None:
    client = signed_in(held, access.Role.STEWARD, "support")
    assert client.get(f"/v1/quarantine/{numbers(held)[0]}").status_code == 404
    assert client.get("/receipts?message=m0", headers=HTML).text.count("No message with this id was sent") == 1


def test_who_sees_values_masked_sees_no_content_and_corrects_none(held: World) -> None:
    client, number = signed_in(held, access.Role.ENGINEER), numbers(held)[0]
    assert client.get(f"/v1/quarantine/{number}").json["content"] is None
    assert "9 &lt;b&gt;" not in client.get(f"/quarantine/{number}", headers=HTML).text
    with held.engine.begin() as connection:
        key = access.create_key(connection, "sam", "test")
    answer = client.post(f"/v1/quarantine/{number}/replay", json={"content": {}}, headers={"X-API-Key": key})
    assert answer.status_code == 403
    answer = client.post(f"/v1/quarantine/{number}/replay", json={}, headers={"X-API-Key": key})
    assert answer.json == {"landed": False, "message": "/properties/total is not of type number"}
