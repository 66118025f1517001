"""What a source does to its stream stays there: the others go on, and the report says what happened and when to come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from cdp.errors import PlatformError
from cdp.ingest import sync as syncing
from cdp.ingest.add import check_definition
from cdp.ingest.definition import SourceDefinition
from cdp.records.source import Json, Page, Stream, Throttled
from cdp.settings import Settings
from tests.ingest.world import add_source, rows, sync_all, write_csv, write_jsonl

ANN = {"id": "1", "first": "Ann", "last": "Lee", "email": "ann@example.com", "phone": ""}
MAPPING = {"streams": {"people": {"customer": {"source_key": "id", "emails": "email", "attributes": ["points"]}}}}


class _Tripping:
    """A connector that gives one page and then trips over what came."""

    config_schema: Mapping[str, Any] = {}

    def __init__(self, config: Mapping[str, Any]) -> None: ...

    def streams(self) -> list[Stream]:
        return [Stream("people", complete=False)]

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        yield Page([ANN], bookmark=1)
        raise KeyError(ANN["email"])


def _opening(monkeypatch: pytest.MonkeyPatch, **sources: Any) -> None:
    real = syncing.open_source
    monkeypatch.setattr(syncing, "open_source", lambda name, *rest: sources[name]({}) if name in sources else real(name, *rest))


def test_a_connector_that_trips_stops_its_stream_only(
    engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_source(engine, tmp_path, name="a_bad")
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN]), name="good")
    _opening(monkeypatch, a_bad=_Tripping)
    bad, good = sync_all(engine, settings).streams
    assert (bad.counts.added, good.counts.added, good.error) == (1, 1, None)
    assert "KeyError at ingest/test_faults.py, line" in str(bad.error)
    assert ANN["email"] not in str(bad.error)


def test_a_throttle_before_the_first_page_says_when_to_come_back(
    engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(_Tripping):
        def streams(self) -> list[Stream]:
            raise Throttled("busy", datetime(2030, 1, 1, tzinfo=UTC))

    add_source(engine, tmp_path)
    _opening(monkeypatch, crm=Busy)
    assert [stream.retry_at for stream in sync_all(engine, settings).streams] == ["2030-01-01T00:00:00+00:00"]


def test_an_empty_value_has_no_type(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "people.jsonl", [ANN | {"points": ""}])
    add_source(engine, path, MAPPING)
    for points in (7, "", [], 8):
        write_jsonl(path, [ANN | {"points": points}, ANN | {"id": "2", "points": 9}])
        assert sync_all(engine, settings).ok, points
    write_jsonl(path, [ANN | {"points": "many"}])
    assert "'points'" in str(sync_all(engine, settings).streams[0].error)


def test_a_changed_mapping_takes_a_field_as_it_is_now(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "people.jsonl", [ANN | {"points": 7}])
    add_source(engine, path, MAPPING)
    assert sync_all(engine, settings).ok
    write_jsonl(path, [ANN | {"points": "8"}])
    assert not sync_all(engine, settings).ok
    add_source(engine, path, {"streams": {"people": {"customer": {**MAPPING["streams"]["people"]["customer"], "phones": "phone"}}}})
    assert sync_all(engine, settings).ok
    assert rows(engine, "select raw->>'points' from record") == [("8",)]
    write_jsonl(path, [ANN | {"points": 9}])
    assert "was string and is now number" in str(sync_all(engine, settings).streams[0].error)


def test_a_field_that_appears_is_told_once(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "people.jsonl", [ANN])
    add_source(engine, path, MAPPING)
    assert sync_all(engine, settings).streams[0].appeared == []
    for told in (["vip"], []):
        write_jsonl(path, [ANN | {"vip": True, "last": str(told)}])
        assert sync_all(engine, settings).streams[0].appeared == told


def test_a_field_that_a_whole_read_lacks_is_told_however_few_the_rows(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "people.jsonl", [ANN])
    add_source(engine, path, MAPPING)
    sync_all(engine, settings)
    write_jsonl(path, [{"id": "1", "first": "Ann"}])
    assert sync_all(engine, settings).streams[0].vanished == ["email"]


def test_a_definition_is_looked_at_before_it_takes_the_place_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"name": "crm", "connector": "pipedrive", "config": {"token": "env:WALK_TOKEN"}, "mapping": MAPPING}
    monkeypatch.delenv("WALK_TOKEN", raising=False)
    assert "WALK_TOKEN" in str(check_definition(SourceDefinition.of(good)))
    monkeypatch.setenv("WALK_TOKEN", "x")
    assert check_definition(SourceDefinition.of(good)) is None
    wrong = [{"connector": "pipdrive"}, {"config": {"tokn": "x"}}, {"mapping": {}}, {"mapping": {"customer": {"first": "x"}}}]
    for change, told in zip(wrong, ("no connector is called", "'token' is a required", "no mapping", "unknown 'first'"), strict=True):
        with pytest.raises(PlatformError, match=told):
            check_definition(SourceDefinition.of(good | change))
