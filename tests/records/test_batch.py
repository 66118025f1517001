"""Rows become records: what each form of the mapping does, and what happens to bad rows. Tables and lists of objects become the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import pyarrow as pa
import pytest

from cdp.records import CUSTOMER, INTERACTION, Defaults, MappedBatch, Mapping, map_batch, source_keys
from cdp.records.source import ContractError

Rows = list[dict[str, Any]]


@pytest.fixture(params=["table", "objects"])
def given(request: pytest.FixtureRequest) -> Callable[[Rows], Any]:
    return pa.Table.from_pylist if request.param == "table" else list


def customers(rows: Any, defaults: Defaults | None = None, **mapping: Any) -> MappedBatch:
    return map_batch(rows, Mapping.load({"customer": {"source_key": "id", **mapping}}).stream("people"), defaults)


def interactions(rows: Any, **mapping: Any) -> MappedBatch:
    stream = {"interaction": {"source_key": "id", "kind": {"const": "order"}, "at": "d", **mapping}}
    return map_batch(rows, Mapping.load(stream).stream("orders"))


def one(batch: MappedBatch) -> dict[str, Any]:
    assert not batch.refused
    (row,) = batch.table.to_pylist()
    return {name: value for name, value in row.items() if value is not None and name != "source_key"}


def test_tables_have_the_schemas(given: Callable[[Rows], Any]) -> None:
    assert customers(given([{"id": 1}])).table.schema == CUSTOMER
    assert interactions(given([{"id": 1, "d": "2024-01-01"}])).table.schema == INTERACTION


def test_an_empty_batch_is_an_empty_table() -> None:
    assert customers([]).table.num_rows == 0
    assert customers(pa.table({"id": pa.array([], pa.string())})).table.num_rows == 0


def test_several_fields_give_one_list_without_repeats(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "a": "X@y.de", "b": "x@y.de; z@y.de"}])
    assert one(customers(rows, emails=["a", {"field": "b", "split": ";"}]))["emails"] == ["x@y.de", "z@y.de"]


def test_paths_go_into_objects_and_lists(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "p": {"email": "a@b.de"}, "EMAIL": [{"VALUE": "c@d.de"}, {"VALUE": "e@f.de"}]}])
    assert one(customers(rows, emails=["p.email", "EMAIL[].VALUE"]))["emails"] == ["a@b.de", "c@d.de", "e@f.de"]


def test_paths_go_into_json_text(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "p": '{"name": {"first": "Eva"}}'}])
    assert one(customers(rows, given_name="p.name.first"))["given_name"] == "Eva"


def test_a_column_whose_name_has_dots_is_itself(given: Callable[[Rows], Any]) -> None:
    assert one(customers(given([{"id": 1, "p.name": "Eva"}]), given_name="p.name"))["given_name"] == "Eva"


def test_full_name_gives_its_parts_where_no_part_is_mapped(given: Callable[[Rows], Any]) -> None:
    record = one(customers(given([{"id": 1, "n": "Dr. Eva von Stein"}]), full_name="n"))
    assert (record["prefix"], record["given_name"], record["family_name"]) == ("Dr.", "Eva", "von Stein")
    assert "given_name" not in one(customers(given([{"id": 1, "n": "Eva Stein"}]), full_name={"field": "n", "parse": False}))


def test_joined_constant_and_looked_up_values(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "a": "Eva", "b": " ", "c": "Stein", "t": "F", "s": "7"}])
    record = one(
        customers(
            rows,
            full_name={"join": ["a", "b", "c"]},
            language={"const": "de"},
            kind={"field": "t", "values": {"f": "organisation", "p": "person"}},
            gender={"field": "s", "values": {"1": "male"}, "default": "other"},
        )
    )
    assert (record["full_name"], record["language"], record["kind"], record["gender"]) == ("Eva Stein", "de", "organisation", "other")


def test_a_key_of_several_fields_is_whole_and_unambiguous(given: Callable[[Rows], Any]) -> None:
    batch = customers(given([{"a": "x:", "b": "y"}, {"a": "x", "b": ":y"}, {"a": "x", "b": None}]), source_key=["a", "b"])
    assert len(set(batch.table["source_key"].to_pylist())) == 2
    assert [(row.row, row.reason, row.field) for row in batch.refused] == [(2, "missing_key", "a, b")]


def test_a_date_in_three_fields(given: Callable[[Rows], Any]) -> None:
    rows = given(
        [{"id": 1, "y": "1980", "m": "2", "d": "30"}, {"id": 2, "y": "1980", "m": "2", "d": None}, {"id": 3, "y": "", "m": "2", "d": "3"}]
    )
    table = customers(rows, birth_date={"year": "y", "month": "m", "day": "d"}).table
    assert table["birth_date"].to_pylist() == [None, "1980-02", None]
    assert table["issues"][0].as_py()[0]["reason"] == "impossible_date"


def test_addresses_of_parts_of_a_line_and_of_a_list(given: Callable[[Rows], Any]) -> None:
    rows = given(
        [
            {
                "id": 1,
                "s": "Weg 5 b",
                "c": "Deutschland",
                "t": "10 Downing Street, London SW1A 2AA",
                "l": [{"o": "Bonn"}, {"o": None}, {"o": "Köln"}],
            }
        ]
    )
    found = one(customers(rows, addresses=[{"street": "s", "country": "c"}, {"text": "t"}, {"city": "l[].o"}]))["addresses"]
    assert [(a["street"], a["house_number"], a["city"], a["country"]) for a in found] == [
        ("Weg", "5b", None, "DE"),
        ("Downing Street", "10", "London", None),
        (None, None, "Bonn", None),
        (None, None, "Köln", None),
    ]


def test_an_address_that_says_nothing_is_none(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "s": "", "c": None}])
    assert "addresses" not in one(customers(rows, Defaults(country="DE"), addresses={"street": "s", "city": "c"}))


def test_phones_belong_to_the_country_of_their_row(given: Callable[[Rows], Any]) -> None:
    rows = given(
        [{"id": 1, "t": "030 1234567", "c": "DE"}, {"id": 2, "t": "01 5141 80", "c": "Austria"}, {"id": 3, "t": "0171 2345678", "c": None}]
    )
    table = customers(rows, Defaults(country="DE"), phones="t", addresses={"city": "c", "country": "c"}).table
    assert table["phones"].to_pylist() == [["+49301234567"], ["+431514180"], ["+491712345678"]]


def test_identifiers_carry_their_type(given: Callable[[Rows], Any]) -> None:
    record = one(customers(given([{"id": 1, "c": "12-34", "s": None}]), identifiers={"loyalty": "c", "national_id": "s"}))
    assert record["identifiers"] == [{"type": "loyalty", "value": "1234"}]


def test_ids_of_systems_are_exact_and_numbers_on_cards_are_not(given: Callable[[Rows], Any]) -> None:
    mapped = {"web_user_id": "u", "loyalty": "u"}
    rows = [{"id": 1, "u": " u-1 "}, {"id": 2, "u": "U1"}]
    found = customers(given(rows), identifiers=mapped).table["identifiers"].to_pylist()
    assert [[item["value"] for item in items] for items in found] == [["u-1", "U1"], ["U1", "U1"]]


def test_consents_have_purpose_state_and_time(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "o": "j", "d": "2024-01-02", "m": "perhaps", "since": "2023-05-06"}])
    batch = customers(
        rows, consents={"newsletter": {"field": "o", "granted": "j", "denied": "n", "at": "d"}, "marketing": "m", "terms": {"at": "since"}}
    )
    record = one(batch)
    assert [(c["purpose"], c["state"], c["at"].date().isoformat()) for c in record["consents"]] == [
        ("newsletter", "granted", "2024-01-02"),
        ("terms", "granted", "2023-05-06"),
    ]
    assert record["issues"] == [{"field": "consents.marketing", "value": "perhaps", "reason": "unknown_consent"}]


def test_attributes_named_or_everything_that_nothing_reads(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "name": "Eva", "tier": "gold", "p": {"plan": "x", "email": "a@b.de"}, "none": None}])
    assert one(customers(rows, attributes=["tier"]))["attributes"] == '{"tier":"gold"}'
    assert one(customers(rows, attributes={"rank": "tier"}))["attributes"] == '{"rank":"gold"}'
    everything = one(customers(rows, given_name="name", emails="p.email", attributes="*"))
    assert everything["attributes"] == '{"p":{"plan":"x"},"tier":"gold"}'


def test_an_organisation_is_a_row_with_its_name_and_no_persons(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "f": "ACME", "n": None}, {"id": 2, "f": "ACME", "n": "Eva"}])
    assert customers(rows, organisation_name="f", given_name="n").table["kind"].to_pylist() == ["organisation", "person"]


def test_an_order_with_amount_items_and_properties(given: Callable[[Rows], Any]) -> None:
    lines = '[{"art": "A1", "n": 2, "p": "1,50"}]'
    rows = given([{"id": 1, "d": "2024-01-02T03:04:05Z", "sum": "1.234,50 €", "lines": lines, "coupon": "X"}])
    record = one(
        interactions(rows, amount="sum", items={"each": "lines", "sku": "art", "quantity": "n", "unit_price": "p"}, properties="*")
    )
    assert (record["kind"], record["amount"], record["currency"]) == ("order", "1234.50", "EUR")
    assert record["at"] == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    (item,) = record["items"]
    assert (item["sku"], item["quantity"], item["unit_price"]) == ("A1", "2", "1.50")
    assert record["properties"] == '{"coupon":"X"}'


def test_times_of_a_typed_column_are_read_in_the_zone() -> None:
    rows = pa.table({"id": ["1"], "d": pa.array([datetime(2024, 1, 2, 10)], pa.timestamp("ms"))})
    stream = {"timezone": "Europe/Berlin", "interaction": {"source_key": "id", "kind": {"const": "visit"}, "at": "d"}}
    assert map_batch(rows, Mapping.load(stream).stream("x")).table["at"][0].as_py() == datetime(2024, 1, 2, 9, tzinfo=UTC)


def test_times_are_read_alike_one_by_one_and_by_the_column() -> None:
    written = ["2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-01-02 03:04:05.25", "0999-01-01 00:00:00", "2024-02-31 00:00:00", None]
    stream = Mapping.load({"timezone": "Europe/Berlin", "customer": {"source_key": "id", "created_at": "d"}}).stream("x")
    rows = [{"id": number, "d": text} for number, text in enumerate(written)]
    together = map_batch([*rows, {"id": 9, "d": "1.2.2024"}], stream).table["created_at"].to_pylist()[:-1]
    assert together == [map_batch([row], stream).table["created_at"][0].as_py() for row in rows]


def test_numbers_of_typed_columns_are_keys_without_a_fraction() -> None:
    assert customers(pa.table({"id": [1.0, 2.0]})).table["source_key"].to_pylist() == ["1", "2"]


def test_bytes_are_read_as_text() -> None:
    rows = pa.table({"id": [b"1", b"2"], "n": [b"Eva", b"\xff"]})
    assert customers(rows, given_name="n").table["given_name"].to_pylist() == ["Eva", "\ufffd"]


def test_an_interaction_stream_names_customers_too(given: Callable[[Rows], Any]) -> None:
    rows = given(
        [
            {"id": 1, "d": "2024-01-01", "mail": "a@b.de", "n": "Old"},
            {"id": 2, "d": "2024-01-02", "mail": "a@b.de", "n": "New"},
            {"id": 3, "d": "2024-01-03", "mail": None, "n": None},
        ]
    )
    stream = {
        "interaction": {"source_key": "id", "kind": {"const": "ticket"}, "at": "d", "customer_key": "mail"},
        "customer": {"emails": "mail", "given_name": "n"},
    }
    batch = map_batch(rows, Mapping.load(stream).stream("tickets"))
    assert batch.table["customer_key"].to_pylist() == ["a@b.de", "a@b.de", None]
    assert set(batch.table["customer_stream"].to_pylist()) == {"tickets"}
    assert batch.customers is not None
    assert batch.customers.table["source_key"].to_pylist() == ["a@b.de", "a@b.de"]
    assert batch.customers.table["given_name"].to_pylist() == ["Old", "New"]


def test_interactions_without_key_get_one_that_stays(given: Callable[[Rows], Any]) -> None:
    stream = Mapping.load({"interaction": {"kind": {"const": "page_view"}, "at": "d", "name": "u"}}).stream("views")
    rows = [{"d": "2024-01-01", "u": "a"}, {"d": "2024-01-01", "u": "b"}]
    keys = map_batch(given(rows), stream).table["source_key"].to_pylist()
    assert len(set(keys)) == 2
    assert keys == map_batch(rows, stream).table["source_key"].to_pylist() == source_keys(given(rows), stream).to_pylist()


def test_what_cannot_be_read_is_an_issue_and_the_row_stays(given: Callable[[Rows], Any]) -> None:
    rows = given([{"id": 1, "g": "31.02.2000", "t": "123", "e": "nobody", "n": "Eva"}])
    record = one(customers(rows, Defaults(country="DE"), birth_date="g", phones="t", emails="e", given_name="n"))
    assert {(issue["field"], issue["value"], issue["reason"]) for issue in record["issues"]} == {
        ("birth_date", "31.02.2000", "impossible_date"),
        ("phones", "123", "invalid_phone"),
        ("emails", "nobody", "invalid_email"),
    }
    assert record["given_name"] == "Eva"
    assert "birth_date" not in record


def test_a_second_field_that_can_be_read_is_no_issue(given: Callable[[Rows], Any]) -> None:
    record = one(customers(given([{"id": 1, "a": "31.02.2000", "b": "1.3.2000"}]), birth_date=["a", "b"]))
    assert record["birth_date"] == "2000-03-01"
    assert "issues" not in record


def test_rows_that_cannot_be_kept_are_refused_and_the_others_stay(given: Callable[[Rows], Any]) -> None:
    rows = [
        {"id": "1", "n": "a"},
        {"id": None, "n": "b"},
        {"id": "3", "n": "c\x00"},
        {"id": "4", "n": "d" * 200},
        {"id": "1", "n": "other"},
        {"id": "1", "n": "a"},
    ]
    batch = customers(given(rows), Defaults(max_cell_bytes=100), given_name="n")
    assert [(row.row, row.reason, row.field, row.source_key) for row in batch.refused] == [
        (1, "missing_key", "id", None),
        (2, "nul_byte", "n", "3"),
        (3, "cell_too_large", "n", "4"),
        (4, "duplicate_key", "id", "1"),
    ]
    assert batch.row.tolist() == [0]
    assert batch.duplicates == [5]


def test_refusals_carry_no_value_of_a_person(given: Callable[[Rows], Any]) -> None:
    rows = [{"id": "1", "n": "Rumpel\x00"}, {"id": "2", "n": "Stilz"}, {"id": "2", "n": "Stilzchen"}]
    messages = " ".join(row.message for row in customers(given(rows), given_name="n").refused)
    assert messages
    assert not any(word in messages for word in ("Rumpel", "Stilz"))


def test_a_key_with_a_nul_byte_is_not_carried_on(given: Callable[[Rows], Any]) -> None:
    (refused,) = customers(given([{"id": "a\x00b"}])).refused
    assert (refused.reason, refused.source_key) == ("nul_byte", None)


def test_interactions_need_a_time_and_a_kind(given: Callable[[Rows], Any]) -> None:
    rows = given(
        [
            {"id": 1, "d": "31.02.2024", "k": "order"},
            {"id": 2, "d": None, "k": "order"},
            {"id": 3, "d": "2024-01-01", "k": "dance"},
            {"id": 4, "d": "2024-01-01", "k": None},
            {"id": 5, "d": "2024-01-01", "k": "order"},
        ]
    )
    batch = interactions(rows, kind="k")
    assert [(row.row, row.reason, row.field) for row in batch.refused] == [
        (0, "impossible_date", "d"),
        (1, "missing_time", "d"),
        (2, "unknown_kind", "k"),
        (3, "missing_kind", "k"),
    ]
    assert batch.table.num_rows == 1


def test_a_column_that_a_table_lacks_is_one_error() -> None:
    with pytest.raises(ContractError, match=r"no column 'mail'.*'id', 'e_mail'"):
        customers(pa.table({"id": ["1"], "e_mail": ["a@b.de"]}), emails="mail")
    assert one(customers(pa.table({"id": ["1"]}), emails={"field": "mail", "optional": True})) == {"kind": "person"}


def test_order_of_batches_does_not_matter() -> None:
    rows: Rows = [{"id": n, "e": f"U{n % 3}@x.de", "n": "EVA" if n % 2 else "bad\u200b"} for n in range(50)]
    whole = customers(rows, emails="e", given_name="n").table
    parts = [customers(rows[start : start + 7], emails="e", given_name="n").table for start in range(49, -1, -7)[::-1]]
    assert sorted(pa.concat_tables(parts).to_pylist(), key=str) != []
    halves = [customers(rows[25:], emails="e", given_name="n").table, customers(rows[:25], emails="e", given_name="n").table]
    assert sorted(map(str, pa.concat_tables(halves).to_pylist())) == sorted(map(str, whole.to_pylist()))


def test_batches_are_mapped_alike_in_other_processes() -> None:
    stream = Mapping.load({"country": "DE", "customer": {"source_key": "id", "phones": "t"}}).stream("x")
    rows = pa.table({"id": [str(n) for n in range(100)], "t": [f"030 12345{n:02d}" for n in range(100)]})
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(map_batch, rows, stream).result().table == map_batch(rows, stream).table
