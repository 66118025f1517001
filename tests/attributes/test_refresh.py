from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, text

from cdp.attributes import DefinitionError, declare, load, queries, refresh, set_rate, shipped, types
from tests.attributes.people import NOW, ago, event, person, uid, values


def defined(engine: Engine, *documents: dict[str, Any]) -> None:
    """Declare these and only these."""
    with engine.begin() as c:
        declare(c, [load(d) for d in documents], "test", withdraw=[d.name for d in shipped()])


def only(engine: Engine, **document: Any) -> dict[int, Any]:
    """The values of one attribute `a` that was declared like this."""
    defined(engine, {"name": "a"} | document)
    refresh(engine, as_of=NOW)
    return {n: found.get("a") for n, found in values(engine).items()}


@pytest.fixture
def shop(engine: Engine) -> Engine:
    with engine.begin() as c:
        person(c, 1, household=1, consents={"email": "granted", "phone": "denied"})
        person(c, 2, household=1)
        person(c, 3)
        event(c, 1, "order", 10, amount=30, currency="EUR", status="paid", items=[{"category": "Shoes"}, {"category": "Hats"}])
        event(c, 1, "order", 40, amount=10, currency="EUR", status="paid", items=[{"category": "Shoes"}])
        event(c, 1, "order", 100, amount=50, currency="EUR", status="cancelled")
        event(c, 2, "order", 5, amount=5, currency="EUR", status="paid", channel="web")
        event(c, 2, "ticket", 3, status="open", channel="phone", properties={"severity": "3", "team": {"name": "blue"}})
        event(c, 2, "ticket", 2, status="closed", channel="phone")
    return engine


def test_counts_are_zero_without_events(shop: Engine) -> None:
    assert only(shop, kind="count", of="order") == {1: 3, 2: 1, 3: 0}


def test_filter_and_window_restrict_what_counts(shop: Engine) -> None:
    assert only(shop, kind="sum", field="amount", of="order", where="status = PAID", window={"last": "30 days"}) == {1: 30, 2: 5, 3: 0}


def test_per_household_takes_in_every_member(shop: Engine) -> None:
    assert only(shop, kind="count", of="order", where="status = paid", per="household") == {1: 3, 2: 3, 3: 0}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"kind": "average", "field": "amount", "of": "order"}, {1: 30, 2: 5, 3: None}),
        ({"kind": "minimum", "field": "amount", "of": "order"}, {1: 10, 2: 5, 3: None}),
        ({"kind": "maximum", "field": "amount", "of": "order"}, {1: 50, 2: 5, 3: None}),
        ({"kind": "first", "field": "status", "of": "*"}, {1: "cancelled", 2: "paid", 3: None}),
        ({"kind": "last", "field": "status", "of": "*"}, {1: "paid", 2: "closed", 3: None}),
        ({"kind": "most_frequent", "field": "items.category", "of": "order"}, {1: "Shoes", 2: None, 3: None}),
        ({"kind": "most_frequent", "field": "channel"}, {1: None, 2: "phone", 3: None}),
        ({"kind": "unique_list", "field": "items.category", "of": "order"}, {1: ["Hats", "Shoes"], 2: None, 3: None}),
        ({"kind": "unique_list", "field": "status", "limit": 1}, {1: ["cancelled"], 2: ["closed"], 3: None}),
        ({"kind": "distinct_count", "field": "status"}, {1: 2, 2: 3, 3: 0}),
        ({"kind": "time_since", "of": "order"}, {1: 10, 2: 5, 3: None}),
        ({"kind": "time_since", "of": "order", "unit": "week"}, {1: 1, 2: 0, 3: None}),
        ({"kind": "time_since", "of": "order", "from": "first"}, {1: 100, 2: 5, 3: None}),
        ({"kind": "time_since", "of": "order", "from": "first", "window": {"last": "20 days"}}, {1: 10, 2: 5, 3: None}),
        ({"kind": "count", "of": "order", "window": {"first": "59 days"}}, {1: 1, 2: 1, 3: 0}),
        ({"kind": "count", "of": "order", "window": {"this": "month"}}, {1: 1, 2: 1, 3: 0}),
        ({"kind": "count", "of": "order", "window": {"previous": "month"}}, {1: 1, 2: 0, 3: 0}),
        ({"kind": "count", "of": "order", "window": {"since": "2026-05-06", "before": "2026-06-06"}}, {1: 2, 2: 0, 3: 0}),
        ({"kind": "maximum", "field": "properties.severity", "of": "ticket"}, {1: None, 2: 3, 3: None}),
        ({"kind": "last", "field": "properties.team.name", "of": "ticket", "where": "status = open"}, {1: None, 2: "blue", 3: None}),
        ({"kind": "trend", "window": {"last": "35 days"}, "of": "order"}, {1: 0, 2: None, 3: None}),
        ({"kind": "count", "of": "*", "where": "hour = 12"}, {1: 3, 2: 3, 3: 0}),
    ],
)
def test_every_kind(shop: Engine, document: dict[str, Any], expected: dict[int, Any]) -> None:
    assert only(shop, **document) == expected


