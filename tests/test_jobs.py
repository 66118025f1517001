"""Recurring work without a scheduler: everything once, pauses kept, what fails told, and what is done now and then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from cdp import jobs
from cdp.activation import register
from cdp.cli import database as status_module
from cdp.cli import schedule
from cdp.cli.database import status
from cdp.cli.schedule import run
from cdp.db.tables import interaction
from cdp.housekeeping import keep_house
from cdp.ingest.figures import figures
from cdp.monthly import Month, write_month
from cdp.records.source import Throttled
from cdp.segments import save
from cdp.settings import Settings
from connectors.files import FilesSource
from tests.activation.conftest import World
from tests.activation.fakes import HubSpotFake
from tests.ingest.world import add_source, rows, write_csv
from tests.profiles.test_resolve import person


@pytest.fixture(autouse=True)
def house(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_engine", lambda: engine)
    monkeypatch.setattr(jobs, "_settings", lambda: settings)
    monkeypatch.setattr(schedule, "database", lambda: engine)
    monkeypatch.setattr(status_module, "database", lambda: engine)
    settings.home.mkdir(parents=True, exist_ok=True)


def once() -> tuple[int, str]:
    result = CliRunner().invoke(run, ["--once"])
    return result.exit_code, result.output


def test_everything_once_then_nothing_more(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "crm.csv", [person(n) for n in range(6)]), name="crm")
    with engine.begin() as connection:
        save(connection, "everybody", "everyone", "test")
        to = {"files": {"path": str(tmp_path / "out")}}
        basis = "contract: our own mart"
        register(connection, {"name": "mart", "segment": "everybody", "legal_basis": basis, "format": "fields", "to": to}, "test")
    for _ in range(2):
        code, said = once()
        assert code == 0, said
    assert rows(engine, "select count(*) from segment_member") == [(6,)]
    assert rows(engine, "select count(*) from audience_member") == [(6,)]
    assert len(list((tmp_path / "out").iterdir())) == 1
    assert len(list((settings.home / "backups").iterdir())) == 1
    assert rows(engine, "select stage, count(*) from run where stage in ('retrain', 'housekeeping', 'monthly') group by 1 order by 1") == [
        ("housekeeping", 1),
        ("monthly", 1),
        ("retrain", 1),
    ]
    found = json.loads(CliRunner().invoke(status, ["--json"]).output)
    assert {stage["stage"]: stage["status"] for stage in found["stages"]}["segments"] == "done"
    assert [one["present"] for one in found["destinations"]] == [6]
    assert "mart" in CliRunner().invoke(status).output


@pytest.fixture
def hubspot(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpotFake]:
    fake = HubSpotFake()
    fake.start()
    monkeypatch.setenv("HUBSPOT_TOKEN", "hub-token")
    yield fake
    fake.stop()


def test_a_pause_is_kept_and_nobody_else_waits(
    engine: Engine, settings: Settings, hubspot: HubSpotFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_settings", lambda: replace(settings, webhook_private_hosts="127.0.0.1"))
    World(engine).person(1, email="a@example.org")
    to = {"hubspot": {"list": "9", "token": "env:HUBSPOT_TOKEN", "url": hubspot.url}}
    with engine.begin() as connection:
        register(connection, {"name": "crm", "segment": "buyers", "purpose": "ads", "format": "hubspot", "to": to}, "test")
    hubspot.faults = [(429, {}, {"Retry-After": "3600"})]
    with pytest.raises(jobs.Later) as raised:
        jobs.send_audience("crm")
    assert abs(raised.value.until - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
    calls = len(hubspot.calls)
    assert jobs.sends() == [], "due during the pause it asked for"
    with engine.begin() as connection:
        connection.execute(text("update delivery set report = report - 'not_before'"))
    assert schedule._do(jobs.sends(), {"send crm": raised.value.until}) is True
    assert len(hubspot.calls) == calls, "called during the pause it asked for"
    assert schedule._do(jobs.sends(), {"send crm": datetime.now(UTC)}) is True
    assert hubspot.emails == {"a@example.org"}


def test_a_source_that_asked_for_a_pause_is_left_alone_until_it_is_over(
    engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_source(engine, write_csv(tmp_path / "crm.csv", [person(1)]), name="crm")
    until = datetime.now(UTC) + timedelta(hours=3)

    def busy(*_: object) -> None:
        raise Throttled("busy", until)

    monkeypatch.setattr(FilesSource, "read", busy)
    with pytest.raises(jobs.Later):
        jobs.sync_source("crm")
    assert jobs.source_names() == []
    with engine.begin() as connection:
        connection.execute(text("update run set report = report || jsonb_build_object('retry_at', now() - interval '1 minute')"))
    assert jobs.source_names() == ["crm"]


def test_what_only_a_person_can_mend_is_told_apart(engine: Engine) -> None:
    World(engine).person(1, email="a@example.org")
    to = {"files": {"path": "/dev/null/folder"}}
    with engine.begin() as connection:
        register(connection, {"name": "mart", "segment": "buyers", "purpose": "ads", "format": "fields", "to": to}, "test")
    with pytest.raises(jobs.ToMend, match="cannot be used"):
        jobs.send_audience("mart")


def test_a_stage_that_fails_is_told_and_the_others_go_on(engine: Engine, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "crm.csv", [person(1)])
    add_source(engine, file, name="crm")
    file.unlink()
    code, said = once()
    assert code == 1
    assert "sync crm" in said
    assert "segments:" in said


def test_what_is_done_now_and_then_is_due_again_later() -> None:
    assert [name for name, _ in jobs.occasional()] == ["retrain", "housekeeping", "monthly"]
    jobs.housekeeping()
    jobs.monthly_report()
    now = datetime.now(UTC)
    assert [name for name, _ in jobs.occasional(now)] == ["retrain"]
    assert "housekeeping" in [name for name, _ in jobs.occasional(now + timedelta(days=1))]
    assert "monthly" in [name for name, _ in jobs.occasional(Month.of(now).next.start)]


def test_a_failed_run_is_written_down(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(jobs, "keep_house", fail)
    with pytest.raises(RuntimeError):
        jobs.housekeeping()
    assert rows(engine, "select status, error from run where stage = 'housekeeping'") == [("failed", "RuntimeError")]


def test_housekeeping_forgets_what_is_old_and_keeps_the_last_of_each(engine: Engine, settings: Settings) -> None:
    with engine.begin() as connection:
        for days in (400, 300, 10):
            connection.execute(
                text("""insert into run (stage, status, started_at, finished_at, report) values
                    ('resolve', 'done', now() - make_interval(days => :days), now() - make_interval(days => :days), '{}'),
                    ('sync', 'failed', now() - make_interval(days => :days), now() - make_interval(days => :days), '{}')"""),
                {"days": days},
            )
        connection.execute(text("insert into run (stage, status, finished_at) values ('old', 'done', now() - interval '2 years')"))
        connection.execute(text("insert into run (stage, started_at) values ('dead', now() - interval '3 days')"))
        for state, age in (("open", 900), ("discarded", 900), ("discarded", 3)):
            connection.execute(
                text("""insert into quarantine (stream, place, reason, message, content_hash, status, created_at, resolved_at)
                    values ('s', 'p', 'r', 'm', '', :state, now(), now() - make_interval(days => :age))"""),
                {"state": state, "age": age},
            )
    report = keep_house(engine, settings)
    assert (report.runs, report.lost, report.quarantine, report.backups) == (4, 1, 1, 1)
    assert report.backup > 0
    assert rows(engine, "select count(*) from run where stage = 'old'") == [(1,)]
    again = keep_house(engine, settings)
    assert (again.runs, again.lost, again.quarantine, again.backup, again.backups) == (0, 0, 0, 0, 1)
    for day in range(1, 12):
        keep_house(engine, settings, datetime.now(UTC) + timedelta(days=day))
    assert len(list((settings.home / "backups").glob("*.dump"))) == settings.keep_backups


def test_a_month_is_reported_the_same_each_time(engine: Engine, tmp_path: Path) -> None:
    month = Month.parse("2025-12")
    assert (str(month.next), str(month.before), month.end) == ("2026-01", "2025-11", datetime(2026, 1, 1, tzinfo=UTC))
    with engine.begin() as connection:
        for at in ("2025-12-01T00:00Z", "2025-12-31T23:59Z", "2026-01-01T00:00Z", "2025-11-30T23:59Z"):
            values = {"kind": "order", "at": datetime.fromisoformat(at), "amount": 5, "currency": "EUR", "source_key": at}
            fixed = {"source_id": 1, "stream": "s", "channel": "web", "canonical": {}, "raw": {}, "content_hash": b""}
            connection.execute(interaction.insert().values(**values, **fixed))
    first = [path.read_bytes() for path in write_month(engine, tmp_path, month)]
    assert json.loads(first[0])["revenue"] == [{"currency": "EUR", "orders": 2, "amount": "10.0000"}]
    assert b"<h2>Orders</h2>" in first[1]
    assert [path.read_bytes() for path in write_month(engine, tmp_path, month)] == first


def test_figures_are_held_only_as_long_as_they_cost(engine: Engine) -> None:
    assert figures(engine).profiles == 0
    World(engine).person(1)
    assert figures(engine).profiles == 1, "what is quickly counted is counted each time"
    with engine.begin() as connection:
        connection.execute(text("update run set started_at = finished_at - interval '2 seconds' where stage = 'figures'"))
    with engine.begin() as connection:
        connection.execute(text("insert into profile (id) values (gen_random_uuid())"))
    assert figures(engine).profiles == 1
    assert figures(engine, fresh=True).profiles == 2
    with engine.begin() as connection:
        older = "update run set started_at = finished_at - interval '20 minutes', finished_at = finished_at - interval '10 minutes'"
        connection.execute(text(older))
        connection.execute(text("insert into profile (id) values (gen_random_uuid())"))
    assert figures(engine).profiles == 2
    assert rows(engine, "select count(*) from run where stage = 'figures'") == [(1,)]
