"""The documentation names everything that the language knows, and every example in it is a condition."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine

from cdp import attributes
from cdp.attributes import declare, load, shipped
from cdp.attributes.expression import FUNCTIONS
from cdp.attributes.fields import EVENT_FIELDS, PERSON_FIELDS
from cdp.attributes.language.parser import WRITTEN
from cdp.attributes.language.tree import Type
from cdp.records.contracts import validator
from cdp.segments.check import check
from cdp.segments.columnar import Copy
from cdp.segments.deciding import refresh_in_copy
from cdp.segments.monitor import FIRES, run_monitors, save_monitor
from cdp.segments.preview import preview
from cdp.segments.store import checked, save
from cdp.segments.text import parse, write
from cdp.segments.tree import MEASURES
from tests.attributes.people import NOW, person, uid

DOCS = Path(__file__).parents[2] / "docs"
SEGMENTS = (DOCS / "segments.md").read_text("utf-8")
ATTRIBUTES = (DOCS / "attributes.md").read_text("utf-8")


def quoted(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


@pytest.mark.parametrize("operator", sorted(set(WRITTEN.values())))
def test_every_operator_is_documented(operator: str) -> None:
    assert any(found == operator or found.startswith(f"{operator} ") for found in quoted(SEGMENTS))


def test_every_field_measure_kind_and_function_is_documented() -> None:
    assert not set(PERSON_FIELDS) - quoted(SEGMENTS)
    assert not set(EVENT_FIELDS) - quoted(ATTRIBUTES)
    assert not set(validator("attribute").schema["properties"]["kind"]["enum"]) - quoted(ATTRIBUTES)
    assert all(re.search(rf"`{name}[`(]", SEGMENTS) for name in (*MEASURES, *FIRES))
    assert all(re.search(rf"`{name}\(", ATTRIBUTES) for name in FUNCTIONS)


def test_every_example_is_a_condition() -> None:
    known = {d.name: d.type for d in shipped()} | {"open_tickets": Type.NUMBER}
    rows = re.findall(r"^\| (`.*?) \|", SEGMENTS.split("## Conditions")[1].split("## Operators")[0], re.MULTILINE)
    examples = [found for row in rows for found in quoted(row)]
    examples += re.findall(r"^    ((?:tickets\[|sequence).*)$", SEGMENTS, re.MULTILINE)
    assert len(examples) > 12
    for example in examples:
        check(parse(example), known, {"loyal": parse("everyone")})


PEERS = SEGMENTS.split("## Coming from elsewhere")[1]


def peers() -> list[str]:
    """What the table says that other platforms' operators are here."""
    rows = re.findall(r"^\| .*? \| (.*) \|$", PEERS, re.MULTILINE)[1:]
    return [example for row in rows for example in re.findall(r"`([^`]+)`", row) if example != "last"]


def test_every_operator_of_the_peers_is_a_condition_that_both_engines_decide_alike(world: Engine, tmp_path: Path) -> None:
    with world.begin() as c:
        declare(c, [*shipped(), load({"name": "last_status", "kind": "last", "field": "status"})], "test")
        save(c, "loyal", "orders.count >= 2", "test")
    attributes.refresh(world, as_of=NOW)
    refresh_in_copy(world, tmp_path, as_of=NOW)
    examples = peers()
    assert len(examples) > 45
    for example in examples:
        with world.connect() as c:
            condition = checked(c, example)
            assert parse(write(condition)) == condition
        live = preview(world, condition, as_of=NOW)
        assert preview(world, condition, Copy(tmp_path)).sample == live.sample, example


def test_the_monitors_of_the_documentation_can_be_saved(world: Engine) -> None:
    (block,) = re.findall(r"```yaml\nmonitors:\n.*?```", SEGMENTS, re.DOTALL)
    document = yaml.safe_load(block.removeprefix("```yaml").removesuffix("```"))
    with world.begin() as c:
        declare(c, [*shipped(), load({"name": "tier", "kind": "mark", "type": "text"})], "test")
        for name, one in document["monitors"].items():
            assert save_monitor(c, name, one, "test").name == name
    with world.begin() as c:
        person(c, 7)
    assert {one.monitor for one in run_monitors(world, [uid(7)], as_of=NOW)} == set()


def test_shipped_definitions_meet_their_schema() -> None:
    for definition in shipped():
        assert load(definition.document) == definition