def test_expressions_build_on_each_other_and_division_by_zero_is_missing(shop: Engine) -> None:
    defined(
        shop,
        {"name": "n", "kind": "count", "of": "order"},
        {"name": "cases", "kind": "count", "of": "ticket"},
        {"name": "per_ticket", "kind": "expression", "expression": "n / cases"},
        {"name": "score", "kind": "expression", "expression": "-(band(n, 1, 3) + coalesce(per_ticket, 0)) * 2"},
    )
    refresh(shop, as_of=NOW)
    found = values(shop)
    assert [found[n].get("per_ticket") for n in (1, 2, 3)] == [None, 0.5, None]
    assert [found[n]["score"] for n in (1, 2, 3)] == [-6, -5, -2]


def test_sql_sees_the_views_scoped_to_the_people(shop: Engine) -> None:
    query = "select profile_id, sum(quantity * unit_price) as value from item group by profile_id"
    assert only(shop, kind="sql", type="number", query=query) == {1: None, 2: None, 3: None}
    query = "select profile_id, count(*) as value from event group by profile_id having count(*) % 2 = 1"
    assert only(shop, kind="sql", type="number", query=query) == {1: 3, 2: 3, 3: None}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select id as profile_id, 1 as value from profile", "it reads profile"),
        ("select profile_id, pg_sleep(100) as value from person", "pg_sleep cannot be called"),
        ("select profile_id, 1 as value from person; drop table profile", "no semicolon"),
        ("delete from golden", "PostgreSQL refuses it"),
        ("select profile_id, 1 as other from person", "columns profile_id and value"),
        ("select a.profile_id, count(*) as value from event a, event b, event c, event d, event e group by 1", "take hours"),
        ("select profile_id, nothing as value from person", 'column "nothing" does not exist'),
    ],
)
def test_a_query_that_may_not_run_is_refused_when_declared(shop: Engine, query: str, reason: str) -> None:
    with shop.begin() as c:
        c.execute(
            text(
                "insert into interaction (source_id, stream, source_key, kind, at, canonical, raw, content_hash, profile_id) "
                "select source_id, stream, 'x' || id || '-' || g, kind, at, canonical, raw, content_hash, profile_id "
                "from interaction, generate_series(1, 400) g"
            )
        )
    with shop.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(text("analyze"))
    with pytest.raises(DefinitionError, match=reason):
        defined(shop, {"name": "q", "kind": "sql", "type": "number", "query": query})


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select profile_id, 'x' as value from person", "its value is no number"),
        ("select profile_id, values as value from person", "its value is no number"),
        ("select profile_id, amount / (amount - amount) as value from event", r"fails on the data \(DivisionByZero\)"),
        ("select profile_id, (properties ->> 'severity')::numeric / 0 as value from event", "DivisionByZero"),
        ("select profile_id, kind::numeric as value from event", r"\(InvalidTextRepresentation\)"),
        ("select profile_id, amount as value from event", "several rows for one person"),
        ("select profile_id, (select count(*) from generate_series(1, 1000000000)) as value from person", "would take hours"),
    ],
)
def test_a_query_that_fails_or_crawls_is_refused_when_declared(
    shop: Engine, monkeypatch: pytest.MonkeyPatch, query: str, reason: str
) -> None:
    monkeypatch.setattr(queries, "_TRIAL_SECONDS", 0.2)
    with pytest.raises(DefinitionError, match=reason):
        defined(shop, {"name": "q", "kind": "sql", "type": "number", "query": query})
    with shop.connect() as c:
        assert "q" not in types(c)


def test_amounts_meet_in_the_base_currency_and_an_unknown_one_is_left_out(shop: Engine) -> None:
    with shop.begin() as c:
        event(c, 3, "order", 1, amount=100, currency="JPY")
        event(c, 3, "order", 1, amount=10, currency="CHF")
        set_rate(c, "EUR", Decimal(1))
        set_rate(c, "CHF", Decimal("1.05"))
    assert only(shop, kind="sum", field="value", of="order") == {1: 90, 2: 5, 3: 10.5}


def test_the_shipped_definitions_compute(shop: Engine) -> None:
    report = refresh(shop, as_of=NOW)
    assert (report.profiles, report.full, report.attributes) == (3, True, len(shipped()))
    found = values(shop)
    assert found[1]["recency"] == 10
    assert found[1]["lifetime_value"] == 40
    assert found[1]["rfm_score"] == 521
    assert found[2]["open_tickets"] == 1
    assert found[1]["household_value"] == 45
    assert found[1]["consents_granted"] == ["email"]
    assert found[1]["favourite_category"] == "Shoes"


