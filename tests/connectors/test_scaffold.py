"""The tutorial of docs/connectors.md, walked: a new connector passes at once, in every combination, by the command line."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import textwrap
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from cdp.cli import program
from cdp.ingest.add import check_definition
from cdp.ingest.definition import SourceDefinition, register
from cdp.ingest.sync import sync
from cdp.settings import Settings
from connectors.contract import ConfigError
from connectors.testing import CHECKS, conform, connector, fake_of, new
from connectors.testing.scaffold import AUTH, PAGING

GUIDE = (Path(__file__).parents[2] / "docs" / "connectors.md").read_text("utf-8")


@pytest.mark.long
def test_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    block, _ = re.findall(r"```sh\n(.*?)```", GUIDE, re.S)
    lines = [line.split()[1:] for line in block.strip().splitlines() for line in [line.strip()]]
    assert lines == [["connectors", "new", "acme", "--auth", "bearer", "--paging", "cursor"], ["connectors", "test", "acme"]]
    for arguments in lines:
        result = CliRunner().invoke(program, arguments)
        assert result.exit_code == 0, result.output
    assert "0 fail" in result.output
    written = {path.name for path in (tmp_path / "acme").iterdir()} - {"__pycache__"}
    assert written == {"__init__.py", "fake.py", "mapping.json", "test_acme.py"}
    tutorial_stream = re.search(r"```python\n   (RestStream\(.*?)\n   ```", GUIDE, re.S)
    assert tutorial_stream is not None
    wanted = "".join(tutorial_stream.group(1).split())
    assert wanted.rstrip(",") in "".join((tmp_path / "acme" / "__init__.py").read_text().split())
    options = ["-q", "-p", "no:cacheprovider", "-k", "full_read or every_field"]
    done = subprocess.run([sys.executable, "-m", "pytest", *options, "acme"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.long
def test_tutorial_ends_with_a_source_that_is_pulled(
    engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new("acme_pulled", "bearer", "cursor", tmp_path)
    (project,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.S)
    (tmp_path / "pyproject.toml").write_text(textwrap.dedent(f"   {project}").replace("acme", "acme_pulled"))
    site = tmp_path / "site"
    options = ["-q", "--offline", "--no-build-isolation", "--no-deps", "--target", site]
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", *options, tmp_path], check=True, capture_output=True)
    monkeypatch.syspath_prepend(site)
    shown = CliRunner().invoke(program, ["connectors", "show", "acme_pulled"])
    assert shown.exit_code == 0, shown.output
    with fake_of(connector("acme_pulled"))().serve() as fake:
        for number in range(3):
            fake.put("people", str(number + 1))
        definition = SourceDefinition.of(json.loads(shown.output) | {"config": fake.config()})
        assert check_definition(definition) is None
        with engine.begin() as connection:
            register(connection, definition)
        assert [stream.counts.added for stream in sync(engine, replace(settings, workers=1)).streams] == [3, 0]


@pytest.mark.parametrize(("auth", "paging"), list(itertools.product(AUTH, PAGING)))
def test_every_combination_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: str, paging: str) -> None:
    name = f"made_{auth}_{paging}"
    new(name, auth, paging, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    kind = connector(name)
    results = conform(kind, fake_of(kind), ["people"], ["configuration", "page_sizes", "updates_and_inserts", "kill_and_resume"])
    assert [result.problem for result in results if result.problem] == []


TAKEN = [((name, "bearer", "cursor"), "is taken") for name in ("class", "json", "hubspot")]
"""A word of Python, a module of Python, and a connector that is installed: what is made under such a name is never found."""


def test_scaffold_refuses_what_cannot_be(tmp_path: Path) -> None:
    for arguments, message in ((("A b", "bearer", "cursor"), "cannot be the name"), (("a", "magic", "cursor"), "there are bearer"), *TAKEN):
        with pytest.raises(ConfigError, match=message):
            new(*arguments, tmp_path)
    new("a", "bearer", "cursor", tmp_path)
    with pytest.raises(ConfigError, match="there already"):
        new("a", "bearer", "cursor", tmp_path)


def test_list_and_show() -> None:
    listed = CliRunner().invoke(program, ["connectors", "list"])
    assert listed.exit_code == 0
    shown = CliRunner().invoke(program, ["connectors", "show", "hubspot"])
    definition = json.loads(shown.output)
    assert definition["config"] == {"token": "env:HUBSPOT_TOKEN"}
    assert "contacts" in definition["mapping"]["streams"]


def test_a_connector_that_fails_ends_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new("broken_one", "bearer", "cursor", tmp_path)
    source = tmp_path / "broken_one" / "__init__.py"
    source.write_text(source.read_text().replace('cursor="updated_at",', 'cursor="updated_at", overlap=0.0,'))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    result = CliRunner().invoke(program, ["connectors", "test", "broken_one", "--check", "late_commits"])
    assert result.exit_code == 1
    assert "fails" in result.output


def test_every_connector_and_check_is_documented() -> None:
    for point in entry_points(group="cdp.connectors"):
        assert f"| `{point.name}` |" in GUIDE, point.name
    for check in CHECKS.values():
        assert f"| `{check.name}` | {check.rule} |" in GUIDE
