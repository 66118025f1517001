"""A consent without a time of its own holds from when it was read until the source says something else, however often that is."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from cdp.settings import Settings
from tests.ingest.world import add_source, rows, sync_all, write_csv

LAST = "select source_key, purpose, state from consent order by at, id"


def test_who_changes_their_mind_twice_is_heard_twice(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    mapping = {"streams": {"people": {"customer": {"source_key": "id", "emails": "email", "consents": {"ads": "ads"}}}}}
    for number, said in enumerate(("yes", "no", "no", "yes", "no")):
        write_csv(file, [{"id": "1", "email": f"a{number}@example.org", "ads": said}, {"id": "2", "email": "b@example.org", "ads": "yes"}])
        if number == 0:
            add_source(engine, file, mapping)
        assert sync_all(engine, settings).ok
    told = rows(engine, LAST)
    assert [state for key, _, state in told if key == "1"] == ["granted", "denied", "granted", "denied"]
    assert [state for key, _, state in told if key == "2"] == ["granted"]


def test_a_consent_with_its_time_is_stored_once(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    consents = {"ads": {"field": "ads", "at": "since"}}
    mapping = {"streams": {"people": {"customer": {"source_key": "id", "emails": "email", "consents": consents}}}}
    for number, (said, since) in enumerate((("yes", "2026-01-01"), ("no", "2026-02-01"), ("no", "2026-02-01"), ("yes", "2026-03-01"))):
        write_csv(file, [{"id": "1", "email": f"a{number}@example.org", "ads": said, "since": since}])
        if number == 0:
            add_source(engine, file, mapping)
        assert sync_all(engine, settings).ok
    assert [state for _, _, state in rows(engine, LAST)] == ["granted", "denied", "granted"]