def test_a_value_knows_when_and_from_how_many_events(shop: Engine) -> None:
    refresh(shop, as_of=NOW)
    with shop.connect() as c:
        row = c.execute(text("select as_of, inputs from profile_attribute where profile_id = :id"), {"id": uid(1)}).one()
    assert row.as_of == NOW
    assert row.inputs["frequency"] == 2


def test_a_deleted_event_and_a_merged_profile_are_gone(shop: Engine) -> None:
    defined(shop, {"name": "n", "kind": "count"})
    refresh(shop, as_of=NOW)
    with shop.begin() as c:
        c.execute(text("update interaction set deleted_at = now() where profile_id = :a and kind = 'ticket'"), {"a": uid(2)})
        c.execute(text("update interaction set profile_id = :b where profile_id = :a"), {"a": uid(1), "b": uid(3)})
        c.execute(text("update profile set merged_into = :b where id = :a"), {"a": uid(1), "b": uid(3)})
    refresh(shop, [uid(1), uid(2), uid(3)], as_of=NOW)
    assert {n: v["n"] for n, v in values(shop).items()} == {2: 1, 3: 3}


def test_time_alone_moves_values(shop: Engine) -> None:
    defined(
        shop,
        {"name": "n", "kind": "count", "of": "order", "window": {"last": "15 days"}},
        {"name": "r", "kind": "time_since", "of": "order"},
    )
    refresh(shop, as_of=NOW)
    assert values(shop)[1] == {"n": 1, "r": 10}
    report = refresh(shop, [], as_of=ago(-6))
    assert not report.full
    assert values(shop)[1] == {"n": 0, "r": 16}
    assert report.changed == (uid(1), uid(2))


def test_days_are_counted_on_with_what_builds_on_them_and_no_event_is_read(shop: Engine) -> None:
    defined(
        shop,
        {"name": "r", "kind": "time_since", "of": "order"},
        {"name": "old", "kind": "time_since", "of": "order", "from": "first"},
        {"name": "n", "kind": "count", "of": "order"},
        {"name": "weekly", "kind": "expression", "expression": "n * 7 / (r - 16)"},
        {"name": "score", "kind": "expression", "expression": "6 - band(r, 11, 20) + n"},
        {"name": "twice", "kind": "expression", "expression": "score * 2 - coalesce(weekly, 1)"},
    )
    refresh(shop, as_of=NOW)
    with shop.begin() as c:
        c.execute(text("update interaction set deleted_at = now()"))
    report = refresh(shop, [], as_of=ago(-6))
    assert report.changed == (uid(1), uid(2))
    assert values(shop)[1] == {"r": 16, "old": 106, "n": 3, "score": 7, "twice": 13}
    assert values(shop)[2] == {"r": 11, "old": 11, "n": 1, "weekly": -1.4, "score": 5, "twice": 11.4}


def test_a_changed_definition_computes_everybody(shop: Engine) -> None:
    defined(shop, {"name": "n", "kind": "count"})
    assert refresh(shop, [], as_of=NOW).full
    assert not refresh(shop, [], as_of=NOW).full
    defined(shop, {"name": "n", "kind": "count", "of": "order"})
    assert refresh(shop, [], as_of=NOW).full


def test_an_entry_point_computes(shop: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "longest_gap"

        @staticmethod
        def load() -> Any:
            def gaps(people: Any, events: Any, as_of: Any) -> list[int | None]:
                assert as_of == NOW
                counts = events.column("profile_id").to_pylist()
                return [counts.count(p) or None for p in people.column("profile_id").to_pylist()]

            return gaps

    monkeypatch.setattr("cdp.attributes.functions.entry_points", lambda group: [Point])
    assert only(shop, kind="python", type="number", function="longest_gap") == {1: 3, 2: 3, 3: None}
    with pytest.raises(DefinitionError, match="no entry point"):
        only(shop, kind="python", type="number", function="other")


def test_batches_side_by_side_give_what_one_gives(shop: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with shop.begin() as c:
        for n in range(4, 14):
            person(c, n, household=n // 3)
            event(c, n, "order", n, amount=n, currency="EUR", status="paid")
    refresh(shop, as_of=NOW)
    together = values(shop)
    monkeypatch.setattr(sys.modules["cdp.attributes.refresh"], "BATCH", 2)  # the package names the function alike
    done: list[int] = []
    with shop.begin() as c:
        c.execute(text("truncate profile_attribute"))
    report = refresh(shop, as_of=NOW, progress=lambda n, _: done.append(n))
    assert values(shop) == together
    assert (report.profiles, done) == (13, [2, 4, 6, 8, 10, 12, 13])
