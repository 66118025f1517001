"""The commands print what the functions report, and fail with a status where rows were refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import Engine

from cdp.cli import destinations as module
from cdp.cli.destinations import destinations
from cdp.settings import Settings
from tests.activation.conftest import Definition, World, profile_id


def test_a_marketer_adds_looks_and_sends(
    engine: Engine, settings: Settings, world: World, definition: Definition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "database", lambda: engine)
    monkeypatch.setattr(module, "settings", lambda: settings)
    world.person(1, email="a@example.org")
    world.person(2, email="b@example.org", ads="denied")
    file = tmp_path / "ads.yaml"
    file.write_text(yaml.safe_dump(definition({"files": {"path": str(tmp_path / "out")}})))

    def cdp(*words: str) -> str:
        result = CliRunner().invoke(destinations, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert "preflight ads" in cdp("add", str(file))
    report = json.loads(cdp("preflight", "ads", "--json"))
    assert (report["added"], report["counts"]["without_consent"]) == (1, 1)
    assert not (tmp_path / "out").exists()
    assert json.loads(cdp("send", "ads", "--json"))["added"] == 1
    assert json.loads(cdp("status", "--json"))[0]["present"] == 1
    assert json.loads(cdp("shared", str(profile_id(1)), "--json"))[0]["destination"] == "ads"
    assert json.loads(cdp("shared", str(profile_id(2)), "--json")) == []
    cdp("disable", "ads")
