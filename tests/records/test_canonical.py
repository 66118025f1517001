"""A canonical document is its row, and of its schema; the Arrow schema and the JSON Schema say the same, field by field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import schemas
from cdp.records import CUSTOMER, INTERACTION, canonical_json, from_canonical, invalid_documents
from cdp.records.contracts import validator
from cdp.records.documents import _FEW
from cdp.records.model import Channel, CustomerKind, InteractionKind

SCHEMAS = {"customer": CUSTOMER, "interaction": INTERACTION}
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
TIMES = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)).map(lambda at: at.replace(tzinfo=UTC))
JSON = st.dictionaries(
    TEXT, st.one_of(st.integers(-(2**53), 2**53), TEXT, st.booleans(), st.none(), st.lists(TEXT)), min_size=1, max_size=3
)


def cells(type_: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_list(type_):
        return st.lists(cells(type_.value_type), min_size=1, max_size=3)
    if pa.types.is_struct(type_):
        return st.fixed_dictionaries({field.name: st.none() | cells(field.type) for field in type_})
    if pa.types.is_timestamp(type_):
        return TIMES
    return st.floats(allow_nan=False, allow_infinity=False) if pa.types.is_floating(type_) else TEXT


def rows(schema: pa.Schema) -> st.SearchStrategy[dict[str, Any]]:
    compact = JSON.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return st.fixed_dictionaries(
        {field.name: st.none() | (compact if field.name in ("attributes", "properties") else cells(field.type)) for field in schema}
    )


def meant(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its JSON text read: DuckDB may write an escape in another way."""
    return {name: json.loads(value) if name in ("attributes", "properties") and value else value for name, value in row.items()}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@given(data=st.data())
@settings(max_examples=12, deadline=None, phases=[Phase.generate])
def test_reading_what_was_written_gives_the_same_rows(schema: pa.Schema, data: st.DataObject) -> None:
    table = pa.Table.from_pylist(data.draw(st.lists(rows(schema), min_size=1, max_size=8)), schema=schema)
    written = canonical_json(table)
    read = from_canonical(written, schema)
    assert read.schema == schema
    assert list(map(meant, read.to_pylist())) == list(map(meant, table.to_pylist()))
    repeated = from_canonical(pa.concat_arrays([written] * (_FEW // len(written) + 1)), schema)
    assert list(map(meant, repeated.slice(0, len(read)).to_pylist())) == list(map(meant, table.to_pylist()))
    for text in written.to_pylist():
        assert None not in json.loads(text).values()


def test_slices_are_written_as_what_they_are() -> None:
    table = pa.Table.from_pylist(
        [{"source_key": str(n), "emails": [f"{n}@x.de"], "addresses": [{"city": f"C{n}"}]} for n in range(9)], schema=CUSTOMER
    )
    assert canonical_json(table.slice(4, 3)).to_pylist() == canonical_json(table).to_pylist()[4:7]


def test_some_columns_can_be_read_and_others_are_ignored() -> None:
    table = from_canonical(['{"source_key":"1","emails":["a@b.de"],"unknown":1}'], pa.schema([CUSTOMER.field("emails")]))
    assert table.to_pylist() == [{"emails": ["a@b.de"]}]


def test_a_text_that_is_no_json_is_an_error() -> None:
    for count in (1, _FEW):
        with pytest.raises(ValueError, match="no JSON"):
            from_canonical(["{"] * count)


def test_no_documents_are_no_rows() -> None:
    assert from_canonical([]).schema == CUSTOMER


def test_an_invalid_document_is_named_with_its_place_and_without_its_value() -> None:
    (invalid,) = invalid_documents(
        ['{"source_key":"1","kind":"person"}', '{"source_key":"1","kind":"person","birth_date":"Rumpelstilz"}'], "customer"
    )
    assert (invalid.row, invalid.field) == (1, "birth_date")
    assert "Rumpelstilz" not in invalid.message


def test_fast_and_thorough_validation_agree() -> None:
    documents: list[dict[str, Any]] = [
        {"source_key": "1", "kind": "person"},
        {"source_key": "1", "kind": "robot"},
        {"source_key": "1", "kind": "person", "created_at": "2024-13-01T00:00:00Z"},
        {"source_key": "1", "kind": "person", "emails": []},
        {"source_key": "1", "kind": "person", "colour": "red"},
    ]
    wrong = {row for row, document in enumerate(documents) if not validator("customer").is_valid(document)}
    assert {invalid.row for invalid in invalid_documents(list(map(json.dumps, documents)), "customer")} == wrong == {1, 2, 3, 4}


def agree(type_: pa.DataType, described: dict[str, Any], place: str) -> None:
    expected = "string"
    if place in ("customer.attributes", "interaction.properties"):
        expected = "object"
    elif pa.types.is_list(type_):
        expected = "array"
        agree(type_.value_type, described["items"], place + "[]")
    elif pa.types.is_struct(type_):
        expected = "object"
        assert [field.name for field in type_] == list(described["properties"]), place
        for field in type_:
            agree(field.type, described["properties"][field.name], f"{place}.{field.name}")
    elif pa.types.is_floating(type_):
        expected = "number"
    elif pa.types.is_timestamp(type_):
        assert described["format"] == "date-time", place
    if "enum" not in described:
        assert described["type"] == expected, place
    if not place.endswith("[]"):
        assert described["description"], place


@pytest.mark.parametrize("name", SCHEMAS)
def test_arrow_and_json_schema_agree_field_by_field(name: str) -> None:
    described = schemas.load(name)
    assert list(described["properties"]) == SCHEMAS[name].names
    for field in SCHEMAS[name]:
        agree(field.type, described["properties"][field.name], f"{name}.{field.name}")


def test_words_of_the_model_are_those_of_the_schemas() -> None:
    assert schemas.load("customer")["properties"]["kind"]["enum"] == list(CustomerKind)
    assert schemas.load("interaction")["properties"]["kind"]["enum"] == list(InteractionKind)
    assert schemas.load("interaction")["properties"]["channel"]["enum"] == list(Channel)


@pytest.mark.parametrize("name", ["customer", "interaction", "mapping"])
def test_examples_are_of_their_schema(name: str) -> None:
    for example in schemas.load(name)["examples"]:
        validator(name).validate(example)


def test_the_mapping_can_name_every_field() -> None:
    definitions = schemas.load("mapping")["$defs"]
    assert set(definitions["customer"]["properties"]) == set(CUSTOMER.names) - {"issues"}
    assert set(definitions["interaction"]["properties"]) == set(INTERACTION.names) - {"issues"}
