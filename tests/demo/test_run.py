"""The demo goes the whole way on a real database, comes out right, and can be repeated."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine, func, select

from cdp.access.users import check_password
from cdp.cli import demo as command
from cdp.db import tables
from cdp.demo.run import DemoReport, NotADemo, run
from cdp.ingest.definition import SourceDefinition, register
from cdp.settings import Settings


@pytest.fixture
def report(engine: Engine, settings: Settings, tmp_path: Path) -> DemoReport:
    return run(engine, settings, tmp_path / "demo", people=300)


def screen(report: DemoReport, monkeypatch: pytest.MonkeyPatch) -> str:
    console = Console(file=io.StringIO(), width=120, highlight=False)
    monkeypatch.setattr(command, "out", console)
    command.show(report, "http://127.0.0.1:8000", served=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.long
def test_the_demo_finds_its_people_tells_five_stories_and_repeats(
    engine: Engine, settings: Settings, report: DemoReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report.score.pairs.f1 > 0.9
    assert sum(telling.right for telling in report.tellings) >= 4
    assert all(department.duplicates > 0 for department in report.departments)
    assert len(report.segments) == 5
    assert all(0 < members < report.people for members in report.segments.values())
    shown = screen(report, monkeypatch)
    assert report.password in shown
    assert f"/profiles/{report.tellings[0].profiles[0]}" in shown
    with engine.connect() as connection:
        assert check_password(connection, report.user, report.password)
        before = connection.execute(select(func.count()).select_from(tables.profile_journal)).scalar_one()
    again = run(engine, settings, tmp_path / "demo", people=300)
    assert sum(stream.counts.added + stream.counts.changed for stream in again.synced.streams) == 0
    assert (again.people, again.score) == (report.people, report.score)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.profile_journal)).scalar_one() == before


def test_a_database_with_sources_of_its_own_is_left_alone(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    with engine.begin() as connection:
        register(connection, SourceDefinition(name="own", connector="files"))
    with pytest.raises(NotADemo, match=r"\(own\)"):
        run(engine, settings, tmp_path / "demo", people=60)
