"""Syncing: what is new lands, what is the same costs a look, what is bad waits in quarantine, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from cdp.errors import PlatformError
from cdp.ingest import quarantine
from cdp.ingest.definition import SourceDefinition, UnknownSource, register
from cdp.ingest.receipts import receipts
from cdp.ingest.replay import replay
from cdp.ingest.sync import sync
from cdp.metrics import metrics
from cdp.settings import Settings
from cdp.status import platform_status
from tests.ingest.world import ORDERS, PEOPLE, add_source, rows, sync_all, write_csv, write_jsonl

ANN = {"id": "1", "first": "Ann", "last": "Lee", "born": "1980-02-03", "email": "Ann.Lee@Example.com", "phone": "+1 202-555-0101"}
BOB = {"id": "2", "first": "Bob", "last": "Ray", "born": "1975-11-30", "email": "bob@example.com", "phone": ""}


def test_rows_land_raw_and_canonical(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN, BOB]))
    report = sync_all(engine, settings)
    assert report.ok
    assert report.streams[0].counts.added == 2
    [(raw, canonical)] = rows(engine, "select raw, canonical from record where source_key = '1'")
    assert raw["email"] == "Ann.Lee@Example.com"
    assert (canonical["emails"], canonical["phones"]) == (["ann.lee@example.com"], ["+12025550101"])


def test_an_unchanged_file_is_not_read_again(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN, BOB]))
    sync_all(engine, settings)
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.read, counts.added, counts.changed, counts.deleted) == (0, 0, 0, 0)


def test_a_changed_row_replaces_the_stored_one_and_keeps_the_former(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "people.csv", [ANN, BOB])
    add_source(engine, path)
    sync_all(engine, settings)
    write_csv(path, [ANN | {"last": "Lee-Ray"}, BOB])
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.changed, counts.unchanged) == (1, 1)
    assert rows(engine, "select raw->>'last' from record_version") == [("Lee",)]
    assert rows(engine, "select canonical->>'family_name' from record where source_key = '1'") == [("Lee-Ray",)]


def test_a_row_that_is_gone_is_marked_deleted_and_comes_back(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "people.csv", [ANN, BOB])
    add_source(engine, path)
    sync_all(engine, settings)
    write_csv(path, [ANN])
    assert sync_all(engine, settings).streams[0].counts.deleted == 1
    assert rows(engine, "select source_key from record where deleted_at is not null") == [("2",)]
    write_csv(path, [ANN, BOB])
    sync_all(engine, settings)
    assert rows(engine, "select source_key from record where deleted_at is not null") == []


def test_two_rows_of_one_key_the_first_lands_and_the_other_waits(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN, BOB, ANN | {"first": "Anna"}]))
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.added, counts.refused, counts.reasons) == (2, 1, {"duplicate_key": 1})
    [(message, key)] = rows(engine, "select message, source_key from quarantine")
    assert "people.csv row 4" in message
    assert key == "1"
    assert rows(engine, "select canonical->>'given_name' from record where source_key = '1'") == [("Ann",)]


@pytest.mark.parametrize("batch", [1, 2, 50_000])
def test_two_rows_of_one_key_in_different_pages_the_first_lands(engine: Engine, settings: Settings, tmp_path: Path, batch: int) -> None:
    path = write_csv(tmp_path / "people.csv", [ANN, BOB, ANN | {"first": "Anna"}])
    add_source(engine, path, config={"streams": {"people": str(path)}, "batch_rows": batch})
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.added, counts.changed, counts.reasons) == (2, 0, {"duplicate_key": 1})
    write_csv(path, [ANN, BOB | {"first": "Rob"}, ANN | {"first": "Anna"}])
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.changed, counts.unchanged, counts.reasons) == (1, 1, {"duplicate_key": 1})


def test_a_row_without_its_key_waits_and_the_others_land(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN, BOB | {"id": ""}]))
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.added, counts.reasons) == (1, {"missing_key": 1})


def test_nul_bytes_are_refused_and_kept_readable(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_jsonl(tmp_path / "people.jsonl", [ANN, BOB | {"last": "R\x00y"}]))
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.added, counts.reasons) == (1, {"nul_byte": 1})


def test_integers_of_any_size_land_whole(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "people.jsonl", [ANN | {"id": 10**30, "points": {"sum": [-(2**70)]}}, BOB])
    add_source(engine, path)
    assert sync_all(engine, settings).ok
    [(key, raw)] = rows(engine, "select source_key, raw from record where source_key <> '2'")
    assert (key, raw["id"], raw["points"]) == (str(10**30), 10**30, {"sum": [-(2**70)]})


def test_a_long_cell_is_refused_by_size(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_jsonl(tmp_path / "people.jsonl", [ANN, BOB | {"last": "x" * 10_000_000}]))
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.added, counts.reasons) == (1, {"cell_too_large": 1})


def test_an_impossible_date_keeps_the_row_and_is_noted(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN | {"born": "1980-02-31"}]))
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.added, counts.left_empty) == (1, {"birth_date": 1})
    [(canonical,)] = rows(engine, "select canonical from record")
    assert "birth_date" not in canonical
    assert canonical["issues"][0]["value"] == "1980-02-31"
    with engine.connect() as connection:
        [receipt] = receipts(connection, "crm", "1")
    assert (receipt.status, receipt.issues) == ("accepted", [{"field": "birth_date", "reason": "impossible_date"}])


def test_a_column_that_the_mapping_names_and_the_file_lacks_stops_that_stream(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    mapping = {"streams": {"people": {"customer": {"source_key": "id", "emails": "mail"}}}}
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN]), mapping)
    report = sync_all(engine, settings)
    assert not report.ok
    assert "'mail'" in str(report.streams[0].error)
    assert "email" in str(report.streams[0].error)


def test_a_missing_file_is_named_and_other_sources_go_on(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, tmp_path / "nowhere.csv", name="gone")
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN]), name="here")
    report = sync_all(engine, settings)
    assert [(s.source, s.error is None) for s in report.streams] == [("gone", False), ("here", True)]
    assert "nowhere.csv" in str(report.streams[0].error)
    assert rows(engine, "select count(*) from record") == [(1,)]


def test_a_source_that_is_not_there_lists_those_that_are(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN]))
    with pytest.raises(UnknownSource, match="'crn'; there are: crm"):
        sync(engine, settings, ["crn"])


def test_interactions_land_with_amount_and_time(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    order = {"id": "o1", "customer": "1", "at": "2026-03-01T10:00:00+02:00", "total": "12.50"}
    add_source(engine, write_csv(tmp_path / "orders.csv", [order]), ORDERS, "shop")
    assert sync_all(engine, settings).ok
    [(amount, at)] = rows(engine, "select amount, at at time zone 'UTC' from interaction")
    assert (str(amount), at.isoformat()) == ("12.5000", "2026-03-01T08:00:00")


def test_an_order_without_a_time_waits(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    orders = [{"id": f"o{n}", "customer": "1", "at": at, "total": "1"} for n, at in enumerate(["2026-03-01", "", "31 February"])]
    add_source(engine, write_csv(tmp_path / "orders.csv", orders), ORDERS, "shop")
    counts = sync_all(engine, settings).streams[0].counts
    assert (counts.added, counts.refused) == (1, 2)


def test_a_changed_mapping_is_replayed_over_what_is_stored(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "people.csv", [ANN, BOB])
    mapping = {"streams": {"people": {"customer": {"source_key": "id", "given_name": "first"}}}}
    add_source(engine, path, mapping)
    sync_all(engine, settings)
    add_source(engine, path, PEOPLE)
    sync_all(engine, settings)
    assert rows(engine, "select canonical->>'family_name' from record order by source_key") == [("Lee",), ("Ray",)]


def test_a_quarantined_row_lands_once_corrected(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN, BOB | {"id": ""}]))
    sync_all(engine, settings)
    [(number, raw)] = rows(engine, "select id, raw from quarantine where status = 'open'")
    report = replay(engine, settings, [number], {number: raw | {"id": "7"}})
    assert (report.landed, report.waiting) == (1, 0)
    assert rows(engine, "select status from quarantine") == [("replayed",)]
    assert rows(engine, "select canonical->>'given_name' from record where source_key = '7'") == [("Bob",)]


def test_a_corrected_or_discarded_row_stays_so_while_the_source_repeats_the_bad_one(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "people.csv", [ANN, BOB | {"id": ""}, ANN | {"id": "", "first": "Nobody"}])
    add_source(engine, path)
    sync_all(engine, settings)
    (number, raw), (other, _) = rows(engine, "select id, raw from quarantine order by raw->>'first'")
    replay(engine, settings, [number], {number: raw | {"id": "7"}})
    with engine.begin() as connection:
        quarantine.discard(connection, [other])
    path.write_text(path.read_text("utf-8") + "8,Cid,Low,,,\n", "utf-8")
    (stream,) = sync_all(engine, settings).streams
    assert (stream.counts.added, stream.counts.deleted, stream.counts.refused) == (1, 0, 0)
    assert rows(engine, "select status from quarantine order by id") == [("replayed",), ("discarded",)]
    write_csv(path, [ANN])
    assert sync_all(engine, settings).streams[0].counts.deleted == 2


def test_a_second_row_of_a_key_takes_its_place_only_where_it_is_named(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN, ANN | {"last": "Other"}]))
    sync_all(engine, settings)
    family = "select canonical->>'family_name' from record"
    report = replay(engine, settings)
    assert (report.landed, report.waiting, rows(engine, family)) == (0, 1, [("Lee",)])
    assert "stands in an earlier row" in report.reasons[0]
    [(number,)] = rows(engine, "select id from quarantine")
    assert (replay(engine, settings, [number]).landed, rows(engine, family)) == (1, [("Other",)])


def test_a_number_that_does_not_wait_is_told(engine: Engine, settings: Settings) -> None:
    with pytest.raises(PlatformError, match="under the number 7, 9; "):
        replay(engine, settings, [9, 7])


def test_a_row_that_is_still_bad_waits_on(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN, BOB | {"id": ""}]))
    sync_all(engine, settings)
    assert replay(engine, settings).waiting == 1
    assert rows(engine, "select status from quarantine") == [("open",)]


def test_every_row_has_a_receipt(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN, BOB, ANN | {"first": "Anna"}]))
    sync_all(engine, settings)
    with engine.connect() as connection:
        [ann], [bob], nobody = (receipts(connection, "crm", key) for key in "129")
    assert (ann.status, ann.refusals[0]["reason"]) == ("accepted", "duplicate_key")
    assert (bob.status, bob.refusals) == ("accepted", [])
    assert nobody == []


def test_a_stream_that_nobody_mapped_is_reported(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    write_csv(folder / "people.csv", [ANN])
    write_csv(folder / "other.csv", [{"x": "1"}])
    add_source(engine, folder)
    assert sync_all(engine, settings).unmapped_streams == (("crm", "other"),)


def test_fields_that_nobody_mapped_are_reported(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add_source(engine, write_csv(tmp_path / "people.csv", [ANN | {"vip": "yes"}]))
    assert sync_all(engine, settings).streams[0].unmapped == ["vip"]


def test_a_mapped_field_that_changes_its_type_stops_its_stream(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "people.jsonl", [ANN])
    add_source(engine, path)
    sync_all(engine, settings)
    write_jsonl(path, [BOB, ANN | {"email": {"address": "a@example.com"}}])
    report = sync_all(engine, settings)
    assert "'email'" in str(report.streams[0].error)
    assert rows(engine, "select canonical->'emails'->>0 from record where source_key = '1'") == [("ann.lee@example.com",)]


@pytest.mark.long
def test_workers_land_what_one_process_lands(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    people = [ANN | {"id": str(n), "email": f"p{n}@example.com"} for n in range(5_000)]
    path = write_csv(tmp_path / "people.csv", people)
    add_source(engine, path, config={"streams": {"people": str(path)}, "batch_rows": 2_500})
    assert sync(engine, settings).streams[0].counts.added == 5_000
    assert rows(engine, "select count(distinct canonical->'emails'->>0) from record") == [(5_000,)]


def test_a_mapped_field_that_no_row_has_any_more_is_told(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    people = [{"id": str(n), "first": "Ann", "last": f"Lee{n}", "email": f"a{n}@example.com"} for n in range(60)]
    add_source(engine, write_jsonl(tmp_path / "crm.jsonl", people), name="crm")
    assert sync_all(engine, settings).streams[0].vanished == []
    write_jsonl(tmp_path / "crm.jsonl", [{name: value for name, value in person.items() if name != "email"} for person in people])
    (stream,) = sync_all(engine, settings).streams
    assert (stream.vanished, stream.counts.changed) == (["email"], 60)


def test_a_missing_column_stops_a_file_of_many_pages_once(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    people = write_csv(tmp_path / "people.csv", [{"id": str(n), "first": "Ann"} for n in range(9_000)])
    mapping = {"streams": {"people": {"customer": {"source_key": "id", "given_name": "first", "emails": "mail"}}}}
    _in_pages(engine, people, mapping, 2_500)
    (stream,) = sync(engine, replace(settings, workers=2)).streams
    assert "no column 'mail'" in (stream.error or "")
    assert rows(engine, "select count(*) from record") == [(0,)]


def test_keys_that_a_first_read_gives_again_are_refused_or_dropped(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    people = [{"id": str(n), "first": "Ann", "last": f"Lee{n}"} for n in range(5_000)]
    again = [people[7], people[8] | {"last": "Other"}]
    _in_pages(engine, write_csv(tmp_path / "people.csv", people + again), PEOPLE, 1_000)
    (stream,) = sync_all(engine, settings).streams
    assert (stream.counts.added, stream.counts.unchanged, stream.counts.refused) == (5_000, 1, 1)
    assert stream.counts.reasons == {"duplicate_key": 1}
    (again_stream,) = sync_all(engine, settings).streams
    assert (again_stream.counts.added, again_stream.counts.deleted) == (0, 0)


def _in_pages(engine: Engine, path: Path, mapping: dict[str, Any], rows_a_page: int) -> None:
    config = {"streams": {"people": str(path)}, "batch_rows": rows_a_page}
    with engine.begin() as connection:
        register(connection, SourceDefinition.of({"name": "crm", "connector": "files", "config": config, "mapping": mapping}))


def test_a_source_that_does_not_open_is_told_by_status_and_metrics_until_it_does(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "people.csv", [ANN])
    add_source(engine, path)
    path.rename(tmp_path / "away.csv")
    assert not sync_all(engine, settings).ok
    status = platform_status(engine)
    assert [(s.stream, "no such file" in (s.last_error or "")) for s in status.streams] == [(None, True)]
    assert b'cdp_stream_failing{source="crm",stream=""} 1.0' in metrics(status)
    (tmp_path / "away.csv").rename(path)
    assert sync_all(engine, settings).ok
    path.rename(tmp_path / "away.csv")
    sync_all(engine, settings)
    assert ["no such file" in (s.last_error or "") for s in platform_status(engine).streams] == [True]
    (tmp_path / "away.csv").rename(path)
    sync_all(engine, settings)
    assert [s.last_error for s in platform_status(engine).streams] == [None]
