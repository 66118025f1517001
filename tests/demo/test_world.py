"""The company is the same every time, is as large as promised, and what is told about it is true."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from cdp.demo import DemoWorld, generate, telling_merges
from cdp.records.contracts import check
from cdp.records.mapping import Mapping

PEOPLE = 400


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> DemoWorld:
    return generate(tmp_path_factory.mktemp("demo"), people=PEOPLE)


def rows_of(folder: Path) -> dict[str, list[object]]:
    """Every table of the company, read as rows."""
    book = load_workbook(folder / "branch_offices" / "branches.xlsx", read_only=True)
    found: dict[str, list[object]] = {sheet.title: list(sheet.values) for sheet in book.worksheets}
    crm = sqlite3.connect(folder / "sales_crm" / "crm.sqlite")
    for table in ("contacts", "opportunities", "activities"):
        found[table] = crm.execute(f"select * from {table} order by 1").fetchall()
    crm.close()
    for path in sorted(folder.rglob("*.parquet")):
        found[path.stem] = pq.read_table(path).to_pylist()
    return found


def test_the_same_seed_makes_the_same_company(world: DemoWorld, tmp_path: Path) -> None:
    again = generate(tmp_path, people=PEOPLE)
    for path in [*world.folder.rglob("*.csv"), *world.folder.rglob("*.jsonl")]:
        assert path.read_bytes() == (tmp_path / path.relative_to(world.folder)).read_bytes(), path.name
    assert rows_of(world.folder) == rows_of(tmp_path)
    assert again.stories == world.stories


def test_another_seed_makes_another_company(world: DemoWorld, tmp_path: Path) -> None:
    generate(tmp_path, seed=7, people=PEOPLE)
    assert (tmp_path / "newsletter" / "subscribers.csv").read_bytes() != (world.folder / "newsletter" / "subscribers.csv").read_bytes()


def test_the_size_is_in_proportion(world: DemoWorld) -> None:
    assert 2.0 * PEOPLE < world.records < 2.8 * PEOPLE
    assert 15 * PEOPLE < world.interactions < 28 * PEOPLE
    assert len(set(world.truth["source"].to_pylist())) == 5


def test_every_definition_and_mapping_is_valid(world: DemoWorld) -> None:
    for definition in world.sources:
        check(definition, "source", definition["name"])
        assert Mapping.load(definition["mapping"]).streams


def test_every_interaction_belongs_to_a_customer_record_and_none_is_before_it(world: DemoWorld) -> None:
    customers = {
        row["customer_id"]: row["registered_at"].date()
        for row in pq.read_table(world.folder / "web_shop" / "customers.parquet").to_pylist()
    }
    orders = pq.read_table(world.folder / "web_shop" / "orders.parquet").to_pylist()
    assert orders
    assert all(row["ordered_at"].date() >= customers[row["customer_id"]] for row in orders)


def test_contact_points_are_reserved_for_examples(world: DemoWorld) -> None:
    text = (world.folder / "support_desk" / "requesters.jsonl").read_text("utf-8")
    emails = {row["email"] for row in pq.read_table(world.folder / "web_shop" / "customers.parquet").to_pylist()} - {None}
    assert all(email.split("@")[1] in ("example.com", "example.org", "example.net") or email.endswith(".example") for email in emails)
    assert "@example" in text
    phones = [row["phone"] for row in pq.read_table(world.folder / "web_shop" / "customers.parquet").to_pylist() if row["phone"]]
    american = ["".join(c for c in phone if c.isdigit()).removeprefix("1") for phone in phones if not phone.startswith("+49")]
    assert american
    assert {number[3:8] for number in american} <= {"55501", "55555", "00000"}


def test_complaints_are_followed_by_returns(world: DemoWorld) -> None:
    returns = {(row["order_id"]): row["returned_at"] for row in pq.read_table(world.folder / "web_shop" / "returns.parquet").to_pylist()}
    tickets = [json.loads(line) for line in (world.folder / "support_desk" / "tickets.jsonl").open(encoding="utf-8")]
    complaints = [row for row in tickets if row["topic"] == "complaint"]
    followed = [
        row for row in complaints if row["order"] in returns and returns[row["order"]].strftime("%Y-%m-%dT%H") >= row["created_at"][:13]
    ]
    assert complaints
    assert len(followed) / len(complaints) > 0.25


def test_the_season_shows(world: DemoWorld) -> None:
    orders = pq.read_table(world.folder / "web_shop" / "orders.parquet").to_pylist()
    months = Counter(row["ordered_at"].month for row in orders)
    assert months[12] > months[2]
    garden = Counter(row["ordered_at"].month for row in orders for item in row["items"] if item["category"] == "Garden")
    assert sum(garden[month] for month in (4, 5, 6)) > sum(garden[month] for month in (10, 11, 12)) / 2


def perfect(truth: pa.Table) -> dict[tuple[str, str, str], str]:
    return {(row["source"], row["stream"], row["source_key"]): f"p{row['person_id']}" for row in truth.to_pylist()}


def test_a_perfect_resolution_tells_five_stories_that_are_right(world: DemoWorld) -> None:
    told = telling_merges(world.stories, world.truth, perfect(world.truth))
    assert [telling.kind for telling in told] == ["everywhere", "marriage", "nickname", "twins", "namesakes"]
    assert all(telling.right for telling in told)
    assert len({key[0] for key in told[0].records[0]}) == 5
    assert [len(telling.profiles) for telling in told] == [1, 1, 1, 2, 2]


def test_one_profile_for_everybody_is_told_as_wrong(world: DemoWorld) -> None:
    told = telling_merges(world.stories, world.truth, dict.fromkeys(perfect(world.truth), "all"))
    assert not any(telling.right for telling in told)


def test_a_profile_for_each_record_is_told_as_wrong(world: DemoWorld) -> None:
    told = telling_merges(world.stories, world.truth, {key: "/".join(key) for key in perfect(world.truth)})
    assert not any(telling.right for telling in told[:3])
