"""A row's fingerprint is the MD5 of its JSON text: equal rows have equal fingerprints, in any batch and on any day.

MD5 tells rows apart, it protects nothing. The text of a table's row is what DuckDB's `to_json` gives; where all columns are texts or whole
numbers, Arrow writes the same at a fifth of the cost, and only rows with characters that JSON escapes go to DuckDB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.records.buffers import may_hold
from cdp.records.json_text import json_text

_ESCAPED = '["\\\\\x00-\x1f]'


@dataclass(frozen=True)
class Fingerprints:
    """JSON text and fingerprint (`\\\\x` and 32 hex digits, as PostgreSQL writes bytea) of each row of a page."""

    raw: pa.Array
    hash: pa.Array

    def at(self, rows: np.ndarray) -> Fingerprints:
        """Those of the rows at these numbers, ascending."""
        if len(rows) == len(self.raw):
            return self
        chosen = pa.array(rows)
        return Fingerprints(self.raw.take(chosen), self.hash.take(chosen))


def fingerprint(rows: pa.Table | Sequence[Mapping[str, Any]]) -> Fingerprints:
    """Fingerprint every row; members are taken in the order of the columns, or sorted by name in JSON objects."""
    if isinstance(rows, pa.Table):
        return _of_table(rows)
    return _hashed(pa.array([dump(row) for row in rows], pa.string()))


def _hashed(texts: pa.Array) -> Fingerprints:
    if len(texts) == 0:
        return Fingerprints(texts, texts)
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1].tolist()
    content, md5 = memoryview(data), hashlib.md5
    hashes = ["\\x" + md5(content[start:end], usedforsecurity=False).hexdigest() for start, end in pairwise(ends)]
    return Fingerprints(texts, pa.array(hashes, pa.string()))


def _of_table(rows: pa.Table) -> Fingerprints:
    if rows.num_rows == 0:
        return Fingerprints(pa.array([], pa.string()), pa.array([], pa.string()))
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    if not all(_is_plain(column.type) for column in columns.values()) or not all(map(_is_plain_text, columns)):
        return _hashed(_to_json(rows))
    texts = _joined(columns)
    special = _special(columns)
    return _hashed(texts if special is None else pc.replace_with_mask(texts, special, _to_json(rows.filter(special))))


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_signed_integer(kind))


def _is_plain_text(name: str) -> bool:
    return name.isprintable() and '"' not in name and "\\" not in name


def _special(columns: Mapping[str, pa.Array]) -> pa.Array | None:
    """Which rows hold a character that JSON escapes; None where none does."""
    suspects = [column for column in columns.values() if pa.types.is_string(column.type) and may_hold(column, b'"\\', below=0x20)]
    found = [pc.match_substring_regex(column, _ESCAPED).fill_null(False) for column in suspects]
    special = reduce(pc.or_, found) if found else None
    return special if special is not None and pc.any(special).as_py() else None


def _joined(columns: Mapping[str, pa.Array]) -> pa.Array:
    """The JSON text of each row, nothing in it escaped."""
    pieces: list[pa.Array | str] = []
    constant = "{"
    for name, column in columns.items():
        quote = '"' if pa.types.is_string(column.type) else ""
        texts = column if quote else column.cast(pa.string())
        if column.null_count:
            texts, quote = pc.binary_join_element_wise(quote, texts, quote, "").fill_null("null"), ""
        pieces += [f'{constant}"{name}":{quote}', texts]
        constant = f"{quote},"
    return pc.binary_join_element_wise(*pieces, constant[:-1] + "}", "")


def _to_json(rows: pa.Table) -> pa.Array:
    import duckdb  # a worker that meets only plain tables starts in half the time without it

    with duckdb.connect() as database:
        database.register("page", rows)
        result = database.sql("select to_json(page)::varchar as raw from page").to_arrow_table()
    return result["raw"].combine_chunks().cast(pa.string())


def dump(value: Any) -> str:
    """JSON text with sorted members; numbers of any size."""
    return json_text(value, ordered=True)
