"""A row's fingerprint is the MD5 of its JSON text: equal rows have equal fingerprints, in any batch and on any day.

MD5 tells rows apart, it protects nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pyarrow as pa


@dataclass(frozen=True)
class Fingerprints:
    """JSON text and fingerprint (`\\\\x` and 32 hex digits, as PostgreSQL writes bytea) of each row of a page."""

    raw: pa.Array
    hash: pa.Array


def fingerprint(rows: pa.Table | Sequence[Mapping[str, Any]]) -> Fingerprints:
    """Fingerprint every row; members are taken in the order of the columns, or sorted by name in JSON objects."""
    if isinstance(rows, pa.Table):
        return _of_table(rows)
    texts = [dump(row) for row in rows]
    hashes = ["\\x" + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts]
    return Fingerprints(pa.array(texts, pa.string()), pa.array(hashes, pa.string()))


def _of_table(rows: pa.Table) -> Fingerprints:
    if rows.num_rows == 0:
        return Fingerprints(pa.array([], pa.string()), pa.array([], pa.string()))
    with duckdb.connect() as database:
        database.register("page", rows)
        result = database.sql(
            "select raw, '\\x' || md5(raw) as hash from (select to_json(page)::varchar as raw from page)"
        ).to_arrow_table()
    return Fingerprints(result["raw"].combine_chunks(), result["hash"].combine_chunks())


def dump(value: Any) -> str:
    """JSON text with sorted members; numbers of any size."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str).decode()
    except (TypeError, orjson.JSONEncodeError):  # an integer beyond 64 bits, a lone surrogate
        return json.dumps(value, sort_keys=True, default=str)
