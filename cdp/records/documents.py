"""Canonical documents are read back as the rows that they were written from, and checked against their schema.

Reading many is DuckDB's work, so it makes no Python object of a cell.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import duckdb
import jsonschema_rs
import orjson
import pyarrow as pa
from jsonschema.exceptions import best_match

import schemas
from cdp.records.canonical import JSON_COLUMNS
from cdp.records.contracts import validator
from cdp.records.model import CUSTOMER

_FEW = 2_000


class Invalid(NamedTuple):
    """A document that is not of its schema: its number, the place in it, and why."""

    row: int
    field: str
    message: str


def from_canonical(documents: pa.Array | pa.ChunkedArray | Sequence[str], schema: pa.Schema = CUSTOMER) -> pa.Table:
    """The rows of canonical documents; a member that a document lacks is null, one that the schema lacks is ignored.

    Args:
        schema: CUSTOMER, INTERACTION, or some columns of one.

    Raises:
        ValueError: a text that is no JSON.
    """
    return _read_few(documents, schema) if len(documents) < _FEW else _read_many(documents, schema)


def _read_few(documents: pa.Array | pa.ChunkedArray | Sequence[str], schema: pa.Schema) -> pa.Table:
    """Object by object: what a live look-up reads is done before DuckDB has started."""
    texts = documents if isinstance(documents, Sequence) else documents.to_pylist()
    try:
        objects = [orjson.loads(text) for text in texts]
    except orjson.JSONDecodeError as error:
        raise ValueError(f"a canonical document is no JSON: {error}") from None
    columns = [pa.array([_cell(document.get(field.name), field) for document in objects], field.type) for field in schema]
    return pa.table(columns, schema=schema)


def _cell(value: Any, field: pa.Field) -> Any:
    if value is None:
        return None
    if field.name in JSON_COLUMNS:
        return orjson.dumps(value).decode()
    if pa.types.is_timestamp(field.type):
        return datetime.fromisoformat(value)
    if pa.types.is_list(field.type):
        return [_cell(element, field.type.value_field) for element in value]
    if pa.types.is_struct(field.type):
        return {inner.name: _cell(value.get(inner.name), inner) for inner in field.type}
    return value


def _read_many(documents: pa.Array | pa.ChunkedArray | Sequence[str], schema: pa.Schema) -> pa.Table:
    texts = pa.chunked_array([pa.array(documents, pa.string())]) if isinstance(documents, Sequence) else documents
    shape = json.dumps({field.name: "JSON" if field.name in JSON_COLUMNS else _shape(field.type) for field in schema})
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("documents", pa.table({"document": texts}))
        try:
            rows = connection.sql(f"SELECT unnest(from_json(document, '{shape}')) FROM documents").to_arrow_table()
        except duckdb.InvalidInputException as error:
            raise ValueError(f"a canonical document is no JSON: {str(error).splitlines()[0]}") from None
    return pa.table([_plain(rows[field.name]).cast(field.type) for field in schema], schema=schema)


def invalid_documents(documents: pa.Array | Sequence[str], name: str) -> list[Invalid]:
    """The documents that are not of `schemas/NAME.schema.json`. A compiled validator finds them; jsonschema words the message."""
    compiled = _compiled(name)
    texts = documents if isinstance(documents, Sequence) else documents.to_pylist()
    return [_why(row, json.loads(text), name) for row, text in enumerate(texts) if not compiled.is_valid(orjson.loads(text))]


def _why(row: int, document: Any, name: str) -> Invalid:
    error = best_match(validator(name).iter_errors(document))
    if error is None:
        return Invalid(row, "", f"the document is not of {name}.schema.json")
    place = ".".join(str(step) for step in error.absolute_path)
    return Invalid(row, place, f"{place or 'the document'} breaks {error.validator!r} of {name}.schema.json ({_rule(error)})")


def _rule(error: Any) -> str:
    return f"{error.validator}: {json.dumps(error.validator_value, ensure_ascii=False)[:120]}"


@cache
def _compiled(name: str) -> Any:
    return jsonschema_rs.Draft202012Validator(schemas.load(name), validate_formats=True)


def _shape(type_: pa.DataType) -> Any:
    """The structure that DuckDB reads a type from."""
    if pa.types.is_list(type_):
        return [_shape(type_.value_type)]
    if pa.types.is_struct(type_):
        return {field.name: _shape(field.type) for field in type_}
    if pa.types.is_timestamp(type_):
        return "TIMESTAMPTZ"
    return "DOUBLE" if pa.types.is_floating(type_) else "VARCHAR"


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A JSON column without the extension type that newer versions of DuckDB give it."""
    if isinstance(column.type, pa.BaseExtensionType):
        return pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    return column
