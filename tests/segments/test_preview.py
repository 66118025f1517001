from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine

from cdp.segments.columnar import Columnar, Copy
from cdp.segments.compile import Compiler
from cdp.segments.deciding import build
from cdp.segments.membership import refresh
from cdp.segments.preview import execute, preview
from cdp.segments.text import parse
from tests.attributes.people import NOW, event, uid
from tests.segments.conditions import conditions
from tests.segments.test_membership import define, found


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=conditions)
def test_the_columnar_copy_finds_the_same_people(world: Engine, copies: dict[str, Copy], tmp_path: Path, condition: Any) -> None:
    if "copy" not in copies:
        copies["copy"] = _built(world, tmp_path)
    copy = copies["copy"]
    with copy.open() as opened:
        assert opened is not None
        duck, catalogue = opened
        people = Compiler(Columnar(catalogue.attributes), NOW, {}).people(condition)
        numbers = {row[0] + 1 for row in execute(duck, people)}
    assert numbers == found(world, condition)


def _built(world: Engine, folder: Path) -> Copy:
    build(world, folder, NOW)
    return Copy(folder)


def test_a_preview_breaks_down_what_it_counts_and_both_ways_agree(world: Engine, tmp_path: Path) -> None:
    define(world, buyers="orders.count >= 1", parisians="city = Paris")
    refresh(world, as_of=NOW)
    copy = _built(world, tmp_path)
    condition = parse(
        "did orders or tickets.count >= 1 or custom.tier = gold and segment(buyers) and source = crm and last_seen_at after 2026-01-01"
    )
    quick, live = preview(world, condition, copy), preview(world, condition, as_of=NOW)
    assert (quick.engine, live.engine) == ("columnar", "live")
    assert quick.count == live.count == 2
    assert quick.total == live.total == 3
    assert set(quick.sample) == set(live.sample) == {uid(1), uid(2)}
    assert quick.overlap == live.overlap == {"buyers": 2, "parisians": 0}
    assert quick.by_source == live.by_source
    assert quick.as_of == NOW


def test_a_newer_copy_is_taken_up(world: Engine, tmp_path: Path) -> None:
    copy = _built(world, tmp_path)
    assert preview(world, parse("everyone"), copy).count == 3
    with world.begin() as c:
        from tests.attributes.people import person

        person(c, 4)
    build(world, tmp_path)
    assert preview(world, parse("everyone"), copy).count == 4
    assert len(list(tmp_path.iterdir())) == 2


def test_what_was_declared_after_the_copy_is_counted_in_the_database(world: Engine, tmp_path: Path) -> None:
    copy = _built(world, tmp_path)
    define(world, buyers="orders.count >= 1")
    refresh(world, as_of=NOW)
    made = preview(world, parse("segment(buyers)"), copy, as_of=NOW)
    assert (made.engine, made.count) == ("live", 2)


def test_the_copy_compares_numbers_with_all_their_digits(world: Engine, tmp_path: Path) -> None:
    with world.begin() as c:
        event(c, 3, "order", 4, amount=19.9)
    copy = _built(world, tmp_path)
    for written in ("did orders[amount = 19.9]", "did orders and orders.sum(amount) <= 19.9", "did orders[amount in (19.9, 7)]"):
        assert [made.count for made in (preview(world, parse(written), copy), preview(world, parse(written), as_of=NOW))] == [1, 1], written


def test_a_sum_of_cents_reaches_the_amount_that_it_is(world: Engine, tmp_path: Path) -> None:
    """0.7 and 0.1 are a little less than 0.8 in binary."""
    with world.begin() as c:
        for amount in (0.7, 0.1):
            event(c, 3, "order", 4, amount=amount)
    copy = _built(world, tmp_path)
    for written in ("sum(amount) >= 0.8", "sum(amount) = 0.8", "sum(amount) between 0.8 and 1", "average(amount) = 0.4"):
        condition = parse(f"orders.{written} and not orders[amount > 1].count > 0")
        assert [made.count for made in (preview(world, condition, copy), preview(world, condition, as_of=NOW))] == [1, 1], written
    for written in ("sum(amount) > 0.8", "sum(amount) < 0.8", "sum(amount) != 0.8"):
        assert uid(3) not in preview(world, parse(f"orders.{written}"), copy).sample


def test_the_ends_of_the_calendar_are_days_like_others(world: Engine, tmp_path: Path) -> None:
    copy = _built(world, tmp_path)
    counts = {
        "birth_date <= 9999-12-31": 3,
        "birth_date = 9999": 0,
        "last_seen_at <= 9999-12-31": 3,
        "last_seen_at > 9999": 0,
        "orders.count since 0001-01-01 >= 1": 2,
        "orders.count in last 200 years >= 1": 2,
        "birth_date = 1990-06 or birth_date = 2008": 2,
        "last_seen_at = 2026-06": 3,
    }
    for written, count in counts.items():
        condition = parse(written)
        assert [preview(world, condition, copy).count, preview(world, condition, as_of=NOW).count] == [count, count], written
