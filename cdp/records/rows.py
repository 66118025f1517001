"""Rows give their fields as columns, whether they are an Arrow table or a list of JSON objects; a path means the same in both.

A `Flat` is a column with any number of values in a row: texts, and the number of the row of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from cdp.records.json_text import json_text
from cdp.records.source import ContractError

Index = np.ndarray[Any, np.dtype[np.int64]]


class Flat(NamedTuple):
    """`texts[i]` is a value of row `rows[i]`; rows ascend."""

    texts: pa.Array
    rows: Index


class Rows:
    """Columns of a batch by path."""

    def __init__(self, rows: pa.Table | Sequence[Mapping[str, Any]]) -> None:
        self._table = rows if isinstance(rows, pa.Table) else None
        self._list = None if isinstance(rows, pa.Table) else rows
        self._objects: dict[str, list[Any]] = {}
        self.length = len(rows)

    @property
    def columns(self) -> list[str]:
        """Names at the top, in order."""
        if self._table is not None:
            return list(self._table.column_names)
        return list(dict.fromkeys(name for row in self._list or () for name in row))

    def texts(self, path: str, optional: bool = False) -> pa.Array:
        """One text a row, null where there is none; the first element where the path goes through lists.

        Raises:
            ContractError: a table that lacks the column.
        """
        if self._table is not None and path in self._table.column_names:
            column = self._table[path]
            if not pa.types.is_nested(column.type):
                return as_text(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
        if "[]" not in path:
            return pa.array([_text(value) for value in self.objects(path, optional)], pa.string())
        flat = self.flat(path, optional)
        rows, first = np.unique(flat.rows, return_index=True)
        places = np.full(self.length, -1, dtype=np.int64)
        places[rows] = first
        return flat.texts.take(pa.array(places, mask=places < 0))

    def instants(self, path: str) -> pa.Array | None:
        """A column of dates or times as timestamps of microseconds, None where it is anything else."""
        if self._table is None or path not in self._table.column_names:
            return None
        column = self._table[path].combine_chunks()
        if pa.types.is_timestamp(column.type):
            return column.cast(pa.timestamp("us", column.type.tz), safe=False)
        return column.cast(pa.timestamp("us")) if pa.types.is_date(column.type) else None

    def flat(self, path: str, optional: bool = False) -> Flat:
        """Every text at a path. Raises as `texts`."""
        if self._table is not None and path in self._table.column_names and not pa.types.is_nested(self._table[path].type):
            return present(self.texts(path))
        found = [(row, text) for row, value in enumerate(self.objects(path, optional)) for text in _leaves(value)]
        return Flat(pa.array([text for _, text in found], pa.string()), np.array([row for row, _ in found], dtype=np.int64))

    def objects(self, path: str, optional: bool = False) -> list[Any]:
        """What is at a path, as `json.loads` would give it; a list of all where the path goes through lists. Raises as `texts`."""
        if self._table is None:
            return [_walk(row, path) for row in self._list or ()]
        top = self._top(path)
        if top is None:
            if optional:
                return [None] * self.length
            raise ContractError(
                f"the rows have no column {path!r}, which the mapping names; they have {', '.join(map(repr, self.columns))}"
            )
        if top not in self._objects:
            self._objects[top] = self._table[top].to_pylist()
        return [_walk({top: value}, path) for value in self._objects[top]]

    def explode(self, path: str) -> tuple[Rows, Index]:
        """The elements of the lists at a path (or in JSON text there) as rows of their own, and the row each comes from."""
        found = [(row, element) for row, value in enumerate(self.objects(path)) for element in _elements(value)]
        return Rows([element for _, element in found]), np.array([row for row, _ in found], dtype=np.int64)

    def row(self, number: int) -> Mapping[str, Any]:
        """One row as it was given."""
        if self._table is not None:
            return dict(self._table.slice(number, 1).to_pylist()[0])
        return (self._list or ())[number]

    def _top(self, path: str) -> str | None:
        """The column a path begins in: the longest name that is a beginning of it."""
        names = [name for name in self.columns if path == name or path.startswith((f"{name}.", f"{name}["))]
        return max(names, key=len, default=None)


def present(texts: pa.Array) -> Flat:
    """The values of a column without its nulls."""
    rows = np.flatnonzero(np.asarray(texts.is_valid())).astype(np.int64)
    return Flat(texts.drop_null() if texts.null_count else texts, rows)


def as_text(column: pa.Array) -> pa.Array:
    """A column as text; whole floats lose the `.0` that a spreadsheet or pandas gave them."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
        whole = pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), 2.0**53))
        integers = pc.if_else(whole, column, 0.0).cast(pa.int64()).cast(pa.string())
        return pc.if_else(whole, integers, column.cast(pa.string()))
    if pa.types.is_timestamp(column.type) and column.type.tz:
        return pc.binary_join_element_wise(column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")).cast(pa.string()), "Z", "")
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return pa.array([None if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return None if value != value else str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, (list, dict)):
        texts = _leaves(value) if isinstance(value, list) else []
        return texts[0] if texts else json_text(value) if value else None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _leaves(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in (_text(each) for each in values) if text is not None]


def _elements(value: Any) -> list[Any]:
    value = _parsed(value)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, Mapping)]


def _parsed(value: Any) -> Any:
    """A JSON text as what it says."""
    if isinstance(value, str) and value[:1] in "[{" and value:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _walk(value: Any, path: str) -> Any:
    """What is at a path; an exact name wins over its reading as steps."""
    if value is None:
        return [] if "[]" in path else None
    here = isinstance(value, (dict, Mapping))
    if here and path in value:
        return value[path]
    name, many, rest = _step(path)
    if not here:
        value = _parsed(value)
        here = isinstance(value, (dict, Mapping))
    inner = _parsed(value.get(name)) if here else None
    if not many:
        return _walk(inner, rest) if rest else inner
    elements = inner if isinstance(inner, list) else [] if inner is None else [inner]
    if not rest:
        return elements
    found: list[Any] = []
    for element in elements:
        deeper = _walk(element, rest)
        found.extend(deeper if isinstance(deeper, list) and "[]" in rest else [deeper])
    return found


@lru_cache(maxsize=4096)
def _step(path: str) -> tuple[str, bool, str]:
    """The first name of a path, whether it names a list, and the path behind it."""
    name, _, rest = path.partition(".")
    return name.removesuffix("[]"), name.endswith("[]"), rest
