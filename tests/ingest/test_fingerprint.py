"""The text that Arrow writes of a row is the text that DuckDB writes: a fingerprint that is stored stays what it is."""

from __future__ import annotations

import hashlib

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.ingest.fingerprint import Fingerprints, fingerprint

TEXTS = (
    st.none()
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(['"', "\\", "a\tb\n", "\x00", "/é😀\x7f"])
)
NUMBERS = st.none() | st.integers(-(2**63), 2**63 - 1)


def of_duckdb(rows: pa.Table) -> Fingerprints:
    texts = duckdb.sql("select to_json(rows)::varchar as raw from rows").to_arrow_table()["raw"].to_pylist()
    return Fingerprints(pa.array(texts), pa.array(["\\x" + hashlib.md5(text.encode()).hexdigest() for text in texts]))


def same(rows: pa.Table) -> None:
    found, wanted = fingerprint(rows), of_duckdb(rows)
    assert (found.raw.to_pylist(), found.hash.to_pylist()) == (wanted.raw.to_pylist(), wanted.hash.to_pylist())


@given(st.lists(st.tuples(TEXTS, NUMBERS, TEXTS), min_size=1, max_size=12), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_arrow_and_duckdb_write_the_same_text(rows: list[tuple[str | None, int | None, str | None]], start: int) -> None:
    first, second, third = zip(*rows, strict=True)
    table = pa.table({"name": pa.array(first, pa.string()), "née": pa.array(second, pa.int64()), "c": pa.array(third, pa.string())})
    same(table)
    if start < table.num_rows:
        same(table.slice(start))


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": [1.5, None], "b": ["x", "y"]}),
        pa.table({'quo"ted': ["x"], "back\\slash": ["y"]}),
        pa.table({"d": pa.array(["x", "y"]).dictionary_encode(), "flag": [True, None], "l": [["a"], []]}),
        pa.table({"n": pa.array([2**64 - 1], pa.uint64()), "s": pa.array([-5], pa.int8())}),
        pa.table({"large": pa.array(["x", None], pa.large_string())}),
        pa.Table.from_batches([pa.record_batch({"a": ["1"]}), pa.record_batch({"a": ["2"]})]),
    ],
    ids=lambda table: ",".join(table.column_names),
)
def test_other_types_and_names_are_as_duckdb_has_them(table: pa.Table) -> None:
    same(table)
