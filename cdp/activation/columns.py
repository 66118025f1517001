"""A rule runs once for each distinct value of a batch, however many rows carry it; nulls stay null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def each(column: pa.Array | pa.ChunkedArray, *rules: Callable[[str], str | None]) -> pa.Array:
    """The column after one rule and the next; what a rule cannot use becomes null."""
    encoded = pc.dictionary_encode(flat(column))
    made: list[str | None] = encoded.dictionary.to_pylist()
    for rule in rules:
        made = [None if value is None else rule(value) for value in made]
    return pa.array(made, pa.string()).take(encoded.indices)


def each_with(
    column: pa.Array | pa.ChunkedArray, other: pa.Array | pa.ChunkedArray, rule: Callable[[str, str | None], str | None]
) -> pa.Array:
    """The column after a rule that also looks at another one, once for each distinct pair."""
    pairs: dict[tuple[str, str | None], str | None] = {}
    made: list[str | None] = []
    for pair in zip(flat(column).to_pylist(), flat(other).to_pylist(), strict=True):
        if pair[0] is None:
            made.append(None)
            continue
        if pair not in pairs:
            pairs[pair] = rule(pair[0], pair[1])
        made.append(pairs[pair])
    return pa.array(made, pa.string())


def joined(parts: Sequence[pa.Array | pa.ChunkedArray], between: str) -> pa.Array:
    """Texts of a row in one text, nulls left out; null where all are."""
    columns = [flat(part) for part in parts]
    some = any_of(columns)
    columns[0] = pc.if_else(some, columns[0], "")  # Arrow 26 drops rows in which all parts are null
    found = pc.binary_join_element_wise(*columns, between, null_handling="skip")
    return where(some, found)


def where(condition: pa.Array, column: pa.Array) -> pa.Array:
    """The column, null where the condition does not hold."""
    return pc.if_else(condition, column, pa.scalar(None, column.type))


def present(columns: Sequence[pa.Array]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """For each row a number whose bit n says that column n has a value."""
    bits = np.zeros(len(columns[0]), dtype=np.int64)
    for number, column in enumerate(columns):
        bits |= np.asarray(pc.is_valid(column)).astype(np.int64) << number
    return bits


def any_of(columns: Sequence[pa.Array]) -> pa.Array:
    """Whether at least one of the columns has a value."""
    return pa.array(present(columns) != 0)
