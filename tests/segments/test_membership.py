from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from cdp import attributes
from cdp.attributes import DefinitionError
from cdp.segments.compile import Compiler, Live
from cdp.segments.explain import explain
from cdp.segments.membership import members_as_of, refresh
from cdp.segments.store import delete, save, segments
from cdp.segments.text import parse, write
from tests.attributes.people import NOW, ago, event, uid
from tests.segments.conditions import conditions


def found(engine: Engine, condition: Any, now: datetime = NOW) -> set[int]:
    with engine.connect() as c:
        known = {name: s.id for name, s in segments(c).items()}
        statement = Compiler(Live(attributes.types(c)), now, known).people(parse(condition) if isinstance(condition, str) else condition)
        return {row.int & 0xFFFF for row in c.execute(statement).scalars()}


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ("everyone", {1, 2, 3}),
        ("city = berlin", {1}),
        ("city != berlin", {2, 3}),
        ("city starts with BER", {1, 2}),
        ("city ends with s", {3}),
        ("city contains er", {1, 2}),
        ("city in (Paris, Bern)", {2, 3}),
        ("city not in (Paris, Bern)", {1}),
        ("city contains any (ari, erl)", {1, 3}),
        ('email ends with "@example.com"', {1}),
        ("email contains all (org, com)", {1}),
        ("phone exists", set()),
        ("given_name is missing", {3}),
        ("custom.tier = gold", {2}),
        ("birth_date before 1985-01-01", {3}),
        ("birth_date = 1990", {1}),
        ("birth_date between 1980 and 1990", {1, 3}),
        ("birth_date anniversary within next 7 days", {1, 2}),
        ("birth_date anniversary within next 2 days", {2}),
        ("age >= 18", {1}),
        ("age = 17", {2}),
        ("first_seen_at before last 1 year", {1, 2, 3}),
        ("last_seen_at within last 2 days and not last_seen_at = 2026-06-13", {1, 2, 3}),
        ("consent(email)", {1}),
        ("consent(email) = denied", {2}),
        ("consent(email) = unknown", {3}),
        ("n >= 1", {1}),
        ("n = 0", {2, 3}),
        ("recent < 6", {2}),
        ("n < @recent", {1, 2}),
        ("orders.count >= 2", {1}),
        ("orders.count < 2", {2, 3}),
        ("orders.count between 0 and 1", {2, 3}),
        ("orders.count in last 7 days >= 1", {2}),
        ("orders.count in this month = 2", set()),
        ("orders.count in this month >= 1", {1, 2}),
        ("orders.count in previous month >= 1", {1}),
        ("orders.count between 2026-06-01 and 2026-06-10 = 1", {1}),
        ("orders.count in first 2 days >= 1", {1}),
        ("never orders in last 20 days", {3}),
        ("did orders[amount > 40]", {2}),
        ("did orders[items.category = shoes]", {1}),
        ("did orders[properties.level >= 12]", {1}),
        ("did orders[properties.code = X1]", {1}),
        ("did orders[amount > @n and status = cancelled]", {2}),
        ("orders.sum(amount) > 35", {1, 2}),
        ("orders.sum(amount) = 0", {3}),
        ("orders.average(amount) >= 50", {2}),
        ("orders.average(amount) < 1", set()),
        ("orders.maximum(amount) = 30", {1}),
        ("orders.distinct(status) = 1", {1, 2}),
        ("tickets.count > 0", {2}),
        ("interactions[channel exists].count >= 1", {2}),
        ("sequence(page_views then orders within 2 days)", {1}),
        ("sequence(page_views then orders)", {1, 2}),
        ("sequence(page_views then orders without tickets)", {1}),
        ("sequence(page_views then orders then returns)", {1}),
        ("sequence(page_views then not orders within 10 days)", {2}),
        ("sequence(orders then not returns within 20 days)", {1}),
        ("sequence(orders then not returns within 60 days)", set()),
        ("sequence(page_views then orders) in last 25 days", {2}),
        ("sequence(orders then orders[amount < @before.amount])", {1}),
        ("sequence(orders then orders[amount > @before.amount])", set()),
        ("sequence(page_views then orders then returns[amount = @before.amount and amount < @recent])", set()),
        ("sequence(page_views then orders then returns[amount = @before.amount and amount >= @recent] within 3 days)", {1}),
        ("sequence(orders then tickets without returns[amount = @before.amount])", set()),
        ("sequence(page_views[name = pricing] then not orders[status = @before.name] within 5 days)", {1, 2}),
        ("sequence(orders[properties.code = x1] then orders[properties.level > @before.properties.level])", {1}),
        ('id in ("01900000-0000-7000-8000-000000000002", "x")', {2}),
        ("tickets.sum(duration) > 0", {2}),
        ("tickets[duration between 600 and 700].count = 1", {2}),
        ("household any (consent(email))", {1, 2}),
        ("household all (did orders)", {1, 2}),
        ("household none (did orders)", {3}),
        ("household all (city = Paris)", {3}),
        ("random(0, 100)", {1, 2, 3}),
        ("random(0, 2)", {1}),
        ("not (city = berlin or consent(email) = unknown)", {2}),
        ("source exists", set()),
    ],
)
def test_every_condition(same_world: Engine, condition: str, people: set[int]) -> None:
    assert found(same_world, condition) == people


