"""Customers whom only interactions name: the newest word on each field, every contact point, whatever order and pages they come in."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from cdp.ingest.named import absorb, document_of
from cdp.settings import Settings
from tests.ingest.world import add_source, rows, sync_all, write_csv

MAPPING = {
    "streams": {
        "sales": {
            "interaction": {"source_key": "id", "kind": {"const": "order"}, "at": "at", "customer_key": "card"},
            "customer": {"given_name": "first", "family_name": "last", "emails": "mail", "phones": "tel", "attributes": {"tier": "tier"}},
        }
    }
}
SALES = [
    {"id": "1", "at": "2026-01-01", "card": "C7", "first": "Ann", "last": "Lee", "mail": "ann@old.example", "tel": "", "tier": "gold"},
    {"id": "2", "at": "2026-03-01", "card": "C7", "first": "Anne", "last": "", "mail": "ann@new.example", "tel": "", "tier": ""},
    {"id": "3", "at": "2026-02-01", "card": "C7", "first": "Anna", "last": "Lee-Ray", "mail": "", "tel": "+49301234567", "tier": "silver"},
    {"id": "4", "at": "2026-03-05", "card": "", "first": "Nobody", "last": "", "mail": "no@body.example", "tel": "", "tier": ""},
]


def stored(engine: Engine) -> dict[str, Any]:
    found = rows(engine, "select source_key, canonical from record")
    return {row.source_key: {name: value for name, value in row.canonical.items() if name != "issues"} for row in found}


@pytest.mark.parametrize("cut", [4, 2, 1])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_all_that_interactions_say_lands(engine: Engine, settings: Settings, tmp_path: Path, cut: int, seed: int | None) -> None:
    sales = SALES if seed is None else random.Random(seed).sample(SALES, len(SALES))
    folder = tmp_path / "drop"
    folder.mkdir()
    mapping = {"streams": {"sales": MAPPING["streams"]["sales"]}}
    for number, part in enumerate(_batched(sales, cut)):
        write_csv(folder / f"{number}.csv", part)
        if number == 0:
            add_source(engine, folder, mapping, config={"streams": {"sales": str(folder / "*.csv")}, "key": "id"})
        assert sync_all(engine, settings).ok
    found = stored(engine)
    assert set(found) == {"C7"}
    assert found["C7"] == {
        "source_key": "C7",
        "kind": "person",
        "given_name": "Anne",
        "family_name": "Lee-Ray",
        "emails": ["ann@new.example", "ann@old.example"],
        "phones": ["+49301234567"],
        "attributes": {"tier": "silver"},
    }


def _batched(values: list[Any], size: int) -> list[list[Any]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def test_what_says_nothing_else_changes_nothing(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "sales.csv", SALES)
    add_source(engine, path, MAPPING)
    sync_all(engine, settings)
    (before,) = rows(engine, "select changed_at, canonical from record")
    write_csv(path, [*SALES, SALES[1] | {"id": "5", "at": "2026-04-01"}])
    sync_all(engine, settings)
    assert rows(engine, "select changed_at, canonical from record") == [before]


words = st.fixed_dictionaries(
    {"source_key": st.just("k")},
    optional={
        "given_name": st.sampled_from("ab"),
        "emails": st.lists(st.sampled_from(["x@a.example", "y@a.example"]), min_size=1, unique=True),
        "attributes": st.dictionaries(st.sampled_from("mn"), st.integers(0, 2), min_size=1),
    },
)


@given(
    said=st.lists(st.tuples(words, st.sampled_from(["", "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"])), max_size=6),
    data=st.data(),
)
def test_order_does_not_matter(said: list[tuple[dict[str, Any], str]], data: st.DataObject) -> None:
    ends = []
    for order in (said, data.draw(st.permutations(said)), [*said, *said]):
        state = None
        for document, at in order:
            state = absorb(state, document, at)
        ends.append(state and document_of(state))
    assert all(end == ends[0] for end in ends)


def test_a_changed_mapping_reaches_customers_whom_interactions_name(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "sales.csv", SALES)
    sales = MAPPING["streams"]["sales"]
    add_source(engine, path, {"streams": {"sales": sales | {"customer": {"given_name": "first"}}}})
    sync_all(engine, settings)
    assert "emails" not in stored(engine)["C7"]
    add_source(engine, path, MAPPING)
    sync_all(engine, settings)
    assert stored(engine)["C7"]["emails"] == ["ann@new.example", "ann@old.example"]


CUSTOMERS = {
    "all": MAPPING["streams"]["sales"]["customer"],
    "less": {"given_name": "first", "emails": "mail"},
    "other": {"given_name": "last", "phones": "tel"},
}


@pytest.mark.parametrize(("before", "after"), [("all", "less"), ("all", "other"), ("less", "all"), ("all", None)])
def test_a_changed_mapping_gives_the_customers_of_a_first_sync(
    engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str | None
) -> None:
    monkeypatch.setattr("cdp.ingest.remap._BATCH", 3)
    more = [
        {"id": f"n{n}", "at": "2026-01-05", "card": f"C{n}", "first": "Bo", "last": "", "mail": "", "tel": "", "tier": ""} for n in (1, 2)
    ]
    path = write_csv(tmp_path / "sales.csv", [*SALES, *more])
    sales = MAPPING["streams"]["sales"]

    def add(kind: str | None, name: str) -> None:
        add_source(
            engine,
            path,
            {"streams": {"sales": sales | {"customer": CUSTOMERS[kind]} if kind else {"interaction": sales["interaction"]}}},
            name=name,
        )
        assert sync_all(engine, settings).ok

    def landed(name: str) -> list[Any]:
        query = """select source_key, r.raw, canonical from record r join source s on s.id = r.source_id
                   where s.name = :name and deleted_at is null order by 1"""
        return rows(engine, query, name=name)

    add(before, "old")
    add(after, "old")
    add(after, "new")
    assert landed("old") == landed("new")
    assert bool(landed("new")) == (after is not None)
    add(before, "old")
    add(before, "newer")
    assert landed("old") == landed("newer"), "and back"
