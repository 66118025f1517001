"""An Arrow table goes into PostgreSQL by COPY, without a Python object for each value."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from sqlalchemy import Connection

_CHUNK = 1 << 20


def _csv_ready(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in a form whose CSV text PostgreSQL reads back: bytes as bytea hex, times as ISO 8601."""
    if pa.types.is_dictionary(column.type):
        return _csv_ready(column.cast(column.type.value_type))
    if pa.types.is_binary(column.type) or pa.types.is_fixed_size_binary(column.type):
        return pa.chunked_array([pa.array([None if v is None else "\\x" + v.hex() for v in column.to_pylist()], pa.string())])
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%S+00:00")
    if pa.types.is_list(column.type):
        return pa.chunked_array([pa.array([None if v is None else array_literal(v) for v in column.to_pylist()], pa.string())])
    return column


def array_literal(values: Iterable[object]) -> str:
    """As PostgreSQL writes an array. psycopg takes far longer for a list."""
    quoted = ["NULL" if v is None else '"' + str(v).replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values]
    return "{" + ",".join(quoted) + "}"


def copy_table(connection: Connection, rows: pa.Table, name: str) -> int:
    """Append `rows` to the table or temporary table `name`, whose columns they are named after; the number of rows.

    Strings must hold no NUL character (the records room refuses such rows). A list becomes a PostgreSQL array, bytes become bytea.
    """
    if rows.num_rows == 0:
        return 0
    ready = pa.table({field: _csv_ready(rows.column(field)) for field in rows.column_names})
    buffer = io.BytesIO()
    pacsv.write_csv(ready, buffer, pacsv.WriteOptions(include_header=False, quoting_style="needed"))
    _copy(connection, buffer.getbuffer(), rows.column_names, name, "csv")
    return int(rows.num_rows)


def copy_lines(connection: Connection, lines: Sequence[bytes], columns: Sequence[str], name: str) -> int:
    """Append rows that are lines of PostgreSQL's text format (tabs between values, `\\N` for null) already; the number of rows."""
    if lines:
        _copy(connection, memoryview(b"\n".join(lines) + b"\n"), columns, name, "text")
    return len(lines)


def copy_text(connection: Connection, lines: pa.Array, columns: Sequence[str], name: str) -> int:
    """Append rows that are texts of PostgreSQL's text format, each with its line break; the number of rows. No byte is copied here."""
    if len(lines):
        _, offsets, data = lines.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
        _copy(connection, memoryview(data)[ends[0] : ends[-1]], columns, name, "text")
    return len(lines)


def _copy(connection: Connection, view: memoryview, columns: Sequence[str], name: str, form: str) -> None:
    if not connection.in_transaction():
        connection.begin()  # else SQLAlchemy knows of no transaction, and neither its commit nor its rollback would reach these rows
    raw = connection.connection.driver_connection
    named = ", ".join(f'"{field}"' for field in columns)
    target = ".".join(f'"{part}"' for part in name.split("."))
    assert raw is not None
    with raw.cursor() as cursor, cursor.copy(f"COPY {target} ({named}) FROM STDIN (FORMAT {form})") as copy:
        for start in range(0, len(view), _CHUNK):
            copy.write(view[start : start + _CHUNK])
