"""A batch of raw rows becomes a table of canonical rows: a distinct value is standardised once, a row is kept or refused with its reason.

A value that cannot be standardised does not refuse its row: the field stays empty and the value goes to `issues`.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.records.buffers import may_hold
from cdp.records.canonical import canonical_json
from cdp.records.columns import Context, Defaults
from cdp.records.customers import customer_table
from cdp.records.interactions import interaction_keys, interaction_table
from cdp.records.json_text import json_text
from cdp.records.mapping import RecordMapping, StreamMapping
from cdp.records.rows import Index, Rows


@dataclass(frozen=True)
class RefusedRow:
    """A row for quarantine.

    Attributes:
        row: its number in the batch, from 0.
        reason: `missing_key`, `duplicate_key`, `nul_byte`, `cell_too_large`; of interactions also `missing_kind`,
            `missing_time`, and why one could not be read: `unknown_kind`, `unknown_time`, `impossible_date`.
        field: the source field, where one is to blame.
        message: what, why, and what to do; never a person's data.
        source_key: where it has one.
    """

    row: int
    reason: str
    field: str | None
    message: str
    source_key: str | None = None


@dataclass(frozen=True)
class MappedBatch:
    """Canonical rows of a batch.

    Attributes:
        table: rows of the schema CUSTOMER or INTERACTION.
        row: for each row of `table`, the number of its row in the batch, from 0.
        refused: rows for quarantine.
        duplicates: numbers of rows that repeat an earlier row exactly.
        customers: of an interaction stream whose rows also name customers, what they say of them: each different row of a key once.
        times: of `customers`, when the last interaction said so.
    """

    table: pa.Table
    row: Index
    refused: Sequence[RefusedRow]
    duplicates: Sequence[int] = ()
    customers: MappedBatch | None = None
    times: pa.Array | None = None


def map_batch(rows: pa.Table | Sequence[Dict[str, Any]], stream: StreamMapping, defaults: Defaults | None = None) -> MappedBatch:
    """Map rows to canonical ones; a pure function that is safe in any process.

    Raises:
        ContractError: a column that the mapping names and a table lacks.
    """
    known = (defaults or Defaults()).of(stream)
    context = Context(Rows(rows), known)
    refused = _unstorable(rows, known.max_cell_bytes)
    if stream.interaction is None:
        assert stream.customer is not None
        return _keep(customer_table(context, stream.customer), context.rows, stream.customer, refused)
    table = interaction_table(context, stream)
    batch = _keep(table, context.rows, stream.interaction, refused | _incomplete(table, stream.interaction))
    if stream.customer is None:
        return batch
    return replace(batch, customers=_named(customer_table(Context(context.rows, known), stream.customer), batch))


def source_keys(rows: pa.Table | Sequence[Dict[str, Any]], stream: StreamMapping, defaults: Defaults | None = None) -> pa.Array:
    """The key of each row as `map_batch` makes it, null where there is none, without mapping anything else. Raises as `map_batch`."""
    context = Context(Rows(rows), (defaults or Defaults()).of(stream))
    if stream.interaction is not None:
        return interaction_keys(context, stream.interaction)
    assert stream.customer is not None
    return context.keys(stream.customer.values("source_key"), "source_key")


def _keep(table: pa.Table, rows: Rows, mapping: RecordMapping, refused: dict[int, RefusedRow]) -> MappedBatch:
    """Refuse rows without key, and later rows that say another thing under the key of an earlier one; the others stay."""
    keys = table["source_key"].combine_chunks()
    field = ", ".join(path for value in mapping.values("source_key") for path in value.fields) or "source_key"
    for row in np.flatnonzero(np.asarray(keys.is_null())).tolist():
        message = f"the row has no key: {field} is empty; give it a value, or map source_key to fields that every row has"
        refused.setdefault(row, RefusedRow(row, "missing_key", field, message))
    duplicates = _repeated(rows, keys, field, refused)
    stays = np.ones(table.num_rows, dtype=bool)
    stays[[*refused, *duplicates]] = False
    kept: Index = np.flatnonzero(stays).astype(np.int64)
    listed = [_with_key(refused[number], keys, field) for number in sorted(refused)]
    return MappedBatch(table.take(pa.array(kept)) if len(kept) < table.num_rows else table, kept, listed, duplicates)


def _with_key(refused: RefusedRow, keys: pa.Array, field: str) -> RefusedRow:
    """A key that is itself at fault is none."""
    at_fault = refused.reason in ("nul_byte", "cell_too_large") and refused.field in field.split(", ")
    return refused if at_fault else replace(refused, source_key=keys[refused.row].as_py())


def _repeated(rows: Rows, keys: pa.Array, field: str, refused: dict[int, RefusedRow]) -> list[int]:
    """Rows that repeat the first row of their key word for word; one that says another thing is refused."""
    duplicates: list[int] = []
    first: dict[str, int] = {}
    for row in _shared(keys):
        if row in refused:
            continue
        earlier = first.setdefault(keys[row].as_py(), row)
        if earlier == row:
            continue
        if rows.row(earlier) == rows.row(row):
            duplicates.append(row)
            continue
        message = f"an earlier row of the batch has this key and says something else; make {field} unique, or name more fields as its key"
        refused[row] = RefusedRow(row, "duplicate_key", field, message)
    return duplicates


def _shared(keys: pa.Array) -> list[int]:
    """Rows whose key another row has too."""
    if len(set(keys.to_pylist())) == len(keys):
        return []
    codes = np.asarray(keys.dictionary_encode().indices.fill_null(-1))
    counts = np.bincount(codes[codes >= 0], minlength=1)
    return [int(row) for row in np.flatnonzero((codes >= 0) & (counts[codes] > 1))]


def _incomplete(table: pa.Table, mapping: RecordMapping) -> dict[int, RefusedRow]:
    """Interactions without time or kind."""
    refused: dict[int, RefusedRow] = {}
    for target, what in (("at", "time"), ("kind", "kind")):
        field = ", ".join(path for value in mapping.values(target) for path in value.fields) or target
        for row in np.flatnonzero(np.asarray(table[target].is_null())).tolist():
            reasons = [issue["reason"] for issue in table["issues"][row].as_py() or () if issue["field"] == target]
            reason = reasons[0] if reasons else f"missing_{what}"
            message = f"an interaction needs a {what}, and {field} gives none ({reason}); correct the value, or the mapping of {target}"
            refused.setdefault(row, RefusedRow(row, reason, field, message))
    return refused


def _named(table: pa.Table, batch: MappedBatch) -> MappedBatch:
    """What interactions say of customers, the latest of equal rows; an interaction that names none is no error."""
    said = table.take(pa.array(batch.row))
    codes = np.asarray(canonical_json(said).dictionary_encode().indices)
    order = np.argsort(np.asarray(batch.table["at"].combine_chunks().cast(pa.int64())), kind="stable")
    keyed = order[np.asarray(said["source_key"].combine_chunks().is_valid())[order]]
    latest: Index = np.sort(len(keyed) - 1 - np.unique(codes[keyed][::-1], return_index=True)[1])
    chosen = keyed[latest]
    return MappedBatch(said.take(pa.array(chosen)), batch.row[chosen], (), times=batch.table["at"].combine_chunks().take(pa.array(chosen)))


def _unstorable(rows: pa.Table | Sequence[Dict[str, Any]], limit: int) -> dict[int, RefusedRow]:
    """Rows with a NUL byte, which no database text holds, or a cell over the limit."""
    refused: dict[int, RefusedRow] = {}
    if not isinstance(rows, pa.Table):
        for row, content in enumerate(rows):
            for name, value in content.items():
                if isinstance(value, (str, list, dict)):
                    _check_text(refused, row, name, value if isinstance(value, str) else json_text(value), limit)
        return refused
    for name in rows.column_names:
        column = rows[name]
        type_ = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_nested(type_):
            for row, value in enumerate(column.to_pylist()):
                _check_text(refused, row, name, json_text(value), limit)
        elif pa.types.is_string(type_) or pa.types.is_large_string(type_):
            plain = column.cast(pa.large_string()) if pa.types.is_dictionary(column.type) else column
            if not may_hold(plain, b"\x00") and (pc.max(pc.binary_length(plain)).as_py() or 0) <= limit:
                continue
            suspect = pc.or_(pc.match_substring(plain, "\x00"), pc.greater(pc.binary_length(plain), limit))
            for row in np.flatnonzero(np.asarray(suspect.fill_null(False))).tolist():
                _check_text(refused, row, name, plain[row].as_py(), limit)
    return refused


def _check_text(refused: dict[int, RefusedRow], row: int, field: str, text: str, limit: int) -> None:
    if row in refused:
        return
    if "\x00" in text or "\\u0000" in text:
        refused[row] = RefusedRow(row, "nul_byte", field, f"{field} holds a NUL byte, which no text may; correct it in the source")
    elif len(text) > limit // 4 and len(text.encode()) > limit:
        message = (
            f"{field} holds {len(text.encode()):,} bytes, more than the {limit:,} a cell may hold; shorten it, or raise max_cell_bytes"
        )
        refused[row] = RefusedRow(row, "cell_too_large", field, message)
