"""A pass over one stream: a page is fingerprinted, compared with what is stored, mapped where it is new, and landed in order.

While one page is mapped in a worker process, the next is read and the one before is copied: both cores and the server work, and no more
than a handful of pages is in memory, whatever the size of the source. A stream that holds nothing yet is not compared: its rows are
appended until the database finds a key that the same read has given before.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, Engine, Row, func, select
from sqlalchemy.dialects.postgresql import insert

from cdp.db import held_lock, tables
from cdp.ingest import landing, quarantine
from cdp.ingest.drift import note_fields
from cdp.ingest.fingerprint import Fingerprints, fingerprint
from cdp.ingest.keys import keys_of, mapped_paths, unmapped
from cdp.ingest.landing import Counts, Landed, StreamTarget
from cdp.ingest.named import land_named_customers
from cdp.ingest.runs import finish_run, start_run
from cdp.records import Defaults, MappedBatch, StreamMapping, canonical_json, map_batch
from cdp.records.source import Page, Refused, Source, SourceError, Stream, Throttled
from cdp.settings import Settings

_WORTH_SENDING = 2_000
"""Rows that a worker maps sooner than this process, with what sending them costs."""
_TELLING = 50
"""Rows without a field that tell that it is gone."""

Progress = Callable[[str, str, Counts, int | None], None]
"""Called after each page with source, stream, counts so far, and the total where known."""


@dataclass(frozen=True)
class StreamReport:
    """What a sync did with one stream; `error` says why it stopped, where it did."""

    source: str
    stream: str
    counts: Counts
    error: str | None = None
    retry_at: str | None = None
    unmapped: Sequence[str] = ()
    vanished: Sequence[str] = ()
    """Fields that the mapping reads and earlier rows had, and no row of this read has."""


@dataclass(frozen=True)
class Taken:
    """The rows of a page: key, state and fingerprint of each, and the numbers of those that are mapped: the new and changed ones."""

    keys: pa.Array
    state: np.ndarray
    prints: Fingerprints

    @property
    def rows(self) -> np.ndarray:
        """The numbers of the rows that are mapped."""
        return np.flatnonzero((self.state == landing.NEW) | (self.state == landing.CHANGED))


@dataclass(frozen=True)
class Mapped:
    """What the rows became, with the canonical JSON of each."""

    batch: MappedBatch
    canonical: pa.Array


@dataclass(frozen=True)
class _InFlight:
    """A page that is being mapped; `names` are its keys where it was compared with what is stored, else the worker finds them."""

    page: Page
    names: frozenset[str | None] | None
    work: Future[tuple[Taken, Mapped]]

    @property
    def compared(self) -> bool:
        return self.names is not None


def prepare(rows: Any, mapping: StreamMapping, defaults: Defaults, complete: bool) -> tuple[Taken, Mapped]:
    """What a worker does with a page of a stream that held nothing: everything but landing it."""
    prints = fingerprint(rows)
    keys = keys_of(rows, mapping, defaults)
    taken = Taken(keys, within_page(keys, prints.hash, complete), prints)
    return map_taken(taken, take(rows, taken.rows), mapping, defaults)


def map_taken(taken: Taken, rows: Any, mapping: StreamMapping, defaults: Defaults) -> tuple[Taken, Mapped]:
    """What a worker does with the new rows of a page: map them, and write their canonical JSON."""
    batch = map_batch(rows, mapping, defaults)
    return taken, Mapped(batch, canonical_json(batch.table))


def within_page(keys: pa.Array, hashes: pa.Array, complete: bool) -> np.ndarray:
    """The state of each row where nothing is stored."""
    state = np.full(len(keys), landing.NEW, dtype=np.int8)
    if complete:
        other, same = landing.repeats(keys, hashes)
        state[other], state[same] = landing.REPEATED, landing.UNCHANGED
    else:
        state[_superseded(keys)] = landing.UNCHANGED  # a later row of the page has the key
    return state


def take(rows: pa.Table | Sequence[Any], indices: np.ndarray) -> Any:
    """Rows at `indices`, in the form they came in."""
    if len(indices) == (rows.num_rows if isinstance(rows, pa.Table) else len(rows)):
        return rows
    return rows.take(pa.array(indices)) if isinstance(rows, pa.Table) else [rows[i] for i in indices]


def defaults_of(settings: Settings) -> Defaults:
    """What is assumed of every source that does not say otherwise."""
    return Defaults(country=settings.country, currency=settings.currency, max_cell_bytes=settings.max_cell_bytes)


def _superseded(keys: pa.Array) -> np.ndarray:
    """Rows of a page whose key a later row of it has too."""
    last = {key: row for row, key in enumerate(keys.to_pylist())}
    return np.array([row for row, key in enumerate(keys.to_pylist()) if key is not None and last[key] != row], dtype=np.int64)


@dataclass(frozen=True)
class StreamPlan:
    """What to sync, and how to read it."""

    row: Row[Any]
    stream: Stream
    mapping: StreamMapping
    digest: bytes
    defaults: Defaults
    workers: int


class StreamSync:
    """One pass over one stream of one source."""

    def __init__(self, engine: Engine, source: Source, plan: StreamPlan, pool: Executor | None, progress: Progress | None) -> None:
        self.engine, self.source, self.pool, self.progress = engine, source, pool, progress
        self.row, self.stream, self.mapping, self.defaults = plan.row, plan.stream, plan.mapping, plan.defaults
        self.digest = plan.digest
        self.ahead = plan.workers + 1 if pool else 0
        self.counts = Counts()
        self.total: int | None = None
        self.in_flight: deque[_InFlight] = deque()
        self.whole = plan.stream.complete
        self.empty = False
        self.fields: dict[str, str] = {}
        self.here: set[str] = set()

    def run(self) -> StreamReport:
        """Read the stream to its end, or to its error; what was landed by then stays. Two passes over one stream wait for each other."""
        with self.engine.connect() as connection, held_lock(self.engine, f"sync {self.row.id} {self.stream.name}"):
            run_id = start_run(connection, "sync", self.row.id)
            self.target = StreamTarget(self.row.id, self.stream.name, self.mapping.kind, run_id)
            bookmark = self._open(connection)
            landing.prepare_session(connection, self.target)
            self.empty = landing.is_empty(connection, self.target)
            error = self._guarded(connection, bookmark)
            self._close(connection, run_id, error)
        retry_at = error.until.isoformat() if isinstance(error, Throttled) else None
        message = str(error) if error else None
        nobody = unmapped(self.fields, self.mapping)
        return StreamReport(self.row.name, self.stream.name, self.counts, message, retry_at, nobody, self._vanished())

    def _vanished(self) -> list[str]:
        """Mapped fields that this read did not have; of a read of few rows that is no news."""
        if self.counts.read < _TELLING:
            return []
        return sorted(path for path in mapped_paths(self.mapping) if path in self.fields and path not in self.here)

    def _open(self, connection: Connection) -> Any:
        """Register the stream, map stored rows again where the mapping changed; the bookmark to go on from."""
        known = tables.stream
        where = (known.c.source_id == self.row.id, known.c.name == self.stream.name)
        stored = connection.execute(select(known.c.bookmark, known.c.mapping_hash, known.c.fields).where(*where)).first()
        if stored is not None and stored.mapping_hash not in (None, self.digest):
            from cdp.ingest.remap import remap

            self.counts.changed += remap(connection, self.target, self.mapping, self.defaults)
        mapped = {"mapping_hash": self.digest, "kind": self.mapping.kind}
        statement = insert(known).values(source_id=self.row.id, name=self.stream.name, **mapped)
        connection.execute(statement.on_conflict_do_update(index_elements=["source_id", "name"], set_=mapped))
        connection.commit()
        self.fields = dict(stored.fields) if stored else {}
        return stored.bookmark if stored else None

    def _guarded(self, connection: Connection, bookmark: Any) -> SourceError | None:
        try:
            for page in self.source.read(self.stream.name, bookmark):
                self._take_in(connection, page)
            self._drain(connection, 0)
            if self.whole and self.stream.complete and not self.empty:
                self.counts.deleted += landing.delete_unseen(connection, self.target)
                connection.commit()
        except SourceError as error:
            connection.rollback()
            try:
                self._drain(connection, 0)
            except SourceError as earlier:  # of a page before
                connection.rollback()
                return earlier
            return error
        return None

    def _take_in(self, connection: Connection, page: Page) -> None:
        """Compare a page with what is stored, and send its new rows to be mapped."""
        self.whole = self.whole and not page.unchanged
        self.total = page.total or self.total
        self.counts.read += len(page.rows) + len(page.refused)
        self.fields, here = note_fields(self.fields, page.rows, mapped_paths(self.mapping), f"{page.place}: " if page.place else "")
        self.here |= here
        names, work = self._begin(connection, page)
        self.in_flight.append(_InFlight(replace(page, rows=()), names, work))
        connection.commit()
        self._drain(connection, self.ahead)

    def _begin(self, connection: Connection, page: Page) -> tuple[frozenset[str | None] | None, Future[tuple[Taken, Mapped]]]:
        """Send a page's rows to be mapped: all of them to a stream that held nothing, else those that are new."""
        if self.empty:
            return None, self._submit(len(page.rows), prepare, page.rows, self.mapping, self.defaults, self.stream.complete)
        prints = fingerprint(page.rows)
        keys = keys_of(page.rows, self.mapping, self.defaults)
        names = frozenset(keys.to_pylist())
        if any(flight.names is None or not names.isdisjoint(flight.names) for flight in self.in_flight):
            self._drain(connection, 0)
        taken = Taken(keys, self._compare(connection, keys, prints.hash), prints)
        return names, self._submit(len(taken.rows), map_taken, taken, take(page.rows, taken.rows), self.mapping, self.defaults)

    def _submit(self, rows: int, work: Callable[..., tuple[Taken, Mapped]], *given: Any) -> Future[tuple[Taken, Mapped]]:
        """Let a worker do it; few rows are done sooner than sent."""
        if self.pool is not None and rows >= _WORTH_SENDING:
            return self.pool.submit(work, *given)
        future: Future[tuple[Taken, Mapped]] = Future()
        future.set_result(work(*given))
        return future

    def _compare(self, connection: Connection, keys: pa.Array, hashes: pa.Array) -> np.ndarray:
        """The state of each row beside what is stored."""
        within = within_page(keys, hashes, self.stream.complete)
        state = np.where(within == landing.NEW, landing.classify(connection, self.target, keys, hashes), within)
        if self.stream.complete:
            landing.note_seen(connection, keys)
        return state

    def _drain(self, connection: Connection, leave: int) -> None:
        while len(self.in_flight) > leave:
            self._land(connection, self.in_flight.popleft())

    def _land(self, connection: Connection, flight: _InFlight) -> None:
        """Write a mapped page with its bookmark, and commit."""
        try:
            taken, mapped = flight.work.result()
        except SourceError:
            self.in_flight.clear()  # what lies behind a page that cannot be taken is read again
            raise
        batch, at = mapped.batch, taken.rows[mapped.batch.row]
        rows = pa.array(at)
        landed = Landed(batch.table, taken.prints.raw.take(rows), taken.prints.hash.take(rows), mapped.canonical)
        state = taken.state
        if self.empty and self._append(connection, landed):
            self.counts.added += len(at)
            self.counts.note_issues(landed.table["issues"])
        else:
            state = state if flight.compared else self._compare(connection, taken.keys, taken.prints.hash)
            new, changed = (landed.take(pa.array(np.flatnonzero(state[at] == wanted))) for wanted in (landing.NEW, landing.CHANGED))
            self.counts.added += landing.add(connection, self.target, new)
            self.counts.changed += landing.change(connection, self.target, changed)
            for written in (new, changed):
                self.counts.note_issues(written.table["issues"])
        landing.land_consents(connection, self.target, batch.table)
        if batch.customers is not None:
            land_named_customers(connection, self.target, batch.customers)
        self._refuse(connection, flight.page, replace(taken, state=state), taken.rows, batch)
        if flight.page.merged:
            self.counts.deleted += landing.merge_keys(connection, self.target, self.row.name, flight.page.merged)
        self.counts.deleted += landing.delete_keys(connection, self.target, flight.page.deleted)
        self.counts.unchanged += int((state == landing.UNCHANGED).sum())
        connection.execute(
            tables.stream.update()
            .where(tables.stream.c.source_id == self.row.id, tables.stream.c.name == self.stream.name)
            .values(bookmark=flight.page.bookmark, fields=self.fields)
        )
        connection.commit()
        if self.progress:
            self.progress(self.row.name, self.stream.name, self.counts, self.total)

    def _append(self, connection: Connection, landed: Landed) -> bool:
        """Write rows to a stream that held none when the read began; False, and nothing written, where the read gives a key again."""
        try:
            with connection.begin_nested():
                landing.add(connection, self.target, landed)
        except UniqueViolation:
            self.empty = False
            if self.stream.complete:
                landing.note_landed(connection, self.target)
            return False
        return True

    def _refuse(self, connection: Connection, page: Page, taken: Taken, mapped: np.ndarray, batch: MappedBatch) -> None:
        """Put into quarantine what the source, the mapping (of the rows `mapped`) and the keys refuse."""
        refused = list(page.refused)
        for row in batch.refused:
            index = int(mapped[row.row])
            place = f"{page.place} row {page.number(index)}"
            key, raw = taken.keys[index].as_py(), json.loads(taken.prints.raw[index].as_py())
            refused.append(Refused(place, row.reason, f"{place}: {row.message}", raw, key, row.field))
        for index in np.flatnonzero(taken.state == landing.REPEATED).tolist():
            place = f"{page.place} row {page.number(index)}"
            key, raw = taken.keys[index].as_py(), json.loads(taken.prints.raw[index].as_py())
            message = f"{place}: the key {key!r} stands in an earlier row with other content; correct or remove one of them"
            refused.append(Refused(place, "duplicate_key", message, raw, key))
        quarantine.hold(connection, self.row.id, self.stream.name, self.target.run_id, refused)
        if not refused and not self.counts.refused:
            landed = [key for key, state in zip(taken.keys.to_pylist(), taken.state, strict=True) if state == landing.CHANGED]
            quarantine.release(connection, self.row.id, self.stream.name, landed)
        self.counts.refuse(refused)

    def _close(self, connection: Connection, run_id: int, error: SourceError | None) -> None:
        values: dict[str, Any] = {"last_error": str(error) if error else None}
        if error is None:
            values["last_success_at"] = func.now()
        where = (tables.stream.c.source_id == self.row.id, tables.stream.c.name == self.stream.name)
        connection.execute(tables.stream.update().where(*where).values(values))
        status = "done" if error is None else "partial" if self.counts.added + self.counts.changed else "failed"
        finish_run(connection, run_id, status, {"stream": self.stream.name} | asdict(self.counts), str(error) if error else None)
        connection.commit()
