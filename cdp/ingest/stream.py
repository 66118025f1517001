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
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, Engine, Row, func, select
from sqlalchemy.dialects.postgresql import insert

from cdp.db import held_lock, tables
from cdp.ingest import landing, quarantine
from cdp.ingest.ahead import read_ahead
from cdp.ingest.drift import note_fields
from cdp.ingest.faults import FAULTS, told
from cdp.ingest.fingerprint import fingerprint
from cdp.ingest.keys import mapped_paths, unmapped
from cdp.ingest.landing import Counts
from cdp.ingest.lines import Landed
from cdp.ingest.named import land_named_customers
from cdp.ingest.prepare import Job, Mapped, Taken, map_taken, prepare, take, taken_of, with_state
from cdp.ingest.runs import finish_run, start_run
from cdp.ingest.target import CHANGED, NEW, REPEATED, UNCHANGED, StreamTarget
from cdp.records import Defaults, StreamMapping
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
    appeared: Sequence[str] = ()
    """Fields that no earlier read had."""


@dataclass(frozen=True)
class _InFlight:
    """A page that is being mapped; `taken` are its rows where they were compared with what is stored, else the worker finds them."""

    page: Page
    taken: Taken | None
    work: Future[Mapped]

    def may_share(self, keys: frozenset[str | None]) -> bool:
        """Whether the page may hold a row of one of these keys."""
        return self.taken is None or not keys.isdisjoint(self.taken.keys.to_pylist())


def _without_rows(page: Page) -> Page:
    """What is kept of a page while its rows are mapped."""
    return replace(page, rows=())


