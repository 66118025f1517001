"""docs/mapping.md names every target, every form and every reason, and its example is a mapping."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import schemas
from cdp.records import Mapping

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"
DEFINITIONS = schemas.load("mapping")["$defs"]
FORMS = {name for form in DEFINITIONS["value"]["anyOf"] for name in form.get("properties", {})}
REASONS = {
    "missing_key",
    "duplicate_key",
    "nul_byte",
    "cell_too_large",
    "missing_kind",
    "unknown_kind",
    "missing_time",
    "unknown_time",
    "impossible_date",
}


@pytest.mark.parametrize(
    "word", sorted({*DEFINITIONS["customer"]["properties"], *DEFINITIONS["interaction"]["properties"], *FORMS, *REASONS})
)
def test_the_page_speaks_of(word: str) -> None:
    assert re.search(rf"\b{word}\b", PAGE.read_text(encoding="utf-8"))


def test_the_example_is_a_mapping() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [stream.kind for stream in Mapping.load(yaml.safe_load(example)).streams] == ["customer", "interaction"]
