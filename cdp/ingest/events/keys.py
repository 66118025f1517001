"""A write key lets events in for one source and reads nothing; the database holds its SHA-256, so a key is seen once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, text, update

from cdp.db.event_tables import write_key
from cdp.db.tables import source
from cdp.ingest.definition import EVENTS
from cdp.ingest.events.errors import EventError, Rejected
from cdp.ingest.events.wire import MAX_BODY, MAX_BODY_CEILING

_PREFIX = 11
_CACHE_SECONDS = 5.0
_CACHE_SIZE = 10_000


@dataclass(frozen=True)
class WriteKey:
    """What is known of a key; the key itself is not."""

    id: int
    source: str
    label: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class EventSource:
    """A source that sends events, as the collector needs it."""

    id: int
    name: str
    enabled: bool
    config: Mapping[str, Any]

    @property
    def max_body(self) -> int:
        """Bytes that one request may have after inflating (config `max_batch_bytes`)."""
        return min(int(self.config.get("max_batch_bytes", MAX_BODY)), MAX_BODY_CEILING)

    @property
    def rate(self) -> float:
        """Requests a second that a process takes (config `max_requests_per_second`); 0 is no limit."""
        return float(self.config.get("max_requests_per_second", 0))


def digest(key: str) -> bytes:
    """What the database keeps of `key`."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def create(connection: Connection, source_name: str, label: str = "", department: str = "") -> str:
    """Make a write key for a source, which is made too where it is not there; the only time the key is seen.

    Raises:
        EventError: a source of this name is pulled by a connector.
    """
    row = connection.execute(select(source.c.id, source.c.connector).where(source.c.name == source_name)).first()
    if row is None:
        values = {"name": source_name, "department": department or source_name, "connector": EVENTS}
        source_id = connection.execute(insert(source).values(**values).returning(source.c.id)).scalar_one()
    elif row.connector == EVENTS:
        source_id = row.id
    else:
        raise EventError(f"source {source_name!r} is pulled by the connector {row.connector!r}; events need a source of their own")
    key = "wk_" + secrets.token_urlsafe(24)
    written: dict[str, Any] = {"source_id": source_id, "label": label or "default", "prefix": key[:_PREFIX], "hash": digest(key)}
    connection.execute(insert(write_key).values(**written))
    return key


def listed(connection: Connection) -> list[WriteKey]:
    """All keys, the newest first."""
    query = select(write_key, source.c.name).join(source, source.c.id == write_key.c.source_id).order_by(write_key.c.id.desc())
    return [WriteKey(r.id, r.name, r.label, r.prefix, r.created_at, r.revoked_at) for r in connection.execute(query)]


def revoke(connection: Connection, prefix: str) -> WriteKey:
    """Revoke the one active key whose first characters are `prefix`; it is refused from then on, within five seconds.

    Raises:
        EventError: no active key begins so, or several do.
    """
    found = [key for key in listed(connection) if key.revoked_at is None and key.prefix.startswith(prefix[:_PREFIX])]
    if len(found) != 1:
        many = "no active key begins" if not found else f"{len(found)} active keys begin"
        raise EventError(f"{many} with {prefix[:_PREFIX]!r}; `cdp events keys list` shows the first characters of each")
    connection.execute(update(write_key).where(write_key.c.id == found[0].id).values(revoked_at=func.now()))
    return found[0]


class KeyRing:
    """Write keys looked up in the database and remembered for five seconds, unknown ones too."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[bytes, tuple[float, EventSource | None]] = {}
        self._buckets: dict[int, _Bucket] = {}
        self._lock = threading.Lock()

    def source_of(self, key: str) -> EventSource:
        """The source that `key` lets events in for.

        Raises:
            Rejected: `missing_write_key`, `unknown_write_key`, `source_disabled` or `rate_limited`.
        """
        if not key:
            raise Rejected("missing_write_key", "no write key; send it as the user name of Basic authentication or as `writeKey`")
        found = self._look_up(digest(key))
        if found is None:
            raise Rejected("unknown_write_key", "the write key is unknown or revoked; `cdp events keys` makes one")
        if not found.enabled:
            raise Rejected("source_disabled", "the source of this write key is switched off")
        if found.rate:
            self._limit(found)
        return found

    def _look_up(self, key_hash: bytes) -> EventSource | None:
        now = time.monotonic()
        until, found = self._known.get(key_hash, (0.0, None))
        if until > now:
            return found
        with self._engine.connect() as connection:
            row = connection.execute(_SOURCE_OF_KEY, {"hash": key_hash}).first()
        found = None if row is None else _source(row)
        with self._lock:
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[key_hash] = (now + _CACHE_SECONDS, found)
        return found

    def _limit(self, found: EventSource) -> None:
        with self._lock:
            wait = self._buckets.setdefault(found.id, _Bucket()).take(found.rate)
        if wait > 0:
            raise Rejected("rate_limited", f"the source sends more than {found.rate:g} requests a second", int(wait) + 1)


_SOURCE_OF_KEY = text(
    """select s.id, s.name, s.enabled, s.config from write_key k join source s on s.id = k.source_id
       where k.hash = :hash and k.revoked_at is null"""
)


def _source(row: Row[Any]) -> EventSource:
    return EventSource(row.id, row.name, row.enabled, row.config)


class _Bucket:
    """A token bucket that holds one second's worth."""

    def __init__(self) -> None:
        self._tokens = 1.0
        self._at = 0.0

    def take(self, rate: float) -> float:
        """Take a token; seconds until there is one, or 0 where it was taken."""
        now = time.monotonic()
        self._tokens = min(max(rate, 1.0), self._tokens + (now - self._at) * rate)
        self._at = now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / rate
        self._tokens -= 1.0
        return 0.0
