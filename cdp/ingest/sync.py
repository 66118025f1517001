"""Syncing reads a source's streams page by page; a page is fingerprinted, compared with what is stored, mapped if new, and landed in order.

While one page is mapped in a worker process, the next is read and the one before is copied: both cores and the server work, and no more
than a handful of pages is in memory, whatever the size of the source.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Engine, Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from cdp.db import DatabaseUnavailable, tables
from cdp.ingest import landing, quarantine
from cdp.ingest.connectors import open_source
from cdp.ingest.definition import registered
from cdp.ingest.drift import note_fields
from cdp.ingest.fingerprint import fingerprint
from cdp.ingest.keys import keys_of, mapped_paths, unmapped
from cdp.ingest.landing import Counts, Landed, StreamTarget
from cdp.ingest.named import land_named_customers
from cdp.ingest.runs import finish_run, start_run
from cdp.ingest.workers import worker_pool
from cdp.records import Defaults, MappedBatch, Mapping, MappingError, StreamMapping, canonical_json, map_batch
from cdp.records.source import Page, Refused, Source, SourceError, Stream, Throttled
from cdp.settings import Settings

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


@dataclass(frozen=True)
class SyncReport:
    """What a sync did."""

    streams: Sequence[StreamReport] = field(default_factory=tuple)
    unmapped_streams: Sequence[tuple[str, str]] = ()

    @property
    def ok(self) -> bool:
        """True where every stream was read to its end."""
        return all(stream.error is None for stream in self.streams)


def sync(engine: Engine, settings: Settings, names: Sequence[str] | None = None, progress: Progress | None = None) -> SyncReport:
    """Pull the named sources, or every enabled one, and land what is new.

    A source or stream that fails is reported and does not stop the others.

    Raises:
        UnknownSource: a name that is not registered.
        DatabaseUnavailable: the database went away; what was committed stays, and the next run goes on behind it.
    """
    with engine.connect() as connection:
        sources = registered(connection, names)
    reports: list[StreamReport] = []
    unmapped: list[tuple[str, str]] = []
    with worker_pool(settings.workers) as pool:
        for row in sources:
            try:
                found, missing = _sync_source(engine, settings, row, pool, progress)
            except DBAPIError as error:
                if error.connection_invalidated or (isinstance(error.orig, Exception) and "connection" in str(error.orig).lower()):
                    raise DatabaseUnavailable(
                        f"the database went away while {row.name} was landing; pages committed so far stay, run `cdp sync` again to go on"
                    ) from error
                raise
            reports += found
            unmapped += [(row.name, stream) for stream in missing]
    _analyse(engine, reports)
    return SyncReport(tuple(reports), tuple(unmapped))


def _analyse(engine: Engine, reports: Sequence[StreamReport]) -> None:
    """Tell the query planner what has come in."""
    if any(stream.counts.added or stream.counts.changed for stream in reports):
        with engine.begin() as connection:
            connection.execute(text("analyze record, interaction"))


def _sync_source(
    engine: Engine, settings: Settings, row: Row[Any], pool: Executor | None, progress: Progress | None
) -> tuple[list[StreamReport], list[str]]:
    try:
        mapping = Mapping.load(row.mapping)
        source = open_source(row.name, row.connector, row.config)
        streams = source.streams()
    except (SourceError, MappingError) as error:
        with engine.connect() as connection:
            finish_run(connection, start_run(connection, "sync", row.id), "failed", {}, str(error))
            connection.commit()
        return [StreamReport(row.name, "", Counts(), str(error))], []
    names = {stream.name for stream in mapping.streams} if "streams" in mapping.document else {stream.name for stream in streams}
    mapped = [stream for stream in streams if stream.name in names]
    reports = []
    for stream in sorted(mapped, key=lambda s: mapping.stream(s.name).kind):  # customers before their interactions
        plan = _Plan(row, stream, mapping.stream(stream.name), mapping.digest(stream.name), defaults_of(settings), settings.workers)
        reports.append(_StreamSync(engine, source, plan, pool, progress).run())
    known = ", ".join(stream.name for stream in streams) or "none"
    absent = sorted(names - {stream.name for stream in streams})
    reports += [
        StreamReport(row.name, name, Counts(), f"the mapping names the stream {name!r}; {row.name} has: {known}") for name in absent
    ]
    return reports, [stream.name for stream in streams if stream.name not in names]


@dataclass(frozen=True)
class _InFlight:
    """A page whose new and changed rows are being mapped."""

    page: Page
    keys: pa.Array
    state: np.ndarray
    rows: np.ndarray
    raw: pa.Array
    hash: pa.Array
    mapped: Future[tuple[MappedBatch, pa.Array]]


def map_rows(rows: Any, mapping: StreamMapping, defaults: Defaults) -> tuple[MappedBatch, pa.Array]:
    """What a worker does with the rows of a page that are new: map them, and write their canonical JSON."""
    batch = map_batch(rows, mapping, defaults)
    return batch, canonical_json(batch.table)


def _done(rows: Any, mapping: StreamMapping, defaults: Defaults) -> Future[tuple[MappedBatch, pa.Array]]:
    future: Future[tuple[MappedBatch, pa.Array]] = Future()
    future.set_result(map_rows(rows, mapping, defaults))
    return future


def take(rows: pa.Table | Sequence[Any], indices: np.ndarray) -> Any:
    """Rows at `indices`, in the form they came in."""
    if len(indices) == (rows.num_rows if isinstance(rows, pa.Table) else len(rows)):
        return rows
    return rows.take(pa.array(indices)) if isinstance(rows, pa.Table) else [rows[i] for i in indices]


def defaults_of(settings: Settings) -> Defaults:
    """What is assumed of every source that does not say otherwise."""
    return Defaults(country=settings.country, currency=settings.currency, max_cell_bytes=settings.max_cell_bytes)


@dataclass(frozen=True)
class _Plan:
    """What to sync, and how to read it."""

    row: Row[Any]
    stream: Stream
    mapping: StreamMapping
    digest: bytes
    defaults: Defaults
    workers: int


def _superseded(keys: pa.Array) -> np.ndarray:
    """Rows of a page whose key a later row of it has too."""
    last = {key: row for row, key in enumerate(keys.to_pylist())}
    return np.array([row for row, key in enumerate(keys.to_pylist()) if key is not None and last[key] != row], dtype=np.int64)


class _StreamSync:
    """One pass over one stream of one source."""

    def __init__(self, engine: Engine, source: Source, plan: _Plan, pool: Executor | None, progress: Progress | None) -> None:
        self.engine, self.source, self.pool, self.progress = engine, source, pool, progress
        self.row, self.stream, self.mapping, self.defaults = plan.row, plan.stream, plan.mapping, plan.defaults
        self.digest = plan.digest
        self.ahead = plan.workers + 1 if pool else 0
        self.counts = Counts()
        self.total: int | None = None
        self.in_flight: deque[_InFlight] = deque()
        self.flying_keys: deque[set[str | None]] = deque()
        self.whole = plan.stream.complete
        self.fields: dict[str, str] = {}

    def run(self) -> StreamReport:
        """Read the stream to its end, or to its error; what was landed by then stays."""
        with self.engine.connect() as connection:
            run_id = start_run(connection, "sync", self.row.id)
            self.target = StreamTarget(self.row.id, self.stream.name, self.mapping.kind, run_id)
            bookmark = self._open(connection)
            landing.prepare_session(connection, self.target)
            error = self._guarded(connection, bookmark)
            self._close(connection, run_id, error)
        retry_at = error.until.isoformat() if isinstance(error, Throttled) else None
        message = str(error) if error else None
        return StreamReport(self.row.name, self.stream.name, self.counts, message, retry_at, unmapped(self.fields, self.mapping))

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
            if self.whole and self.stream.complete:
                self.counts.deleted += landing.delete_unseen(connection, self.target)
                connection.commit()
        except SourceError as error:
            connection.rollback()
            self._drain(connection, 0)
            return error
        return None

    def _take_in(self, connection: Connection, page: Page) -> None:
        """Compare a page with what is stored, and send its new rows to be mapped."""
        self.whole = self.whole and not page.unchanged
        self.total = page.total or self.total
        self.counts.read += len(page.rows) + len(page.refused)
        self.fields = note_fields(self.fields, page.rows, mapped_paths(self.mapping), f"{self.row.name}.{self.stream.name}")
        prints = fingerprint(page.rows)
        keys = keys_of(page.rows, self.mapping, self.defaults)
        names = set(keys.to_pylist())
        if any(not names.isdisjoint(other) for other in self.flying_keys):
            self._drain(connection, 0)
        state = landing.classify(connection, self.target, keys, prints.hash)
        if self.stream.complete:
            other, same = landing.repeats(keys, prints.hash)
            state[other], state[same] = landing.REPEATED, landing.UNCHANGED
            landing.note_seen(connection, keys)
        else:
            state[_superseded(keys)] = landing.UNCHANGED  # a later row of the page has the key
        wanted = np.flatnonzero((state == landing.NEW) | (state == landing.CHANGED))
        rows = take(page.rows, wanted)
        if self.pool is None or len(wanted) < 2_000:
            future = _done(rows, self.mapping, self.defaults)
        else:
            future = self.pool.submit(map_rows, rows, self.mapping, self.defaults)
        chosen = pa.array(wanted)
        self.in_flight.append(_InFlight(replace(page, rows=()), keys, state, wanted, prints.raw, prints.hash.take(chosen), future))
        self.flying_keys.append(names)
        connection.commit()
        self._drain(connection, self.ahead)

    def _drain(self, connection: Connection, leave: int) -> None:
        while len(self.in_flight) > leave:
            self.flying_keys.popleft()
            self._land(connection, self.in_flight.popleft())

    def _land(self, connection: Connection, flight: _InFlight) -> None:
        """Write a mapped page with its bookmark, and commit."""
        batch, canonical = flight.mapped.result()
        at = flight.rows[batch.row]
        state = flight.state[at]
        raw = flight.raw.take(pa.array(at))
        hashes = flight.hash.take(pa.array(batch.row))
        for wanted, write in ((landing.NEW, landing.add), (landing.CHANGED, landing.change)):
            chosen = pa.array(np.flatnonzero(state == wanted))
            if len(chosen):
                done = write(connection, self.target, Landed(batch.table, raw, hashes, canonical).take(chosen))
                setattr(self.counts, "added" if wanted == landing.NEW else "changed", done + self._count(wanted))
        landing.land_consents(connection, self.target, batch.table)
        if batch.customers is not None:
            land_named_customers(connection, self.target, batch.customers)
        self._refuse(connection, flight, batch)
        if flight.page.merged:
            self.counts.deleted += landing.merge_keys(connection, self.target, self.row.name, flight.page.merged)
        self.counts.deleted += landing.delete_keys(connection, self.target, flight.page.deleted)
        self.counts.unchanged += int((flight.state == landing.UNCHANGED).sum())
        connection.execute(
            tables.stream.update()
            .where(tables.stream.c.source_id == self.row.id, tables.stream.c.name == self.stream.name)
            .values(bookmark=flight.page.bookmark, fields=self.fields)
        )
        connection.commit()
        if self.progress:
            self.progress(self.row.name, self.stream.name, self.counts, self.total)

    def _count(self, wanted: int) -> int:
        return self.counts.added if wanted == landing.NEW else self.counts.changed

    def _refuse(self, connection: Connection, flight: _InFlight, batch: MappedBatch) -> None:
        page = flight.page
        refused = list(page.refused)
        for row in batch.refused:
            index = int(flight.rows[row.row])
            place = f"{page.place} row {page.number(index)}"
            key = flight.keys[index].as_py()
            refused.append(Refused(place, row.reason, f"{place}: {row.message}", json.loads(flight.raw[index].as_py()), key, row.field))
        for index in np.flatnonzero(flight.state == landing.REPEATED).tolist():
            place = f"{page.place} row {page.number(index)}"
            key = flight.keys[index].as_py()
            message = f"{place}: the key {key!r} stands in an earlier row with other content; correct or remove one of them"
            refused.append(Refused(place, "duplicate_key", message, json.loads(flight.raw[index].as_py()), key))
        quarantine.hold(connection, self.row.id, self.stream.name, self.target.run_id, refused)
        if not refused and not self.counts.refused:
            landed = [key for key, state in zip(flight.keys.to_pylist(), flight.state, strict=True) if state == landing.CHANGED]
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
