"""A field of all records as codes into a dictionary: whatever is done to its values is done once for each, never once for each record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cdp.identity import text

Ints = npt.NDArray[np.int32]
WIDEST = 4
"""Values of one field that a record is compared by; a record with more keeps its first."""


@dataclass(frozen=True)
class Values:
    """A field of all records: `codes[row, slot]` is an index into `words`, or -1."""

    codes: Ints
    words: pa.Array

    @property
    def first(self) -> Ints:
        """The first value of each record."""
        return self.codes[:, 0]

    def __len__(self) -> int:
        return len(self.words)


def column(table: pa.Table, name: str) -> pa.Array:
    """A column as one array: texts, or the list that it is; nulls where the table lacks it."""
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    found = table[name]
    found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return found.cast(pa.string()) if not pa.types.is_list(found.type) else found


def encoded(texts: pa.Array) -> Values:
    """A column of texts as values."""
    found = texts.cast(pa.string()).dictionary_encode()
    return Values(_indices(found)[:, None], found.dictionary)


def _indices(found: pa.DictionaryArray) -> Ints:
    return np.asarray(found.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32))


def coded(words: pa.Array) -> Ints:
    """Codes of the words, equal for equal ones and -1 for null; one more -1 at the end, for index -1."""
    return np.append(_indices(words.dictionary_encode()), np.int32(-1))


def remapped(codes: Ints, words: pa.Array) -> Values:
    """Codes into a dictionary with repeats and nulls become codes into one without."""
    found = words.dictionary_encode()
    return Values(np.append(_indices(found), np.int32(-1))[codes], found.dictionary)


def folded(texts: pa.Array) -> Values:
    """A column of texts in comparable form (`text.fold`)."""
    raw = encoded(texts)
    return remapped(raw.codes, text.fold(raw.words))


def mapped(values: Values, function: Callable[[pa.Array], pa.Array]) -> Values:
    """The values that the function makes of the dictionary; null is none."""
    return remapped(values.codes, function(values.words))


def taken(values: Values, rows: npt.NDArray[np.int64]) -> Values:
    """The values of some records."""
    return Values(values.codes[rows], values.words)


def strings(values: Values) -> pa.Array:
    """The first value of each record, as a column."""
    codes = values.first
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), values.words).cast(pa.string())


def joined(*columns: pa.Array) -> pa.Array:
    """The columns side by side, a blank between; null where all are."""
    whole = pc.binary_join_element_wise(*columns, " ", null_handling="replace", null_replacement="")
    return text.or_null(pc.utf8_trim_whitespace(whole))


def together(one: Values, other: Values) -> tuple[Values, Values]:
    """Two fields over one dictionary, so that a value of the one can be looked for in the other."""
    both = remapped(np.arange(len(one) + len(other), dtype=np.int32).reshape(-1, 1), pa.concat_arrays([one.words, other.words]))
    left = np.append(both.first[: len(one)], np.int32(-1))
    right = np.append(both.first[len(one) :], np.int32(-1))
    return Values(left[one.codes], both.words), Values(right[other.codes], both.words)


def either(one: Values, other: Values) -> Values:
    """The first value of the one, or else of the other."""
    both = merged([one, other])
    if both.codes.shape[1] == 1:
        return both
    codes = np.where(both.codes[:, :1] >= 0, both.codes[:, :1], both.codes[:, 1:2])
    return Values(codes, both.words)


def merged(fields: list[Values]) -> Values:
    """Several fields as one field with more slots and one dictionary; slots that no record uses go, the first stays."""
    words = pa.concat_arrays([field.words for field in fields]) if fields else pa.array([], pa.string())
    offsets = np.cumsum([0] + [len(field) for field in fields[:-1]])
    moved = [np.where(field.codes >= 0, field.codes + offset, -1) for field, offset in zip(fields, offsets, strict=True)]
    both = remapped(np.concatenate(moved, axis=1).astype(np.int32), words)
    used = np.asarray((both.codes >= 0).any(axis=0))
    if not used.any():
        used[0] = True
    return Values(np.ascontiguousarray(both.codes[:, used]), both.words)


def lists(table: pa.Table, name: str, keep: int = WIDEST) -> Values:
    """A list column, its first values in slots; a column of texts is a list of one."""
    found = column(table, name)
    if not pa.types.is_list(found.type) and not pa.types.is_large_list(found.type):
        return encoded(found)
    return slots(table.num_rows, parents(found), found.flatten().cast(pa.string()), keep)


def parents(found: pa.Array) -> npt.NDArray[np.int64]:
    """The row of each element of a list column."""
    return np.asarray(pc.list_parent_indices(found), dtype=np.int64)


def slots(rows: int, owners: npt.NDArray[np.int64], texts: pa.Array, keep: int = WIDEST) -> Values:
    """Texts and the row of each, ascending, as a field: the first ones of each row in slots."""
    found = encoded(texts)
    valid = found.first >= 0
    owners, codes = owners[valid], found.first[valid]
    if not len(owners):
        return Values(np.full((rows, 1), -1, np.int32), found.words)
    starts = np.r_[True, owners[1:] != owners[:-1]]
    position = np.arange(len(owners)) - np.maximum.accumulate(np.where(starts, np.arange(len(owners)), 0))
    width = int(min(position.max() + 1, keep))
    out = np.full((rows, width), -1, np.int32)
    inside = position < width
    out[owners[inside], position[inside]] = codes[inside]
    return Values(out, found.words)


def reordered(order: npt.NDArray[np.int64], *fields: Values) -> list[Values]:
    """Fields over one dictionary, in another order of records, with codes in the order in which their values first occur there."""
    codes = [values.codes[order] for values in fields]
    words = fields[0].words
    flat = np.concatenate([c.ravel() for c in codes])
    flat = flat[flat >= 0]
    first = np.empty(len(words), np.int64)
    first[flat[::-1]] = np.arange(len(flat) - 1, -1, -1)
    used = flat[first[flat] == np.arange(len(flat))]
    lookup = np.full(len(words) + 1, -1, np.int32)
    lookup[used] = np.arange(len(used), dtype=np.int32)
    kept = words.take(pa.array(used))
    return [Values(lookup[c], kept) for c in codes]
