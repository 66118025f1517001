"""A definition that cannot be computed is refused when it is written, at its place and with the reason, wherever it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api import create_app
from cdp import segments as room
from cdp.access import Role, add_user, create_key
from cdp.attributes import declare, load
from cdp.cli import attributes as attribute_commands
from cdp.cli import monitors as monitor_commands
from cdp.cli import segments as segment_commands
from cdp.db.activation_tables import destination
from cdp.settings import Settings
from tests.attributes.people import event, person

CONDITIONS = {
    "what does not exist: a field": ("shoe_size > 40", "line 1, column 1", "shoe_size"),
    "what does not exist: a segment": ("segment(nowhere)", "line 1, column 1", "no segment is called"),
    "what does not exist: a kind of event": ("never parades", "line 1, column 7", "parades"),
    "what does not exist: a field of events": ("orders[colour = red].count > 1", "line 1, column 8", "colour"),
    "what does not exist: a referenced field": ("orders[amount > @nothing].count > 1", "line 1, column 8", "nothing"),
    "what does not exist: an event before the first": ("did orders[amount > @before.amount]", "line 1, column 12", "before.amount"),
    "what does not exist: a field of the event before": (
        "sequence(orders then orders[amount > @before.colour])",
        "line 1, column 1",
        "colour",
    ),
    "a circle": ("segment(b)", "", "leads back to itself: a → b → a"),
    "a text and a number": ("city > 5", "line 1, column 1", "city is a"),
    "a number and a text": ("n = many", "line 1, column 1", "n is a number"),
    "a sum of texts": ("orders.sum(status) > 1", "line 1, column 1", "takes a number"),
    "a list and an order": ("email < a", "line 1, column 1", "email is a list"),
    "no condition at all": ("n >", "line 1, column 4", "expected"),
    "hours: a sequence": ("sequence(orders" + " then orders" * 7 + ")", "line 1, column 1", "would take hours"),
    "hours: too many parts": (" or ".join(f"orders.count > {i}" for i in range(101)), "", "would take hours"),
    "a share of nobody": ("random(20, 10)", "line 1, column 1", "random goes from"),
}
DEFINITIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "what does not exist: an attribute": ({"kind": "expression", "expression": "n + nothing"}, "line 1, column 5", "nothing"),
    "what does not exist: a kind of event": ({"kind": "count", "of": "parade"}, "/of", "parade"),
    "what does not exist: a field": ({"kind": "sum", "field": "colour"}, "/field", "colour"),
    "what does not exist: a function": ({"kind": "expression", "expression": "sin(n)"}, "line 1, column 1", "no function is called"),
    "a circle": ({"kind": "expression", "expression": "x + 1"}, "/expression", "x → x"),
    "a division by zero": ({"kind": "expression", "expression": "n / (2 - 2)"}, "line 1, column 3", "divides by zero"),
    "a text in arithmetic": ({"kind": "expression", "expression": "favourite + 1"}, "line 1, column 1", "favourite is a text"),
    "a text and a number": ({"kind": "count", "of": "order", "where": "status > 5"}, "/where", "status is a text"),
    "a sum of texts": ({"kind": "sum", "field": "status"}, "/field", "takes a number"),
    "hours: a query": (
        {
            "kind": "sql",
            "type": "number",
            "query": "select a.profile_id, count(*) as value from event a, event b, event c, event d group by 1",
        },
        "/query",
        "would take hours",
    ),
    "more than the views": (
        {"kind": "sql", "type": "number", "query": "select id as profile_id, 1 as value from profile"},
        "/query",
        "it reads profile",
    ),
    "a kind that is none": ({"kind": "guess"}, "/kind", "guess"),
}


@pytest.fixture
def shop(engine: Engine) -> Engine:
    with engine.begin() as c:
        person(c, 1)
        event(c, 1, "order", 1, amount=5)
        c.execute(
            text(
                "insert into interaction (source_id, stream, source_key, kind, at, canonical, raw, content_hash, profile_id) "
                "select source_id, stream, 'x' || g, kind, at, canonical, raw, content_hash, profile_id "
                "from interaction, generate_series(1, 3000) g"
            )
        )
        declare(
            c, [load({"name": "n", "kind": "count", "of": "order"}), load({"name": "favourite", "kind": "last", "field": "channel"})], "t"
        )
        room.save(c, "a", "everyone", "test")
        room.save(c, "b", "segment(a)", "test")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(text("analyze"))
    return engine


@pytest.fixture
def admin(shop: Engine, settings: Settings) -> FlaskClient:
    with shop.begin() as c:
        add_user(c, "admin", Role.ADMIN)
        key = create_key(c, "admin", "test")
    client = create_app(settings, shop).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


@pytest.fixture
def commands(shop: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for module in (attribute_commands, segment_commands, monitor_commands):
        monkeypatch.setattr(module, "database", lambda: shop)
        monkeypatch.setattr(module, "settings", lambda: settings, raising=False)
    return CliRunner()


def refusal(runner: CliRunner, command: Any, *words: str) -> str:
    result = runner.invoke(command, words)
    assert result.exit_code == 1
    return str(result.exception)


def test_segments_are_refused_on_the_command_line_and_over_the_api(commands: CliRunner, admin: FlaskClient, tmp_path: Path) -> None:
    """One database for all of them: nothing of what is refused may stay."""
    for case, (condition, place, reason) in CONDITIONS.items():
        file = tmp_path / "segments.yaml"
        file.write_text(yaml.safe_dump({"segments": {"a": {"condition": condition}}}))
        monitors = tmp_path / "monitors.yaml"
        monitors.write_text(yaml.safe_dump({"monitors": {"m": {"condition": condition}}}))
        told = [
            refusal(commands, segment_commands.segments, *words)
            for words in (("define", "a", condition), ("check", str(file)), ("apply", str(file)))
        ]
        if case != "a circle":
            told += [
                refusal(commands, segment_commands.segments, "preview", condition),
                refusal(commands, monitor_commands.monitors, "apply", str(monitors)),
            ]
        for text_ in told:
            assert place in text_, (case, text_)
            assert reason in text_, (case, text_)
        answer = admin.put("/v1/segments/a", json={"condition": condition})
        assert answer.status_code == 400, (case, answer.json)
        (error,) = answer.json["errors"]
        assert place in str(error), (case, error)
        assert reason in str(error), (case, error)
    assert admin.get("/v1/segments/a").json["text"] == "everyone"


def test_attributes_are_refused_on_the_command_line_and_over_the_api(commands: CliRunner, admin: FlaskClient, tmp_path: Path) -> None:
    for case, (definition, place, reason) in DEFINITIONS.items():
        document = {"name": "x"} | definition
        file = tmp_path / "attributes.yaml"
        file.write_text(yaml.safe_dump({"attributes": [document]}))
        told = [refusal(commands, attribute_commands.attributes, word, str(file)) for word in ("check", "plan", "preview", "apply")]
        answers = [admin.put("/v1/attributes/x", json=document), admin.post("/v1/attributes/x/plan", json=document)]
        assert [answer.status_code for answer in answers] == [400, 400], case
        for text_ in (*told, *(str(answer.json) for answer in answers)):
            assert place.strip("/") in text_, (case, text_)
            assert reason in text_, (case, text_)
    assert "x" not in [one["name"] for one in admin.get("/v1/attributes").json["items"]]


def test_an_attribute_that_something_names_stays(commands: CliRunner, admin: FlaskClient, shop: Engine) -> None:
    with shop.begin() as c:
        room.save(c, "c", "orders[amount > @n].count > 1", "test")
    answer = admin.delete("/v1/attributes/n")
    assert (answer.status_code, "is named by segment c" in str(answer.json)) == (400, True)
    assert admin.delete("/v1/attributes/favourite").status_code == 204
    assert admin.delete("/v1/attributes/favourite").status_code == 404


def test_an_attribute_changes_only_so_far_that_all_segments_and_monitors_can_still_be_decided(
    commands: CliRunner, admin: FlaskClient, shop: Engine, tmp_path: Path
) -> None:
    """Otherwise one condition would keep all others from being decided."""
    mark = {"name": "tier", "kind": "mark", "type": "text"}
    with shop.begin() as c:
        room.save(c, "c", "n > 1", "test")
        declare(c, [load(mark), load({"name": "sent", "kind": "count"})], "test")
        carrying = {"format": "fields", "options": {"fields": ["email_1", "sent"]}}
        c.execute(destination.insert().values(name="mart", document=carrying, changed_by="test"))
        room.save_monitor(c, "m", {"condition": "favourite = web and segment(c)", "action": {"mark": {"tier": "gold"}}}, "test")
    file = tmp_path / "attributes.yaml"
    refused = {
        "segment c": {"name": "n", "kind": "last", "of": "order", "field": "status"},
        "monitor m": {"name": "favourite", "kind": "count"},
        "monitor m, as a mark": mark | {"type": "number"},
    }
    for who, document in refused.items():
        file.write_text(yaml.safe_dump({"attributes": [document]}))
        for word in ("check", "apply"):
            assert who in refusal(commands, attribute_commands.attributes, word, str(file))
        answer = admin.put(f"/v1/attributes/{document['name']}", json=document)
        assert (answer.status_code, who in str(answer.json)) == (400, True), answer.json
    file.write_text("attributes: []")
    for name, who in (
        ("n", "segment c"),
        ("favourite", "monitor m"),
        ("tier", "monitor m, as a mark"),
        ("sent", "destination mart"),
        ("nothing", "no attribute is called"),
    ):
        assert who in refusal(commands, attribute_commands.attributes, "apply", str(file), "--withdraw", name)
    assert "monitor m" in refusal(commands, segment_commands.segments, "delete", "c")
    file.write_text(yaml.safe_dump({"attributes": [{"name": "n", "kind": "distinct_count", "of": "order", "field": "status"}]}))
    assert commands.invoke(attribute_commands.attributes, ["apply", str(file)]).exit_code == 0
    room.refresh(shop)


def test_a_file_names_its_segments_in_any_order_but_not_in_a_circle(commands: CliRunner, shop: Engine, tmp_path: Path) -> None:
    file = tmp_path / "segments.yaml"
    file.write_text("segments: {first: {condition: segment(second)}, second: {condition: {field: city, operator: equals, value: Bern}}}")
    assert "first: version 1" in commands.invoke(segment_commands.segments, ["apply", str(file)]).output
    file.write_text("segments: {x: {condition: segment(y)}, y: {condition: not segment(x)}}")
    assert "segment x: the segment leads back to itself: x → y → x" in refusal(commands, segment_commands.segments, "check", str(file))


def test_an_empty_condition_is_not_everybody(commands: CliRunner, shop: Engine, tmp_path: Path) -> None:
    file = tmp_path / "segments.yaml"
    for empty in ("", "[everyone]", "5", '""', "{}"):
        file.write_text(f"segments: {{x: {{condition: {empty}}}}}")
        assert "segment x, " in refusal(commands, segment_commands.segments, "apply", str(file))