def defaults_of(settings: Settings) -> Defaults:
    """What is assumed of every source that does not say otherwise."""
    return Defaults(country=settings.country, currency=settings.currency, max_cell_bytes=settings.max_cell_bytes)


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
        self.before: frozenset[str] = frozenset()

    def run(self) -> StreamReport:
        """Read the stream to its end, or to its error; what was landed by then stays. Two passes over one stream wait for each other."""
        with self.engine.connect() as connection, held_lock(self.engine, f"sync {self.row.id} {self.stream.name}"):
            run_id = start_run(connection, "sync", self.row.id)
            self.target = StreamTarget(self.row.id, self.stream.name, self.mapping.kind, run_id)
            self.job = Job(self.target, self.mapping, self.defaults, self.stream.complete)
            bookmark = self._open(connection)
            landing.prepare_session(connection, self.target)
            self.empty = landing.is_empty(connection, self.target)
            error = self._guarded(connection, bookmark)
            self._close(connection, run_id, error)
        retry_at = error.until.isoformat() if isinstance(error, Throttled) else None
        message = str(error) if error else None
        nobody = unmapped(self.fields, self.mapping)
        appeared = sorted(self.fields.keys() - self.before) if self.before else []
        return StreamReport(self.row.name, self.stream.name, self.counts, message, retry_at, nobody, self._vanished(), appeared)

    def _vanished(self) -> list[str]:
        """Mapped fields that this read did not have; where few of many rows were read that is no news."""
        read_all = self.whole and self.stream.complete and self.counts.read
        if self.counts.read < _TELLING and not read_all:
            return []
        return sorted(path for path in mapped_paths(self.mapping) if path in self.fields and path not in self.here)

    def _open(self, connection: Connection) -> Any:
        """Register the stream, map stored rows again where the mapping changed; the bookmark to go on from."""
        known = tables.stream
        where = (known.c.source_id == self.row.id, known.c.name == self.stream.name)
        stored = connection.execute(select(known.c.bookmark, known.c.mapping_hash, known.c.fields).where(*where)).first()
        self.fields = dict(stored.fields) if stored else {}
        self.before = frozenset(self.fields)
        if stored is not None and stored.mapping_hash not in (None, self.digest):
            from cdp.ingest.remap import remap

            self.fields |= dict.fromkeys(self.before & mapped_paths(self.mapping), "")  # a new mapping takes them as they are now
            self.counts.changed += remap(connection, self.target, self.mapping, self.defaults)
        mapped = {"mapping_hash": self.digest, "kind": self.mapping.kind, "fields": self.fields}
        statement = insert(known).values(source_id=self.row.id, name=self.stream.name, **mapped)
        connection.execute(statement.on_conflict_do_update(index_elements=["source_id", "name"], set_=mapped))
        connection.commit()
        return stored.bookmark if stored else None

    def _guarded(self, connection: Connection, bookmark: Any) -> SourceError | None:
        try:
            pages = self.source.read(self.stream.name, bookmark)
            with read_ahead(pages) if self.pool else nullcontext(pages) as ready:
                for page in ready:
                    self._take_in(connection, page)
            self._drain(connection, 0)
            if self.whole and self.stream.complete and not self.empty:
                self.counts.deleted += landing.delete_unseen(connection, self.target)
                connection.commit()
        except (SourceError, *FAULTS) as error:
            connection.rollback()
            try:
                self._drain(connection, 0)
            except (SourceError, *FAULTS) as earlier:  # of a page before
                connection.rollback()
                return told(earlier, self.stream.name)
            return told(error, self.stream.name)
        return None

    def _take_in(self, connection: Connection, page: Page) -> None:
        """Compare a page with what is stored, and send its new rows to be mapped."""
        self.whole = self.whole and not page.unchanged
        self.total = page.total or self.total
        self.counts.read += len(page.rows) + len(page.refused)
        self.fields, here = note_fields(self.fields, page.rows, mapped_paths(self.mapping), f"{page.place}: " if page.place else "")
        self.here |= here
        taken, work = self._begin(connection, page)
        self.in_flight.append(_InFlight(_without_rows(page), taken, work))
        connection.commit()
        self._drain(connection, self.ahead)

    def _begin(self, connection: Connection, page: Page) -> tuple[Taken | None, Future[Mapped]]:
        """Send a page's rows to be mapped: all of them to a stream that held nothing, else those that are new."""
        if self.empty:
            return None, self._submit(len(page.rows), prepare, page.rows, self.job)
        prints = fingerprint(page.rows)
        taken = taken_of(page.rows, prints, self.job)
        names = frozenset(taken.keys.to_pylist())
        if any(flight.may_share(names) for flight in self.in_flight):
            self._drain(connection, 0)
        taken = with_state(taken.keys, prints, self._compare(connection, taken))
        numbers = taken.rows
        return taken, self._submit(len(numbers), map_taken, take(page.rows, numbers), numbers, prints.at(numbers), self.job)

    def _submit(self, rows: int, work: Callable[..., Mapped], *given: Any) -> Future[Mapped]:
        """Let a worker do it; few rows are done sooner than sent, where no worker is up yet."""
        if self.pool is not None and (rows >= _WORTH_SENDING or (rows and self.in_flight)):
            return self.pool.submit(work, *given)
        future: Future[Mapped] = Future()
        future.set_result(work(*given))
        return future

    def _compare(self, connection: Connection, taken: Taken) -> np.ndarray:
        """The state of each row of a page beside what is stored."""
        found = landing.classify(connection, self.target, taken.keys, taken.hashes)
        if self.stream.complete:
            landing.note_seen(connection, taken.keys)
        return np.where(taken.state == NEW, found, taken.state)

    def _drain(self, connection: Connection, leave: int) -> None:
        while len(self.in_flight) > leave:
            self._land(connection, self.in_flight.popleft())

    def _land(self, connection: Connection, flight: _InFlight) -> None:
        """Write a mapped page with its bookmark, and commit."""
        try:
            mapped = flight.work.result()
        except (SourceError, *FAULTS):
            self.in_flight.clear()  # what lies behind a page that cannot be taken is read again
            raise
        taken = self._write(connection, flight.taken, mapped)
        if mapped.consents is not None:
            landing.land_consents(connection, self.target, mapped.consents)
        if mapped.customers is not None:
            land_named_customers(connection, self.target, mapped.customers)
        self._refuse(connection, flight.page, taken, mapped)
        if flight.page.merged:
            self.counts.deleted += landing.merge_keys(connection, self.target, self.row.name, flight.page.merged)
        self.counts.deleted += landing.delete_keys(connection, self.target, flight.page.deleted)
        self.counts.unchanged += int((taken.state == UNCHANGED).sum())
        connection.execute(
            tables.stream.update()
            .where(tables.stream.c.source_id == self.row.id, tables.stream.c.name == self.stream.name)
            .values(bookmark=flight.page.bookmark, fields=self.fields)
        )
        connection.commit()
        if self.progress:
            self.progress(self.row.name, self.stream.name, self.counts, self.total)

    def _write(self, connection: Connection, compared: Taken | None, mapped: Mapped) -> Taken:
        """Write the good rows of a page; its rows, with the state of each."""
        taken = compared or mapped.taken
        assert taken is not None  # the worker takes in what was not compared
        if self.empty and self._append(connection, mapped.landed):
            self.counts.added += len(mapped.landed)
            self.counts.note_issues(mapped.landed.issues)
            return taken
        if compared is None:
            taken = replace(taken, state=self._compare(connection, taken))
        state = taken.state[mapped.rows]
        new, changed = (mapped.landed.take(np.flatnonzero(state == wanted)) for wanted in (NEW, CHANGED))
        self.counts.added += landing.add(connection, self.target, new)
        self.counts.changed += landing.change(connection, self.target, changed)
        for written in (new, changed):
            self.counts.note_issues(written.issues)
        return taken

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

    def _refuse(self, connection: Connection, page: Page, taken: Taken, mapped: Mapped) -> None:
        """Put into quarantine what the source, the mapping and the keys refuse."""
        refused = list(page.refused)
        for index, row, raw in mapped.refused:
            place = f"{page.place} row {page.number(index)}"
            key = taken.keys[index].as_py()
            refused.append(Refused(place, row.reason, f"{place}: {row.message}", json.loads(raw), key, row.field))
        for index in np.flatnonzero(taken.state == REPEATED).tolist():
            place = f"{page.place} row {page.number(index)}"
            key, raw = taken.keys[index].as_py(), taken.repeated.get(index) or mapped.raw(index, self.target)
            message = f"{place}: the key {key!r} stands in an earlier row with other content; correct or remove one of them"
            refused.append(Refused(place, "duplicate_key", message, json.loads(raw), key))
        waiting = quarantine.hold(connection, self.row.id, self.stream.name, self.target.run_id, refused)
        changed = np.flatnonzero(taken.state == CHANGED)
        if not refused and not self.counts.refused and len(changed):
            quarantine.release(connection, self.row.id, self.stream.name, taken.keys.take(pa.array(changed)).to_pylist())
        self.counts.refuse(waiting)

    def _close(self, connection: Connection, run_id: int, error: SourceError | None) -> None:
        values: dict[str, Any] = {"last_error": str(error) if error else None}
        if error is None:
            values["last_success_at"] = func.now()
        where = (tables.stream.c.source_id == self.row.id, tables.stream.c.name == self.stream.name)
        connection.execute(tables.stream.update().where(*where).values(values))
        status = "done" if error is None else "partial" if self.counts.added + self.counts.changed else "failed"
        pause = {"retry_at": error.until.isoformat()} if isinstance(error, Throttled) else {}
        report = {"stream": self.stream.name} | asdict(self.counts) | pause
        finish_run(connection, run_id, status, report, str(error) if error else None)
        connection.commit()
