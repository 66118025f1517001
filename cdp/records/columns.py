"""A column is standardised once for each distinct value; what has no standard form becomes an issue of its row.

Results are remembered between batches in a bounded store for each cleaner, so a value that many batches repeat is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.records.mapping import StreamMapping, Value, Values
from cdp.records.model import ISSUE
from cdp.records.rows import Flat, Index, Rows, present
from cdp.records.settled import settled
from cdp.records.values.text import Unclean, clean_key

Clean = Callable[[str], Any]
Cleaner = Callable[[Value], Clean]
"""A cleaner takes the hints of a mapped value and returns the function that cleans one text; equal hints give equal partials."""

INSTANT = pa.timestamp("us", "UTC")
_ISO = r"^[12]\d{3}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?"
_REMEMBERED = 50_000
_memory: dict[Any, dict[str | None, tuple[Any, str | None]]] = {}
_ISSUE_LENGTH = 200


@dataclass(frozen=True)
class Defaults:
    """What is assumed where neither the row nor the mapping says it."""

    country: str | None = None
    currency: str | None = None
    timezone: str = "UTC"
    max_cell_bytes: int = 1_000_000

    def of(self, stream: StreamMapping) -> Defaults:
        """The mapping of a stream knows better."""
        return replace(
            self,
            country=stream.country or self.country,
            currency=stream.currency or self.currency,
            timezone=stream.timezone or self.timezone,
        )


class Issue(NamedTuple):
    """A value of a row that has no standard form, as written."""

    row: int
    field: str
    value: str
    reason: str


@dataclass
class Context:
    """The rows of one batch, what is assumed of them, and the issues found so far."""

    rows: Rows
    defaults: Defaults
    parents: Index | None = None
    issues: list[Issue] = field(default_factory=list)

    def inner(self, path: str) -> Context:
        """The elements of the lists at `path`; their issues are issues of the rows they are in."""
        rows, parents = self.rows.explode(path)
        return Context(rows, self.defaults, parents if self.parents is None else self.parents[parents], self.issues)

    def texts(self, value: Value) -> pa.Array:
        """One text a row, as the source wrote it."""
        if value.const is not None:
            return pa.repeat(pa.scalar(value.const), self.rows.length)
        columns = [self.rows.texts(path, value.optional) for path in value.fields]
        return columns[0] if len(columns) == 1 else _joined(columns, value.joined_with)

    def keys(self, values: Values, target: str) -> pa.Array:
        """Keys; a key of several fields is whole or missing, and its parts cannot run into each other."""
        columns: list[pa.Array] = []
        for value in values:
            parts = [self._cleaned(target, self.rows.texts(path, value.optional), value, _key) for path in value.fields] or [
                self.texts(value)
            ]
            if len(parts) > 1 and value.joined_with == ":":
                parts = [pc.replace_substring(pc.replace_substring(part, "\\", "\\\\"), ":", "\\:") for part in parts]
            columns.append(
                parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, value.joined_with, null_handling="emit_null")
            )
        return _first(columns, self.rows.length)

    def scalar(self, target: str, values: Values, cleaner: Cleaner, type_: pa.DataType | None = None) -> pa.Array:
        """One standard value a row: the first of `values` that has one; only where none has one is a value that cannot be read an issue."""
        columns, pending = [], []
        for value in values:
            instants = self._instants(value) if type_ is not None and pa.types.is_timestamp(type_) else None
            if instants is not None:
                columns.append(instants)
                continue
            texts = self.texts(value)
            column, bad = standardise(texts, _with_table(value, cleaner(value)), type_ or pa.string())
            if value.default is not None and type_ is None:
                column = column.fill_null(value.default)
            columns.append(column)
            pending.append((texts, bad))
        result = _first(columns, self.rows.length, type_)
        missing = np.asarray(result.is_null())
        for texts, bad in pending:
            self._report(target, texts, bad, missing)
        return result

    def many(self, target: str, values: Values, cleaner: Cleaner) -> Flat:
        """Every standard value of every row, none twice in a row, in the order of `values`."""
        parts = [self._standard(target, self.flat(value), _with_table(value, cleaner(value))) for value in values]
        return _distinct(_concat(parts))

    def many_by(self, target: str, values: Values, cleaners: Callable[[Value, str], Clean], group: pa.Array) -> Flat:
        """As `many`, where how a text is read depends on the group of its row; `group` has one text a row."""
        encoded = group.dictionary_encode()
        codes = np.asarray(encoded.indices)
        parts = []
        for value in values:
            flat = self.flat(value)
            for code, name in enumerate(encoded.dictionary.to_pylist()):
                rows = np.flatnonzero(codes[flat.rows] == code)
                part = Flat(flat.texts.take(pa.array(rows)), flat.rows[rows])
                parts.append(self._standard(target, part, _with_table(value, cleaners(value, name))))
        return _distinct(_concat(parts))

    def _standard(self, target: str, flat: Flat, clean: Clean) -> Flat:
        column, bad = standardise(flat.texts, clean, pa.string())
        self._report(target, flat.texts, bad, None, flat.rows)
        kept = present(column)
        return Flat(kept.texts, flat.rows[kept.rows])

    def flat(self, value: Value) -> Flat:
        """Every text of every row, as the source wrote it, divided where the mapping says so."""
        if len(value.fields) == 1 and value.const is None:
            flat = self.rows.flat(value.fields[0], value.optional)
        else:
            flat = present(self.texts(value))
        if value.split is None:
            return flat
        pieces = pc.split_pattern(flat.texts, value.split)
        return Flat(pieces.flatten(), flat.rows[np.asarray(pc.list_parent_indices(pieces))])

    def divided(self, target: str, texts: pa.Array, clean: Clean, width: int) -> list[pa.Array]:
        """The parts of a text that is several values (a full name, a line of an address), a column each."""
        encoded = texts.dictionary_encode()
        results, bad = _results(encoded.dictionary.to_pylist(), clean)
        self._report(target, texts, _Bad(_codes(encoded), bad), None)
        rows = [result if result is not None else (None,) * width for result in results]
        return [pa.array([row[place] for row in rows], pa.string()).take(encoded.indices) for place in range(width)]

    def _instants(self, value: Value) -> pa.Array | None:
        """A column that Arrow already holds as times, in UTC; None where it must be read from text."""
        column = self.rows.instants(value.fields[0]) if len(value.fields) == 1 and not value.table else None
        zone = value.timezone or self.defaults.timezone
        if column is None:
            plain = not value.table and value.const is None and value.format is None
            return _iso_instants(self.texts(value), zone) if plain else None
        if column.type.tz:
            return column.cast(INSTANT)
        return pc.assume_timezone(column, zone, ambiguous="earliest", nonexistent="latest").cast(INSTANT)

    def _cleaned(self, target: str, texts: pa.Array, value: Value, cleaner: Cleaner) -> pa.Array:
        column, _ = standardise(texts, _with_table(value, cleaner(value)), pa.string())
        return column

    def _report(self, target: str, texts: pa.Array, bad: _Bad, missing: Any, rows: Index | None = None) -> None:
        if not bad.reasons:
            return
        codes = bad.codes
        for place in np.flatnonzero(np.isin(codes, list(bad.reasons))).tolist():
            if missing is None or missing[place]:
                row = place if rows is None else int(rows[place])
                row = row if self.parents is None else int(self.parents[row])
                self.issues.append(Issue(row, target, texts[place].as_py()[:_ISSUE_LENGTH], bad.reasons[int(codes[place])]))


class _Bad(NamedTuple):
    """For each row the code of its text, -1 where it needed no reading, and the reasons of those codes that have no standard form."""

    codes: Index
    reasons: dict[int, str]


def standardise(texts: pa.Array, clean: Clean, type_: pa.DataType) -> tuple[pa.Array, _Bad]:
    """The standard forms of a column; each distinct text that is not settled is cleaned once."""
    ready = settled(texts, clean) if pa.types.is_string(type_) else None
    if ready is None:
        encoded = texts.dictionary_encode()
        results, reasons = _results(encoded.dictionary.to_pylist(), clean)
        return pa.array(results, type_).take(encoded.indices), _Bad(_codes(encoded), reasons)
    if ready.null_count == texts.null_count:
        return ready, _Bad(np.array([], dtype=np.int64), {})
    unread = pc.and_(texts.is_valid(), ready.is_null())
    encoded = texts.filter(unread).dictionary_encode()
    results, reasons = _results(encoded.dictionary.to_pylist(), clean)
    codes = np.full(len(texts), -1, dtype=np.int64)
    codes[np.asarray(unread)] = _codes(encoded)
    return pc.replace_with_mask(ready, unread, pa.array(results, type_).take(encoded.indices)), _Bad(codes, reasons)


def _codes(encoded: pa.DictionaryArray) -> Index:
    return np.asarray(encoded.indices.fill_null(-1)).astype(np.int64)


def _results(distinct: Sequence[str | None], clean: Clean) -> tuple[list[Any], dict[int, str]]:
    """The standard form of each distinct text, and the reasons of those that have none, by place."""
    if len(distinct) > _REMEMBERED // 4:
        return _cleaned(distinct, clean)
    memory = _memory.setdefault(_identity(clean), {})
    fresh = [text for text in distinct if text not in memory]
    if len(memory) + len(fresh) > _REMEMBERED:
        memory.clear()
        fresh = list(distinct)
    results, reasons = _cleaned(fresh, clean)
    memory.update((text, (result, reasons.get(place))) for place, (text, result) in enumerate(zip(fresh, results, strict=True)))
    known = [memory[text] for text in distinct]
    return [result for result, _ in known], {place: reason for place, (_, reason) in enumerate(known) if reason is not None}


def _cleaned(texts: Sequence[str | None], clean: Clean) -> tuple[list[Any], dict[int, str]]:
    results: list[Any] = []
    reasons: dict[int, str] = {}
    for text in texts:
        try:
            results.append(None if text is None else clean(text))
        except Unclean as error:
            reasons[len(results)] = str(error)
            results.append(None)
    return results, reasons


def _iso_instants(texts: pa.Array, zone: str) -> pa.Array | None:
    """Instants of a column whose every text is a whole ISO 8601 time of one form; None where any is not, or is no instant of its zone."""
    column = None
    try:
        if pc.all(pc.match_substring_regex(texts, _ISO + "$"), min_count=1).as_py():
            column = pc.assume_timezone(texts.cast(pa.timestamp("us")), zone, ambiguous="earliest", nonexistent="raise").cast(INSTANT)
        elif pc.all(pc.match_substring_regex(texts, _ISO + "Z$"), min_count=1).as_py():
            column = texts.cast(INSTANT)
    except pa.ArrowInvalid:
        return None
    return column


def _identity(clean: Clean) -> Any:
    """What makes two cleaners one: the function and its hints."""
    if isinstance(clean, partial):
        return (_identity(clean.func), tuple(_identity(arg) for arg in clean.args), tuple(sorted(clean.keywords.items())))
    return clean


def _with_table(value: Value, clean: Clean) -> Clean:
    return partial(_look_up, clean, value.table, value.default) if value.table else clean


def _look_up(clean: Clean, table: tuple[tuple[str, str], ...], default: str | None, text: str) -> Any:
    meant = dict(table).get(text.strip().lower())
    if meant is None:
        meant = default if default is not None else text
    return clean(meant)


def _key(value: Value) -> Clean:
    return clean_key


def _joined(columns: list[pa.Array], separator: str) -> pa.Array:
    """Texts joined without the empty ones; null where all are empty."""
    columns = [pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), None, column) for column in columns]
    joined = skipping_join(columns, separator)
    return pc.if_else(pc.equal(joined, ""), None, joined)


def skipping_join(columns: Sequence[pa.Array], separator: str) -> pa.Array:
    """Texts of each row joined without the nulls; empty where all are null.

    The empty first element is needed: `binary_join_element_wise` of Arrow 26 drops a row whose elements are all null.
    """
    joined = pc.binary_join_element_wise(pa.scalar(""), *columns, separator, null_handling="skip")
    return pc.utf8_slice_codeunits(joined, len(separator))


def _first(columns: list[pa.Array], length: int, type_: pa.DataType | None = None) -> pa.Array:
    if not columns:
        return pa.nulls(length, type_ or pa.string())
    return columns[0] if len(columns) == 1 else pc.coalesce(*columns)


def _concat(parts: list[Flat]) -> Flat:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Flat(pa.array([], pa.string()), np.array([], dtype=np.int64))
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows, kind="stable")
    return Flat(pa.concat_arrays([part.texts for part in parts]).take(pa.array(order)), rows[order])


def _distinct(flat: Flat) -> Flat:
    if len(flat.rows) < 2 or bool(np.all(flat.rows[1:] > flat.rows[:-1])):
        return flat
    codes = np.asarray(flat.texts.dictionary_encode().indices).astype(np.int64)
    _, first = np.unique(flat.rows * (int(codes.max()) + 1) + codes, return_index=True)
    first.sort()
    return Flat(flat.texts.take(pa.array(first)), flat.rows[first])


def as_lists(flat: Flat, length: int) -> pa.Array:
    """A list a row, null where there is nothing. `texts` may be an array of any type."""
    counts = np.bincount(flat.rows, minlength=length)
    offsets = np.zeros(length + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), flat.texts, mask=pa.array(counts == 0))


def issue_lists(issues: Sequence[Issue], length: int) -> pa.Array:
    """The issues of each row."""
    ordered = sorted(issues, key=lambda issue: issue.row)
    structs = pa.array([{"field": issue.field, "value": issue.value, "reason": issue.reason} for issue in ordered], ISSUE)
    return as_lists(Flat(structs, np.array([issue.row for issue in ordered], dtype=np.int64)), length)
