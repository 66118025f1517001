"""Resolution over the database: five records become one customer, ids stay, decisions hold and can be taken back, order does not matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from cdp.profiles import NotFound, find, get, history, records, refresh, resolve_profiles, timeline
from cdp.settings import Settings
from tests.ingest.world import ORDERS, add_source, rows, sync_all, write_csv

FIRST = ["Ann", "Bob", "Carla", "David", "Eva", "Frank", "Gina", "Hugo", "Iris", "Jonas", "Klara", "Liam", "Mona", "Nils", "Olga", "Paul"]
LAST = ["Lee", "Ray", "Moreno", "Keller", "Novak", "Santos", "Dubois", "Rossi", "Yilmaz", "Kowalski", "Jensen", "Petrov", "Okafor"]


def person(n: int) -> dict[str, Any]:
    """The n-th of some two hundred quite different people."""
    first, last = FIRST[n % len(FIRST)], LAST[(n * 7 + n // 16) % len(LAST)]
    born = f"{1950 + n * 13 % 50}-{n * 5 % 12 + 1:02}-{n * 11 % 28 + 1:02}"
    return {
        "id": str(n),
        "first": first,
        "last": last,
        "born": born,
        "email": f"{first}.{last}.{n * 7919 % 9973}@example.com".lower(),
        "phone": f"+1202555{n * 37 % 10_000:04}",
    }


def company(engine: Engine, folder: Path, people: int = 120) -> None:
    """Two departments that know the same people, the second without their phones."""
    add_source(engine, write_csv(folder / "crm.csv", [person(n) for n in range(people)]), name="crm")
    shop = [person(n) | {"id": f"s{n}", "phone": ""} for n in range(people)]
    add_source(engine, write_csv(folder / "shop.csv", shop), name="shop")


def run(engine: Engine, settings: Settings) -> None:
    sync_all(engine, settings)
    resolve_profiles(engine, settings)
    refresh(engine, settings)


def test_two_departments_become_one_customer(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    company(engine, tmp_path)
    sync_all(engine, settings)
    report = resolve_profiles(engine, settings)
    refresh(engine, settings)
    assert (report.records, report.profiles) == (240, 120)
    with engine.connect() as connection:
        [found] = find(connection, source="shop", key="s5").items
        assert {record.source for record in records(connection, found.id)} == {"crm", "shop"}
        assert [link.source for link in records(connection, found.id)[0].links] == ["shop"]
        assert get(connection, found.id).document["contact"]["phones"][0]["sources"] == ["crm"]


def test_a_second_resolution_changes_nothing(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    company(engine, tmp_path)
    run(engine, settings)
    before = rows(engine, "select id, profile_id from record order by id")
    report = resolve_profiles(engine, settings)
    assert (report.created, report.merged, report.split) == (0, 0, 0)
    assert rows(engine, "select id, profile_id from record order by id") == before
    assert refresh(engine, settings).changed == 0


def _decide(engine: Engine, judgement: str, a: str, b: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                """insert into decision (judgement, record_a, record_b, principal)
                   select :judgement, least(a.id, b.id), greatest(a.id, b.id), 'steward' from record a, record b
                   where a.source_key = :a and b.source_key = :b"""
            ),
            {"judgement": judgement, "a": a, "b": b},
        )


def _profile(engine: Engine, key: str) -> Any:
    return rows(engine, "select profile_id from record where source_key = :key", key=key)[0][0]


def test_a_decision_merges_and_taking_it_back_undoes_everything(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    company(engine, tmp_path)
    run(engine, settings)
    query = "select record.source_key, record.profile_id, g.document from record join golden g using (profile_id) order by 1"
    before = rows(engine, query)
    older, younger = sorted((_profile(engine, "1"), _profile(engine, "2")))
    _decide(engine, "same", "1", "2")
    resolve_profiles(engine, settings)
    refresh(engine, settings)
    assert _profile(engine, "1") == _profile(engine, "2") == older
    with engine.connect() as connection:
        assert get(connection, younger).id == older
        assert get(connection, younger).redirected_from == younger
        assert [entry.change for entry in history(connection, older)] == ["merged", "created"]
    with engine.begin() as connection:
        connection.execute(text("update decision set revoked_at = now()"))
    resolve_profiles(engine, settings)
    refresh(engine, settings)
    assert rows(engine, query) == before


def test_different_holds_whatever_the_records_say(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    company(engine, tmp_path)
    sync_all(engine, settings)
    _decide(engine, "different", "5", "s5")
    resolve_profiles(engine, settings)
    assert _profile(engine, "5") != _profile(engine, "s5")


def test_a_dry_run_says_what_would_change_and_changes_nothing(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    company(engine, tmp_path)
    sync_all(engine, settings)
    report = resolve_profiles(engine, settings, dry_run=True)
    assert report.created == 120
    assert rows(engine, "select count(*) from profile") == [(0,)]
    assert rows(engine, "select count(profile_id) from record") == [(0,)]


def test_arrival_in_parts_gives_the_same_people_as_all_at_once(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    people = [person(n) for n in range(120)]
    path = write_csv(tmp_path / "crm.csv", people[60:])
    add_source(engine, path)
    add_source(engine, write_csv(tmp_path / "shop.csv", [p | {"id": f"s{p['id']}"} for p in people]), name="shop")
    run(engine, settings)
    write_csv(path, people)
    run(engine, settings)
    pairs = rows(engine, "select min(source_key), count(*), count(distinct profile_id) from record group by profile_id")
    assert len(pairs) == 120
    assert {(count, ids) for _, count, ids in pairs} == {(2, 1)}


def test_the_timeline_spans_sources_and_pages(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    company(engine, tmp_path)
    orders = [{"id": f"o{n}", "customer": "s5", "at": f"2026-03-{n + 1:02}T10:00:00Z", "total": str(n)} for n in range(7)]
    add_source(engine, write_csv(tmp_path / "orders.csv", orders), ORDERS, "till")
    sync_all(engine, settings)
    with engine.begin() as connection:  # the till writes the shop's customer numbers
        connection.execute(text("update interaction set source_id = (select id from source where name = 'shop')"))
    resolve_profiles(engine, settings)
    refresh(engine, settings)
    with engine.connect() as connection:
        profile = _profile(engine, "5")
        first = timeline(connection, profile, limit=4)
        second = timeline(connection, profile, limit=4, cursor=first.next_cursor)
        assert [i["source_key"] for i in (*first.items, *second.items)] == ["o6", "o5", "o4", "o3", "o2", "o1", "o0"]
        assert second.next_cursor is None
        assert get(connection, profile).document["stats"]["revenue"] == {"EUR": "21.0000"}


def test_search_finds_by_the_beginning_of_words_without_marks(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    muller = {"id": "1", "first": "Jörg", "last": "Müller-Özdemir", "born": "1980-01-01", "email": "joerg@example.com", "phone": ""}
    add_source(engine, write_csv(tmp_path / "crm.csv", [muller]))
    run(engine, settings)
    with engine.connect() as connection:
        for words in ("mull", "jorg ozd", "MÜLLER", "joerg@exam"):
            assert [p.display_name for p in find(connection, q=words).items] == ["Jörg Müller-Özdemir"], words
        assert find(connection, q="mull xyz").items == ()
        assert find(connection, q="%").items == find(connection, q="%").items


def test_refreshing_what_changed_equals_refreshing_all(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    company(engine, tmp_path)
    run(engine, settings)
    changed = [person(n) | ({"last": "Married"} if n == 7 else {}) for n in range(120)]
    write_csv(tmp_path / "crm.csv", changed)
    run(engine, settings)
    query = "select profile_id, document, display_name from golden order by 1"
    partial = rows(engine, query)
    assert refresh(engine, settings, full=True).changed == 0
    assert rows(engine, query) == partial


def test_an_id_that_never_was_is_not_found(engine: Engine) -> None:
    import uuid

    import pytest

    with engine.connect() as connection, pytest.raises(NotFound):
        get(connection, uuid.uuid4())


def test_a_profile_of_one_process_is_that_of_two(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    company(engine, tmp_path, 40)
    sync_all(engine, replace(settings, workers=2))
    assert resolve_profiles(engine, settings).profiles == 40


def test_a_file_of_identity_rules_overrules_the_evidence(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nmust_not_match: [phone]\n")
    first = person(1)
    add_source(engine, write_csv(tmp_path / "crm.csv", [person(n) for n in range(40)]), name="crm")
    add_source(engine, write_csv(tmp_path / "shop.csv", [first | {"id": "s1", "phone": "+12025559999"}]), name="shop")
    sync_all(engine, settings)
    assert resolve_profiles(engine, settings).profiles == 40
    assert resolve_profiles(engine, replace(settings, identity_rules=str(rules))).profiles == 41
