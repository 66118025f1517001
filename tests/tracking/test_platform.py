"""The tracking API inside the whole application: its routes, receipts and commands, and what a resolution makes of live events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

import schemas
from api import create_app
from cdp import access
from cdp.cli import program
from cdp.errors import PlatformError
from cdp.ingest.definition import SourceDefinition, register, registered
from cdp.ingest.events import plans
from cdp.profiles import get, refresh_named, resolve_profiles
from cdp.records.contracts import DocumentError
from cdp.records.model import InteractionKind
from cdp.settings import Settings
from tests.tracking.conftest import World, basic, following
from tests.tracking.test_process import PLAN, profile_of
from tests.waiting import eventually


@pytest.fixture
def whole(engine: Engine, settings: Settings) -> FlaskClient:
    return create_app(settings, engine).test_client()


def api_key(engine: Engine, name: str, *departments: str) -> dict[str, str]:
    with engine.begin() as connection:
        access.add_user(connection, name, access.Role.STEWARD, departments=departments or None)
        return {"X-API-Key": access.create_key(connection, name, "test")}


def test_the_whole_application_takes_events(world: World, whole: FlaskClient) -> None:
    big = orjson.dumps({"batch": [{"type": "track", "event": "E", "userId": "u", "properties": {"x": "y" * 900}}] * 450})
    for path in ("/v1/batch", "/v1/batch/"):
        assert whole.post(path, data=big, headers=basic(world.key)).json == {"success": True}
    assert whole.options("/v1/t").headers["Access-Control-Allow-Origin"] == "*"
    answer = whole.post("/v1/track", data=b"{", headers=basic(world.key))
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_json")


def test_a_receipt_is_for_those_of_the_department(world: World, whole: FlaskClient) -> None:
    world.send("track", userId="u", event="E", messageId="m/1")
    assert whole.get("/v1/receipts/m/1").status_code == 401
    assert whole.get("/v1/receipts/m/1", headers=basic(world.key)).status_code == 401, "a write key reads nothing"
    mine, other = api_key(world.engine, "sam", "shop"), api_key(world.engine, "pat", "support")
    assert whole.get("/v1/receipts/m/1", headers=mine).json["status"] == "accepted"
    world.process()
    found = whole.get("/v1/receipts/m/1", headers=mine).json
    assert found["status"] == "processed"
    assert [use["what"] for use in found["used_in"]] == ["interaction", "record"]
    assert found["profile_id"]
    assert whole.get("/v1/receipts/m/1", headers=other).status_code == 404
    assert whole.get("/v1/receipts/none", headers=mine).status_code == 404


def test_violations_are_shown(world: World, whole: FlaskClient) -> None:
    with world.engine.begin() as connection:
        plans.store(connection, "web", PLAN)
    world.send("track", userId="u", event="Bought", messageId="m")
    world.process()
    (shown,) = whole.get("/v1/violations", headers=api_key(world.engine, "sam", "shop")).json["violations"]
    assert (shown["event"], shown["rule"], shown["field"], shown["count"]) == ("Bought", "required", "/properties/total", 1)
    assert whole.get("/v1/violations", headers=api_key(world.engine, "pat", "support")).json == {"violations": []}


def test_a_resolution_keeps_what_live_events_joined(world: World) -> None:
    world.send("page", anonymousId="A", messageId="1")
    world.process()
    world.send("identify", anonymousId="A", userId="ann", messageId="2", traits={"email": "ann@example.org", "name": "Ann Lee"})
    world.send("identify", userId="bob", messageId="3", traits={"email": "bob@example.org", "name": "Bob Moe"})
    world.send("identify", anonymousId="A", userId="bob", messageId="4")
    world.process()
    before = {message: profile_of(world, message) for message in "1234"}
    resolve_profiles(world.engine, world.settings)
    assert {message: profile_of(world, message) for message in "1234"} == before
    assert before["1"] == before["2"] != before["3"] == before["4"]


@pytest.fixture
def follower(world: World) -> Iterator[threading.Thread]:
    with following(world, partial(refresh_named, world.engine, world.settings)) as thread:
        yield thread


def test_a_follower_shows_events_soon(world: World, follower: threading.Thread) -> None:
    world.send("identify", userId="u", messageId="m", traits={"name": "Ann Lee"})
    found = eventually(lambda: (receipt := world.receipt("m")) and receipt.profile_id)

    def name() -> str | None:
        with world.engine.connect() as connection:
            return get(connection, found).display_name

    assert eventually(name) == "Ann Lee"


def test_commands(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cdp.cli.events.database", lambda: world.engine)
    monkeypatch.setattr("cdp.cli.events.settings", lambda: world.settings)
    plan = tmp_path / "plan.yaml"
    plan.write_text("on_violation: hold\ntrack: {Bought: {required: [total]}}\n")

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(program, ["events", *arguments])
        assert result.exit_code == code, result.output
        return result.output + (str(result.exception) if result.exception else "")

    run("plans", "set", "web", str(plan))
    run("plans", "show", "web")
    world.send("track", userId="u", event="Bought", messageId="m")
    run("process")
    assert "Bought" in run("violations")
    assert "held" in run("receipt", "m")
    assert "no message" in run("receipt", "none", code=1)
    (held,) = world.rows("select id from quarantine")
    fixed = '{"type": "track", "userId": "u", "event": "Bought", "messageId": "m", "properties": {"total": 1}}'
    run("replay", str(held.id), "--with", fixed)
    run("process")
    run("plans", "remove", "web")
    assert "no tracking plan" in run("plans", "show", "web", code=1)
    run("keys", "create", "app", "--department", "shop")
    assert world.key[:11] in run("keys", "list")
    run("keys", "revoke", world.key[:11])
    with world.engine.connect() as connection:
        assert connection.execute(text("select count(*) from interaction")).scalar_one() == 1
        assert connection.execute(text("select count(*) from write_key where revoked_at is null")).scalar_one() == 1


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"max_requests_per_second": "fast"}, "max_requests_per_second"),
    ({"max_request_per_second": 5}, "max_request_per_second"),
    ({"kinds": {"Purchase": "buying"}}, "kinds.Purchase"),
    ({"webhook": {"secret": "plain"}}, "webhook.secret"),
    ({"webhook": {"secret": "env:X", "scheme": "magic"}}, "webhook.scheme"),
]


@pytest.mark.parametrize(("config", "place"), SETTINGS)
def test_a_setting_that_would_fail_every_request_is_not_registered(world: World, config: dict[str, Any], place: str) -> None:
    with world.engine.begin() as connection, pytest.raises(DocumentError, match=place):
        register(connection, SourceDefinition("web", "events", config=config))
    assert world.send("track", userId="u", event="E").status_code == 200


def test_a_source_that_sends_is_not_pulled(world: World) -> None:
    with world.engine.connect() as connection, pytest.raises(PlatformError, match="sends by itself"):
        registered(connection, ["web"])


def test_a_mapping_that_would_stop_the_processing_is_not_registered(world: World) -> None:
    wrong = {"version": 1, "streams": {"identify": {"customer": {"source_key": "key", "emial": ["traits.email"]}}}}
    with world.engine.begin() as connection, pytest.raises(PlatformError, match="emial"):
        register(connection, SourceDefinition("web", "events", mapping=wrong))


def test_an_own_event_may_be_any_kind_of_interaction() -> None:
    assert schemas.load("event-source")["properties"]["kinds"]["additionalProperties"]["enum"] == list(InteractionKind)
