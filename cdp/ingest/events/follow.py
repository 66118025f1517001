"""Whoever follows empties the inbox as it fills; any number may follow, one works, and when that one dies another goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from cdp.ingest.events.process import Processed, process_batch
from cdp.ingest.runs import finish_run, start_run
from cdp.settings import Settings

_IDLE_SECONDS = 0.2
_TROUBLE_SECONDS = 2.0
_RUN_SECONDS = 600.0
"""How long one row of the journal of runs speaks for."""
_REFRESH_SECONDS = 1.0

_log = logging.getLogger(__name__)

Refresh = Callable[[list[UUID]], bool]
"""Brings what is shown of these profiles up to date; False where it cannot now."""


def follow(engine: Engine, settings: Settings, stop: threading.Event, refresh: Refresh | None = None) -> Processed:
    """Process what comes in until `stop` is set; what became of it all."""
    total = Processed()
    while not stop.is_set():
        try:
            _follow_a_while(engine, settings, stop, refresh, total)
        except SQLAlchemyError as error:
            _log.warning("events wait: the database does not answer (%s)", type(error).__name__)
            stop.wait(_TROUBLE_SECONDS)
    return total


def _follow_a_while(engine: Engine, settings: Settings, stop: threading.Event, refresh: Refresh | None, total: Processed) -> None:
    """One run of the journal, begun with its first event."""
    stale: set[UUID] = set()
    run_id, done, until, refreshed = 0, Processed(), 0.0, 0.0
    with engine.connect() as connection:
        while not stop.is_set() and (not run_id or time.monotonic() < until):
            if not _anything(engine):
                stop.wait(_IDLE_SECONDS)
                batch = Processed()
            else:
                if not run_id:
                    run_id, until = start_run(connection, "events"), time.monotonic() + _RUN_SECONDS
                batch = process_batch(connection, settings, run_id)
                if not batch.events:
                    stop.wait(_IDLE_SECONDS)
            done.add(batch)
            total.add(batch)
            stale |= batch.profiles
            if refresh and stale and time.monotonic() - refreshed > _REFRESH_SECONDS:
                stale = set() if refresh(sorted(stale)) else stale
                refreshed = time.monotonic()
        if run_id:
            finish_run(connection, run_id, "done", done.document())
            connection.commit()
    if refresh and stale:
        refresh(sorted(stale))


def _anything(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.execute(text("select exists (select from event_inbox)")).scalar_one())
