"""Whoever follows empties the inbox as it fills; any number may follow, one works, and when that one dies another goes on.

An event is on its profile with the commit of its batch. What is derived from it (golden values, key figures) follows in a thread of its
own, so that it delays no event. Taking events comes before showing them: while far more come than can be processed, work and rest take
turns, and what waits is processed when fewer come.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from cdp.ingest.events.process import BATCH, Processed, process_batch
from cdp.ingest.runs import finish_run, start_run
from cdp.settings import Settings

_PACE_SHARE, _PACE_SECONDS = 5, (0.1, 0.4)
"""A batch that was not full is followed by a rest of so many times what it took, at least and at most so long: many small batches cost
more than they hasten."""
_PATIENCE_SECONDS = 3.0
"""Whoever is further behind shows no event soon any more."""
_HOPELESS, _LONGEST_REST = 2, 1.0
_TROUBLE_SECONDS = 2.0
_RUN_SECONDS = 600.0
"""How long one row of the journal of runs speaks for."""
_REFRESH_SECONDS = 1.0
_REFRESH_SHARE = 4
"""A refresh is followed by a rest of so many times what it took: it leaves the machine to the events."""
_REFRESH_AT_ONCE = 1000

_log = logging.getLogger(__name__)

Refresh = Callable[[list[UUID]], bool]
"""Brings what is shown of these profiles up to date; False where it cannot now."""


def follow(engine: Engine, settings: Settings, stop: threading.Event, refresh: Refresh | None = None) -> Processed:
    """Process what comes in until `stop` is set; what became of it all."""
    total = Processed()
    refresher = None if refresh is None else Refresher(refresh)
    if refresher:
        refresher.start()
    while not stop.is_set():
        try:
            _follow_a_while(engine, settings, stop, refresher, total)
        except SQLAlchemyError as error:
            _log.warning("events wait: the database does not answer (%s)", type(error).__name__)
            stop.wait(_TROUBLE_SECONDS)
    if refresher:
        refresher.end()
    return total


def _follow_a_while(engine: Engine, settings: Settings, stop: threading.Event, refresher: Refresher | None, total: Processed) -> None:
    """One run of the journal, begun with its first event."""
    run_id, done, until, pace = 0, Processed(), 0.0, Pace()
    with engine.connect() as connection:
        while not stop.is_set() and (not run_id or time.monotonic() < until):
            look = _look(connection)
            stop.wait(pace.before(look))
            begin, batch = time.monotonic(), Processed()
            if look.newest:
                if not run_id:
                    run_id, until = start_run(connection, "events"), begin + _RUN_SECONDS
                batch = process_batch(connection, settings, run_id)
            done.add(batch)
            total.add(batch)
            if refresher:
                refresher.note(batch.profiles, batch.seen)
            stop.wait(pace.after(batch.events, time.monotonic() - begin))
        if run_id:
            finish_run(connection, run_id, "done", done.document())
            connection.commit()


@dataclass(frozen=True)
class Look:
    """The inbox at a moment: its first and last row (0: it is empty), how long the first has waited, and when that was."""

    oldest: int = 0
    newest: int = 0
    waits: float = 0.0
    at: float = 0.0


def _look(connection: Connection) -> Look:
    with connection.begin():
        oldest, newest, waits = connection.execute(_FIRST_AND_LAST).one()
    return Look(oldest or 0, newest or 0, float(waits or 0), time.monotonic())


_FIRST_AND_LAST = text(
    "select min(id), max(id), extract(epoch from now() - (select received_at from event_inbox order by id limit 1)) from event_inbox"
)


class Pace:
    """How long to rest between batches.

    Who is given far more than it was ever able to process rests as long as it works: at full speed it would take the machine from
    those who answer, and show nothing soon for it. A moment in which others have the machine is no reason to rest: what counts is the
    fastest batch.
    """

    def __init__(self) -> None:
        self._before = Look()
        self._took = 0.0
        self._fastest = 0.0

    def before(self, look: Look) -> float:
        """Seconds to rest before the next batch, with the inbox as it is."""
        before, self._before = self._before, look
        if not look.oldest or not before.oldest:
            return 0.0
        self._fastest = max(self._fastest, (look.oldest - before.oldest) / self._took)
        came = (look.newest - before.newest) / (look.at - before.at)
        hopeless = came > _HOPELESS * self._fastest and look.waits > _PATIENCE_SECONDS
        return min(self._took, _LONGEST_REST) if hopeless else 0.0

    def after(self, events: int, took: float) -> float:
        """Seconds to rest after a batch of `events` that took so long."""
        self._took = took
        return min(max(_PACE_SHARE * took, _PACE_SECONDS[0]), _PACE_SECONDS[1]) if events < BATCH else 0.0


class Refresher(threading.Thread):
    """Refreshes profiles beside the events: first those whose records changed, then those that only have new interactions."""

    def __init__(self, refresh: Refresh) -> None:
        super().__init__(name="refresh", daemon=True)
        self._refresh = refresh
        self._changed: set[UUID] = set()
        self._seen: set[UUID] = set()
        self._lock = threading.Lock()
        self._noted = threading.Event()
        self._ending = threading.Event()

    def note(self, changed: Set[UUID], seen: Set[UUID]) -> None:
        """Profiles whose records changed, and profiles that have new interactions."""
        if not changed and not seen:
            return
        with self._lock:
            self._changed |= changed
            self._seen |= seen - changed
        self._noted.set()

    def end(self) -> None:
        """Refresh the profiles whose records changed, and stop; the figures of the others wait for the next refresh of all that changed."""
        self._ending.set()
        self._noted.set()
        self.join()

    def run(self) -> None:
        """Refresh what is noted, with rests."""
        while not self._ending.is_set():
            self._noted.wait()
            self._noted.clear()
            while (ids := self._next()) and not self._ending.is_set():
                began = time.monotonic()
                self._try(ids)
                self._ending.wait(max(_REFRESH_SECONDS, _REFRESH_SHARE * (time.monotonic() - began)))
        self._try(sorted(self._changed))

    def _next(self) -> list[UUID]:
        with self._lock:
            waiting = self._changed or self._seen
            return sorted(waiting)[:_REFRESH_AT_ONCE]

    def _try(self, ids: list[UUID]) -> None:
        with self._lock:
            was_changed = self._changed & set(ids)
            self._changed -= was_changed
            self._seen.difference_update(ids)
        try:
            done = not ids or self._refresh(ids)
        except SQLAlchemyError as error:
            _log.warning("profiles wait to be refreshed (%s)", type(error).__name__)
            done = False
        except Exception:  # they are stale, so the next refresh of all that changed tries them; the others must not wait for it
            _log.exception("%d profiles could not be refreshed", len(ids))
            done = True
        if not done:
            self.note(was_changed, set(ids) - was_changed)
