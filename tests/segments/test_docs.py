"""The documentation names everything that the language knows, and every example in it is a condition."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cdp.attributes import load, shipped
from cdp.attributes.expression import FUNCTIONS
from cdp.attributes.fields import EVENT_FIELDS, PERSON_FIELDS
from cdp.attributes.language.parser import WRITTEN
from cdp.attributes.language.tree import Type
from cdp.records.contracts import validator
from cdp.segments.check import check
from cdp.segments.monitor import FIRES
from cdp.segments.text import parse
from cdp.segments.tree import MEASURES

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


def test_shipped_definitions_meet_their_schema() -> None:
    for definition in shipped():
        assert load(definition.document) == definition
