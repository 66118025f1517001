"""Texts joined element by element keep every row, also one that has nothing to join."""

from __future__ import annotations

import pyarrow as pa

from cdp.records.columns import skipping_join


def test_a_row_of_nulls_stays_a_row() -> None:
    left, right = pa.array([None, "a", None, "x"], pa.string()), pa.array([None, "b", "c", None], pa.string())
    assert skipping_join([left, right], ", ").to_pylist() == ["", "a, b", "c", "x"]
