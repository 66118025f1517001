"""The commands print what the functions report: brackets and all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import Engine

from cdp import attributes
from cdp.cli import attributes as attribute_commands
from cdp.cli import monitors as monitor_commands
from cdp.cli import segments as segment_commands
from cdp.errors import PlatformError
from cdp.settings import Settings
from tests.attributes.people import ago, event, person, uid


@pytest.fixture
def cdp(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls a command and gives what it prints."""
    groups = {"attributes": attribute_commands, "segments": segment_commands, "monitors": monitor_commands}
    for module in groups.values():
        monkeypatch.setattr(module, "database", lambda: engine)
        monkeypatch.setattr(module, "settings", lambda: settings, raising=False)
    with engine.begin() as c:
        person(c, 1, city="Bern")
        person(c, 2)
        event(c, 1, "order", 1, amount=50, status="paid")
    attributes.refresh(engine)

    def call(group: str, *words: str) -> str:
        result = CliRunner().invoke(getattr(groups[group], group), words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return call


def written(folder: Path, name: str, content: Any) -> str:
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({name: content}))
    return str(file)


def test_a_segment_from_its_file_to_its_members(cdp: Any, tmp_path: Path) -> None:
    condition = "orders[status = paid].count >= 1 and city = Bern"
    file = written(tmp_path, "segments", {"buyers": {"condition": condition, "title": "Buyers", "soon": False}})
    assert condition in cdp("segments", "check", file)
    assert "No" not in cdp("segments", "list")
    assert "version 1" in cdp("segments", "apply", file)
    assert "would enter" in cdp("segments", "plan", "buyers", condition)
    assert "1 segments" in cdp("segments", "refresh")
    assert condition in " ".join(cdp("segments", "list").split())
    assert json.loads(cdp("segments", "preview", "buyers", "--json"))["engine"] == "columnar"
    assert json.loads(cdp("segments", "preview", "buyers", "--json", "--live"))["count"] == 1
    assert "yes orders[status = paid].count >= 1" in cdp("segments", "explain", "buyers", str(uid(1)))
    assert cdp("segments", "as-of", "buyers", "2100-01-01").strip() == str(uid(1))
    with pytest.raises(PlatformError, match="is not known: that is recorded since"):
        cdp("segments", "as-of", "buyers", "2000-01-01")
    assert "entered" in cdp("segments", "changes", "buyers")
    assert "orders[status = paid].count" in cdp("segments", "define", "more", "orders[status = paid].count > 1")
    assert "everybody" in cdp("segments", "refresh", "--changed")
    assert '"version": 1' in cdp("segments", "show", "more")
    assert "withdrawn" in cdp("segments", "delete", "more")


def test_an_attribute_from_its_file_to_a_value(cdp: Any, tmp_path: Path) -> None:
    file = written(tmp_path, "attributes", [{"name": "paid", "kind": "count", "of": "order", "where": "status = paid"}])
    assert "paid: would be new" in cdp("attributes", "check", file)
    assert "none → 1" in cdp("attributes", "plan", file)
    assert "2 of 2" in cdp("attributes", "preview", file)
    assert "paid: new (version 1)" in cdp("attributes", "apply", file)
    assert "everybody" in cdp("attributes", "refresh")
    assert "paid = 1" in cdp("attributes", "explain", "paid", str(uid(1)))
    assert json.loads(cdp("attributes", "as-of", str(uid(1)), f"{ago(30):%Y-%m-%d}"))["paid"] == 0
    assert "paid" in cdp("attributes", "list")


def test_a_monitor_from_its_file_to_its_task(cdp: Any, tmp_path: Path) -> None:
    call = {"webhook": {"url": "https://example.org/x", "secret": "env:X"}}
    rules = {
        "thank": {"condition": "did orders[amount > 20]", "action": {"task": "Say thank you"}},
        "tell": {"condition": "orders.count > 5", "fires": "each", "action": call, "enabled": False},
    }
    file = written(tmp_path, "monitors", rules)
    assert "thank: holds for 1, would fire for 1" in cdp("monitors", "check", file)
    assert cdp("monitors", "tasks").strip() == "Nothing to do"
    cdp("monitors", "apply", file)
    listed = cdp("monitors", "list")
    assert "orders[amount > 20]" in listed
    assert "each (off)" in listed
    assert json.loads(cdp("monitors", "list", "--json"))["monitors"]["thank"]["fires"] == "once"
    assert cdp("monitors", "log").strip() == "Nothing fired yet"
    cdp("segments", "refresh", "--changed")
    assert json.loads(cdp("monitors", "log", "thank", "--json"))[0]["outcome"] == "task 1"
    assert "(seen: 1)" in cdp("monitors", "log")
    assert "Say thank you" in cdp("monitors", "tasks")
    assert "Task 1 is done" in cdp("monitors", "done", "1")
    assert "Say thank you" in cdp("monitors", "tasks", "--done")
    assert "deleted" in cdp("monitors", "delete", "thank")
