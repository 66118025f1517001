"""A firing whose action is a call is called for at least once, signed; a receiver knows a repetition by its `Idempotency-Key`.

What is not taken is tried again with growing pauses, and given up after `ATTEMPTS`; the log of firings says what came of each.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
from sqlalchemy import Connection, Engine, Row, text

from cdp.activation.calls import Caller
from cdp.activation.definition import secret
from cdp.activation.errors import Throttled, Undelivered
from cdp.activation.webhook import signature
from cdp.errors import PlatformError
from cdp.profiles import refresh_named
from cdp.segments import refresh_soon
from cdp.settings import Settings

ATTEMPTS = 12
"""The last one is made a day and a half after the first."""
_PAUSE = timedelta(seconds=30)
_AT_ONCE = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FiringsReport:
    """Calls that were taken, that wait for another attempt, and that were given up."""

    called: int = 0
    waiting: int = 0
    given_up: int = 0


_OPEN = """select f.id, f.monitor, coalesce(p.merged_into, f.profile_id) as profile_id, f.at, f.why, f.attempts,
        m.action -> 'webhook' as webhook
    from monitor_firing f join monitor m on m.name = f.monitor left join profile p on p.id = f.profile_id
    where f.handled_at is null and (f.due_at is null or f.due_at <= now()) order by f.id limit :limit for update of f skip locked"""
_HANDLED = "update monitor_firing set handled_at = now(), outcome = :outcome, attempts = attempts + 1 where id = :id"
_LATER = "update monitor_firing set due_at = :due, outcome = :outcome, attempts = attempts + 1 where id = :id"


def send_firings(engine: Engine, settings: Settings, caller: Caller | None = None) -> FiringsReport:
    """Make the calls that are due, one attempt each."""
    client = httpx.Client(timeout=10, follow_redirects=False, trust_env=False)
    calls = caller or Caller(private_hosts=settings.private_hosts, sleep=_no_pause, client=client)
    called = waiting = given_up = 0
    try:
        while True:
            with engine.begin() as connection:
                rows = connection.execute(text(_OPEN), {"limit": _AT_ONCE}).all()
                for row in rows:
                    outcome, done = _call(calls, row)
                    last = row.attempts + 1 >= ATTEMPTS
                    called += done
                    given_up += not done and last
                    waiting += not done and not last
                    _note(connection, row, outcome, done=done, last=last)
            if len(rows) < _AT_ONCE:
                return FiringsReport(called, waiting, given_up)
    finally:
        calls.close()


def _no_pause(seconds: float) -> None:
    raise Undelivered("the receiver is busy or fails")


def _call(calls: Caller, row: Row[Any]) -> tuple[str, bool]:
    """What came of one attempt, and whether it was taken."""
    if row.webhook is None:
        return "the monitor has no call any more", True
    body = orjson.dumps({"firing": row.id, "monitor": row.monitor, "profile_id": str(row.profile_id), "at": row.at, "why": row.why})

    def headers() -> Mapping[str, str]:
        signed = signature(key, body, int(time.time()))
        return {"Content-Type": "application/json", "Idempotency-Key": f"firing-{row.id}", "X-CDP-Signature": signed}

    try:
        key = secret(row.webhook["secret"], f"monitor {row.monitor}")
        answer = calls.call("POST", row.webhook["url"], body=body, headers=headers)
    except (Throttled, Undelivered) as error:
        return str(error), False
    except PlatformError as error:
        return f"{error} (tried again)", False
    host = httpx.URL(row.webhook["url"]).host
    return f"{host} answered {answer.status}", answer.ok


def _note(connection: Connection, row: Row[Any], outcome: str, *, done: bool, last: bool) -> None:
    if done or last:
        connection.execute(text(_HANDLED), {"id": row.id, "outcome": outcome if done else f"given up: {outcome}"})
    else:
        due = datetime.now(UTC) + _PAUSE * 2**row.attempts
        connection.execute(text(_LATER), {"id": row.id, "outcome": outcome, "due": due})


def follow_up(engine: Engine, settings: Settings, profile_ids: Sequence[UUID]) -> bool:
    """What follows when something happens to these profiles: golden values, attributes, segments, monitors and their calls.

    False, and nothing done, while profiles are refreshed by somebody else.
    """
    if not refresh_named(engine, settings, profile_ids):
        return False
    try:
        report = refresh_soon(engine, profile_ids)
    except PlatformError as error:
        _log.warning("attributes and segments wait for the next refresh: %s", error)
        return True
    if report is not None and report.fired:
        threading.Thread(target=send_firings, args=(engine, settings), name="firings", daemon=True).start()
    return True
