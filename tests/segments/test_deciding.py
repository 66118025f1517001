"""Deciding everybody in the columnar copy leaves what deciding everybody in PostgreSQL would, however the copy came to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from cdp import attributes
from cdp.segments.columnar import Copy
from cdp.segments.copying import draft, load
from cdp.segments.deciding import build, refresh_in_copy
from cdp.segments.membership import refresh
from cdp.segments.preview import preview
from cdp.segments.store import delete, save
from cdp.segments.text import parse, write
from tests.attributes.people import NOW, ago, event, person, uid
from tests.segments.conditions import conditions
from tests.segments.test_membership import changes, define, found, members

_happening = st.tuples(st.sampled_from(["order", "ticket", "page_view"]), st.integers(1, 3), st.floats(-3, 40), st.integers(0, 60))


def merge(engine: Engine, a: int, b: int) -> None:
    with engine.begin() as c:
        c.execute(text("update profile set merged_into = :b where id = :a"), {"a": uid(a), "b": uid(b)})
        c.execute(text("update interaction set profile_id = :b, raw = '{\"was\": true}' where profile_id = :a"), {"a": uid(a), "b": uid(b)})
        c.execute(text(_JOURNAL), {"change": "merged", "a": uid(a), "b": uid(b)})


def split(engine: Engine, a: int, b: int) -> None:
    with engine.begin() as c:
        c.execute(text("update profile set merged_into = null where id = :a"), {"a": uid(a)})
        c.execute(
            text("update interaction set profile_id = :a, raw = '{}' where profile_id = :b and raw ? 'was'"), {"a": uid(a), "b": uid(b)}
        )
        c.execute(text(_JOURNAL), {"change": "split", "a": uid(b), "b": uid(a)})


_JOURNAL = """insert into profile_journal (change, profile_id, from_profile_id, record_ids, cause) values (:change, :b, :a, '{}', '{}')"""


@pytest.mark.long
@given(conditions, st.lists(_happening, max_size=4), st.integers(0, 40), st.booleans())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_copy_that_was_renewed_decides_like_postgresql(
    world: Engine,
    tmp_path: Path,
    condition: Any,
    events: list[Any],
    days: int,
    merged: bool,
) -> None:
    """Examples follow one another in one world, so that a copy is renewed many times; a merge is undone in the next."""
    define(world, s=write(condition))
    refresh_in_copy(world, tmp_path, as_of=NOW)
    with world.begin() as c:
        for kind, n, at, amount in events:
            event(c, n, kind, at, status="paid", amount=amount, properties={"level": amount})
    if merged:
        merge(world, 2, 3)
    later = ago(-days)
    attributes.refresh(world, as_of=later)
    refresh_in_copy(world, tmp_path, as_of=later)
    assert set(members(world, "s")) == found(world, condition, later)
    preview_of_members = preview(world, parse("segment(s)"), Copy(tmp_path))
    assert preview_of_members.count == preview_of_members.overlap["s"] == len(members(world, "s"))
    if merged:
        split(world, 2, 3)
    attributes.refresh(world, as_of=NOW)


def test_only_who_changed_is_read_again(world: Engine, tmp_path: Path) -> None:
    refresh_in_copy(world, tmp_path, as_of=NOW)
    with world.begin() as c:
        for table, at in (("golden", "updated_at"), ("interaction", "changed_at"), ("profile_attribute", "computed_at")):
            c.execute(text(f"update {table} set {at} = now() - interval '1 day'"))
    with draft(world, tmp_path, NOW) as made:
        assert made.loaded == 0
    with world.begin() as c:
        event(c, 2, "order", 1)
        person(c, 4)
        c.execute(text("update profile set retired_at = now() where id = :id"), {"id": uid(3)})
        c.execute(text("update profile set household_id = null where id = :id"), {"id": uid(1)})
    with draft(world, tmp_path, NOW) as made:
        assert made.loaded == 2
        rows = made.duck.execute("select uuid, household_id from person order by 1").fetchall()
    assert [row[0] for row in rows] == [uid(1), uid(2), uid(4)]
    assert [row[1] is None for row in rows] == [True, False, True]


def test_entries_and_exits_are_those_of_postgresql(world: Engine, tmp_path: Path) -> None:
    define(world, buyers="orders.count in last 20 days >= 1")
    report = refresh_in_copy(world, tmp_path, as_of=NOW)
    refresh_in_copy(world, tmp_path, as_of=NOW)
    assert members(world, "buyers") == {1: NOW, 2: NOW}
    assert (report.segments[0].entered, report.segments[0].members) == (2, 2)
    refresh_in_copy(world, tmp_path, as_of=ago(-12))
    assert members(world, "buyers") == {2: NOW}
    assert changes(world) == [(1, "entered", "condition"), (2, "entered", "condition"), (1, "left", "condition")]
    merge(world, 2, 3)
    refresh_in_copy(world, tmp_path, as_of=ago(-12))
    assert members(world, "buyers") == {3: NOW}
    split(world, 2, 3)
    refresh_in_copy(world, tmp_path, as_of=ago(-12))
    assert members(world, "buyers") == {2: NOW}
    assert changes(world)[3:] == [(3, "entered", "merged"), (2, "left", "merged"), (2, "entered", "split"), (3, "left", "condition")]


def test_what_others_decided_is_followed_and_a_segment_that_is_gone_gives_its_place_to_the_next(world: Engine, tmp_path: Path) -> None:
    define(world, a="city = Berlin", b="everyone", c="segment(a) or city = Bern")
    refresh_in_copy(world, tmp_path, as_of=NOW)
    with world.begin() as c:
        delete(c, "c")
        save(c, "a", "city = Paris", "test")
    refresh(world, as_of=NOW)
    define(world, d="segment(a)")
    build(world, tmp_path, NOW)
    assert preview(world, parse("everyone"), Copy(tmp_path)).overlap == {"a": 1, "b": 3, "d": 0}
    refresh_in_copy(world, tmp_path, as_of=NOW)
    assert preview(world, parse("segment(d)"), Copy(tmp_path)).overlap == {"a": 1, "b": 1, "d": 1}


def test_a_changed_definition_makes_the_copy_anew(world: Engine, tmp_path: Path) -> None:
    define(world, s="n >= 1")
    refresh_in_copy(world, tmp_path, as_of=NOW)
    with world.begin() as c:
        attributes.declare(c, [attributes.load({"name": "n", "kind": "count", "of": "ticket"})], "test")
    attributes.refresh(world, as_of=NOW)
    refresh_in_copy(world, tmp_path, as_of=NOW)
    assert set(members(world, "s")) == found(world, "n >= 1") == {2}


def test_a_large_table_comes_over_whole_whatever_its_texts_hold(module_engine: Engine, tmp_path: Path) -> None:
    rows, made = 250_000, """'{"sku": "Ä-' || n || '", "n": ' || n % 7 || '}'"""
    others = "repeat('y', n % 90) as b, 'a, b' as c, case n % 50 when 0 then 'é' end as d"
    query = f"select n, {others}, {made} as t from generate_series(1, {rows}) n"
    columns = {"n": "integer", "b": "varchar", "c": "varchar", "d": "varchar", "t": "varchar"}
    with module_engine.connect() as connection, duckdb.connect() as duck:
        load(connection, duck, tmp_path, "found", query, columns)
        assert duck.execute(f"select count(*), count(*) filter (where t = {made}) from found").fetchall() == [(rows, rows)]