@given(conditions)
@settings(max_examples=30, deadline=None)
def test_a_negation_is_the_complement(same_world: Engine, condition: Any) -> None:
    assert found(same_world, condition) ^ found(same_world, parse(f"not ({write(condition)})")) == {1, 2, 3}


def members(engine: Engine, name: str) -> dict[int, datetime]:
    statement = "select profile_id, entered_at from segment_member m join segment s on s.id = m.segment_id where name = :n order by 1"
    with engine.connect() as c:
        return {row.profile_id.int & 0xFFFF: row.entered_at for row in c.execute(text(statement), {"n": name})}


def define(engine: Engine, **conditions_: str) -> None:
    with engine.begin() as c:
        for name, condition in conditions_.items():
            save(c, name, condition, "test")


def changes(engine: Engine) -> list[tuple[int, str, str]]:
    with engine.connect() as c:
        rows = c.execute(text("select profile_id, change, cause from segment_change order by id")).all()
        return [(row.profile_id.int & 0xFFFF, row.change, row.cause) for row in rows]


def test_entry_and_exit_are_recorded_once(world: Engine) -> None:
    define(world, buyers="orders.count in last 20 days >= 1")
    refresh(world, as_of=NOW)
    refresh(world, as_of=NOW)
    assert members(world, "buyers") == {1: NOW, 2: NOW}
    report = refresh(world, [], as_of=ago(-12))
    assert (report.segments[0].left, report.segments[0].decided) == (1, 2)
    assert members(world, "buyers") == {2: NOW}
    assert changes(world) == [(1, "entered", "condition"), (2, "entered", "condition"), (1, "left", "condition")]
    with world.connect() as c:
        assert members_as_of(c, "buyers", ago(-3)) == [uid(1), uid(2)]
        assert members_as_of(c, "buyers", ago(-13)) == [uid(2)]
        assert members_as_of(c, "buyers", ago(1)) == []


def test_segments_of_segments_follow_without_being_named_changed(world: Engine) -> None:
    define(world, a_buyers="orders.count >= 1")
    define(world, a="segment(a_buyers) and city = Paris")
    refresh(world, as_of=NOW)
    with world.begin() as c:
        event(c, 3, "order", 1)
    refresh(world, [uid(3)], as_of=NOW)
    assert set(members(world, "a")) == {3}


def test_a_merge_continues_the_stay_and_a_split_gives_it_back(world: Engine) -> None:
    define(world, buyers="orders.count >= 1")
    refresh(world, as_of=ago(3))
    with world.begin() as c:
        c.execute(text("update profile set merged_into = :b where id = :a"), {"a": uid(1), "b": uid(3)})
        c.execute(text("update interaction set profile_id = :b where profile_id = :a"), {"a": uid(1), "b": uid(3)})
    refresh(world, [uid(1), uid(3)], as_of=ago(2))
    assert members(world, "buyers") == {2: ago(3), 3: ago(3)}
    assert changes(world)[2:] == [(3, "entered", "merged"), (1, "left", "merged")]
    with world.begin() as c:
        c.execute(text("update profile set merged_into = null where id = :a"), {"a": uid(1)})
        c.execute(text("update interaction set profile_id = :a where profile_id = :b and kind <> 'ticket'"), {"a": uid(1), "b": uid(3)})
    refresh(world, [uid(1), uid(3)], as_of=ago(1))
    assert members(world, "buyers") == {1: ago(3), 2: ago(3)}
    assert changes(world)[4:] == [(1, "entered", "split"), (3, "left", "condition")]


def test_a_changed_condition_is_decided_for_everybody(world: Engine) -> None:
    define(world, s="city = Berlin")
    refresh(world, as_of=NOW)
    define(world, s="city = Paris")
    report = refresh(world, [], as_of=NOW)
    assert report.segments[0].decided is None
    assert set(members(world, "s")) == {3}
    assert changes(world)[1:] == [(3, "entered", "definition"), (1, "left", "definition")]


