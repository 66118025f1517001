"""Rows of a database driver as an Arrow table, or as JSON objects where a column holds JSON; no value loses precision."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

_ARROW: Mapping[type, Any] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), datetime: pa.timestamp("us"), date: pa.date32()}


def table_of(rows: Sequence[Sequence[Any]], names: Sequence[str], types: Mapping[str, type]) -> pa.Table | list[dict[str, Any]]:
    """`rows` under `names`; `types` are the declared Python types, for columns that are all null."""
    columns = {name: [_plain(row[i]) for row in rows] for i, name in enumerate(names)}
    if any(isinstance(value, (dict, list)) for column in columns.values() for value in column):
        return [dict(zip(names, map(_json, row), strict=True)) for row in zip(*columns.values(), strict=True)]
    return pa.table({name: _array(column, types.get(name)) for name, column in columns.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, (Decimal, UUID, timedelta)):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, (bytes, memoryview, bytearray)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if value is None or isinstance(value, (str, int, float, datetime, date, time, dict, list)):
        return value
    return str(value)


def _array(values: list[Any], declared: type | None) -> Any:
    if all(value is None for value in values):
        return pa.array(values, _ARROW.get(declared or str, pa.string()))
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(_json(value)) for value in values], pa.string())


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (datetime, date, time)) else value
