"""The documentation is complete: every command, setting, schema and connector appears, and every link leads somewhere."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

import schemas
from cdp.cli import COMMANDS, program
from cdp.ingest.connectors import available
from cdp.settings import Settings
from tests import commands

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EVERYTHING = "\n".join(page.read_text("utf-8") for page in PAGES)


def test_the_reference_of_the_commands_is_up_to_date() -> None:
    assert commands.PATH.read_text("utf-8") == commands.reference(), "run `python -m tests.commands`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    assert command.help


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"CDP_{name.upper()}" in EVERYTHING


@pytest.mark.parametrize("name", schemas.names())
def test_every_schema_says_what_it_describes(name: str) -> None:
    schema = schemas.load(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema.get("title")
    assert schema.get("description")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("name", available())
def test_every_connector_is_documented(name: str) -> None:
    assert re.search(rf"`{re.escape(name)}`", EVERYTHING), f"the connector {name} is in no page"