def test_a_segment_that_others_name_stays(world: Engine) -> None:
    define(world, s="everyone")
    define(world, t="segment(s)")
    with world.begin() as c, pytest.raises(DefinitionError, match="named by segment t"):
        delete(c, "s")
    with world.begin() as c:
        delete(c, "t")
        delete(c, "s")
    refresh(world, as_of=NOW)
    assert members(world, "s") == {}


def test_why_tells_each_part_with_the_value_seen(world: Engine) -> None:
    condition = parse("orders.count >= 2 and (city = Bern or not consent(email)) and orders.sum(amount) > 100")
    with world.connect() as c:
        why = explain(c, condition, uid(1), NOW)
    assert not why.holds
    count, either, total = why.parts
    assert (count.holds, count.seen) == (True, "2")
    assert [(p.holds, p.seen) for p in either.parts] == [(False, "berlin"), (False, None)]
    assert either.parts[1].parts[0].seen == "granted"
    assert (total.holds, total.seen) == (False, "40")
    with world.connect() as c, pytest.raises(DefinitionError, match="no living profile"):
        explain(c, condition, UUID(int=9), NOW)


def test_why_counts_who_of_the_household_meets_it(world: Engine) -> None:
    with world.connect() as c:
        told = [explain(c, parse("household all (consent(email))"), uid(n), NOW) for n in (1, 3)]
    assert [(why.holds, why.seen) for why in told] == [(False, "1 of 2 in the household"), (False, "0 of 1 in the household")]


_happening = st.tuples(
    st.sampled_from(["order", "ticket", "page_view"]),
    st.integers(1, 3),
    st.floats(-3, 40),
    st.sampled_from(["paid", "open"]),
    st.integers(0, 60),
)


@pytest.mark.long
@given(conditions, st.lists(_happening, max_size=5), st.integers(0, 40), st.integers(0, 3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_refresh_of_what_changed_is_a_refresh_of_everybody(
    world: Engine, condition: Any, events: list[Any], days: int, merge: int
) -> None:
    """Full, then something happens and time passes: deciding only the changed gives the members that deciding everybody gives."""
    with world.connect() as connection, connection.begin() as outer:
        inner = _Nested(connection)
        with connection.begin_nested():
            save(connection, "s", write(condition), "test")
        if merge == 3:
            _merge(connection, 1, 3)
        attributes.refresh(inner, as_of=NOW)
        refresh(inner, as_of=NOW)
        changed = set()
        for kind, n, at, status, amount in events:
            event(connection, n, kind, at, status=status, amount=amount, properties={"level": amount})
            changed.add(uid(n))
        if merge == 1:
            _merge(connection, 2, 3)
            changed |= {uid(2), uid(3)}
        if merge == 3:  # they part again, and what happened is shared out
            connection.execute(text("update profile set merged_into = null where id = :a"), {"a": uid(1)})
            connection.execute(
                text("update interaction set profile_id = :a where profile_id = :b and kind = 'order'"), {"a": uid(1), "b": uid(3)}
            )
            changed |= {uid(1), uid(3)}
        if merge == 2:
            connection.execute(text("update profile set household_id = null where id = :a"), {"a": uid(2)})
            changed |= {uid(1), uid(2)}
        later = ago(-days)
        report = attributes.refresh(inner, changed, as_of=later)
        assert not report.full
        refresh(inner, changed | set(report.changed or ()), as_of=later)
        partial = _members(connection)
        values = connection.execute(text('select profile_id, "values" from profile_attribute order by 1')).all()
        attributes.refresh(inner, as_of=later)
        refresh(inner, as_of=later)
        assert connection.execute(text('select profile_id, "values" from profile_attribute order by 1')).all() == values
        assert _members(connection) == partial
        outer.rollback()


def _merge(connection: Any, a: int, b: int) -> None:
    connection.execute(text("update profile set merged_into = :b where id = :a"), {"a": uid(a), "b": uid(b)})
    connection.execute(text("update interaction set profile_id = :b where profile_id = :a"), {"a": uid(a), "b": uid(b)})


def _members(connection: Any) -> list[UUID]:
    return list(connection.execute(text("select profile_id from segment_member order by 1")).scalars())


class _Nested:
    """An engine whose transactions are savepoints of one that is rolled back."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def begin(self) -> Any:
        connection = self._connection

        class Savepoint:
            def __enter__(self) -> Any:
                self.point = connection.begin_nested()
                for name in ("attribute_scope", "attribute_raw", "attribute_extra", "attribute_affected", "attribute_event"):
                    connection.execute(text(f"drop table if exists {name}"))
                return connection

            def __exit__(self, kind: Any, *_: Any) -> None:
                self.point.rollback() if kind else self.point.commit()

        return Savepoint()
