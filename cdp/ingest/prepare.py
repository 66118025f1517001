"""What a worker does with a page: everything but landing it. It knows no database, so a worker starts without one and sends bytes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from cdp.ingest.fingerprint import Fingerprints, fingerprint
from cdp.ingest.keys import keys_of
from cdp.ingest.lines import Landed, landed
from cdp.ingest.target import CHANGED, CUSTOMER, NEW, REPEATED, UNCHANGED, StreamTarget
from cdp.records import Defaults, MappedBatch, RefusedRow, StreamMapping, map_batch


@dataclass(frozen=True)
class Job:
    """How the pages of a stream are prepared, and where they go."""

    target: StreamTarget
    mapping: StreamMapping
    defaults: Defaults
    complete: bool


@dataclass(frozen=True)
class Taken:
    """The rows of a page: key, fingerprint and state of each, and as JSON those that the page itself has given before."""

    keys: pa.Array
    hashes: pa.Array
    state: np.ndarray
    repeated: Mapping[int, str] = field(default_factory=dict)

    @property
    def rows(self) -> np.ndarray:
        """The numbers of the rows that are mapped: the new and changed ones."""
        return np.flatnonzero((self.state == NEW) | (self.state == CHANGED))


@dataclass(frozen=True)
class Mapped:
    """What rows of a page became.

    Attributes:
        landed: the rows that are good, ready to be written.
        rows: the number in the page of each of them.
        refused: number in the page, refusal and JSON of each row that is not.
        consents: the columns that consents are read from, where any row carries one.
        customers: whom interactions name.
        taken: the rows of the page, where the worker took them in (the stream held nothing).
    """

    landed: Landed
    rows: np.ndarray
    refused: Sequence[tuple[int, RefusedRow, str]] = ()
    consents: pa.Table | None = None
    customers: MappedBatch | None = None
    taken: Taken | None = None

    def raw(self, row: int, target: StreamTarget) -> str:
        """The JSON of a row by its number in the page."""
        known = {index: raw for index, _, raw in self.refused}
        return known[row] if row in known else self.landed.raw(int(np.searchsorted(self.rows, row)), target)


def prepare(rows: Any, job: Job) -> Mapped:
    """What is done with a page of a stream that held nothing: fingerprint, compare within the page, map."""
    prints = fingerprint(rows)
    taken = taken_of(rows, prints, job)
    numbers = taken.rows
    return replace(map_taken(take(rows, numbers), numbers, prints.at(numbers), job), taken=taken)


def taken_of(rows: Any, prints: Fingerprints, job: Job) -> Taken:
    """The state of each row beside the others of its page, where nothing is stored."""
    keys = keys_of(rows, job.mapping, job.defaults)
    return with_state(keys, prints, within_page(keys, prints.hash, job.complete))


def with_state(keys: pa.Array, prints: Fingerprints, state: np.ndarray) -> Taken:
    """The rows of a page, their states known."""
    return Taken(keys, prints.hash, state, {int(row): prints.raw[row].as_py() for row in np.flatnonzero(state == REPEATED)})


def map_taken(rows: Any, numbers: np.ndarray, prints: Fingerprints, job: Job) -> Mapped:
    """Map rows, which have these numbers in their page, and write their lines."""
    batch = map_batch(rows, job.mapping, job.defaults)
    kept = prints.at(batch.row)
    return Mapped(
        landed(job.target, batch.table, kept.raw, kept.hash),
        numbers[batch.row],
        [(int(numbers[row.row]), row, prints.raw[row.row].as_py()) for row in batch.refused],
        consents_of(batch.table) if job.target.kind == CUSTOMER else None,
        batch.customers,
    )


def consents_of(table: pa.Table) -> pa.Table | None:
    """What consents are read from, of the rows that carry any."""
    chosen = table.select(["source_key", "consents", "updated_at"]).filter(table["consents"].is_valid())
    return chosen if chosen.num_rows else None


def within_page(keys: pa.Array, hashes: pa.Array, complete: bool) -> np.ndarray:
    """The state of each row where nothing is stored."""
    state = np.full(len(keys), NEW, dtype=np.int8)
    texts = keys.to_pylist()
    if len(set(texts)) == len(texts):
        return state
    if complete:
        other, same = _repeats(texts, hashes)
        state[other], state[same] = REPEATED, UNCHANGED
    else:
        state[_superseded(texts)] = UNCHANGED  # a later row of the page has the key
    return state


def _repeats(keys: Sequence[str | None], hashes: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a page whose key an earlier row of it has: those with other content, and those with the same."""
    first: dict[str, int] = {}
    other: list[int] = []
    same: list[int] = []
    for row, key in enumerate(keys):
        if key is not None and first.setdefault(key, row) != row:
            (same if hashes[first[key]] == hashes[row] else other).append(row)
    return np.array(other, dtype=np.int64), np.array(same, dtype=np.int64)


def _superseded(keys: Sequence[str | None]) -> np.ndarray:
    """Rows of a page whose key a later row of it has too."""
    last = {key: row for row, key in enumerate(keys)}
    return np.array([row for row, key in enumerate(keys) if key is not None and last[key] != row], dtype=np.int64)


def take(rows: pa.Table | Sequence[Any], indices: np.ndarray) -> Any:
    """Rows at `indices`, ascending, in the form they came in."""
    if len(indices) == (rows.num_rows if isinstance(rows, pa.Table) else len(rows)):
        return rows
    return rows.take(pa.array(indices)) if isinstance(rows, pa.Table) else [rows[i] for i in indices]
