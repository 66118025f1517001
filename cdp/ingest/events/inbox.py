"""What `accept` returned from is committed to disk; a message is accepted once, whatever process, source or request brings it.

Requests that wait while a commit is under way share the next one: the first that gets the turn commits for all of them. So the number of
commits follows the disk, not the number of requests.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson
import psycopg
from sqlalchemy.engine import URL

from cdp.ingest.events.errors import Unavailable
from cdp.ingest.events.wire import Accepted

_GROUP_BYTES = 8 * 1024 * 1024
"""A group of requests takes no further one beyond this size."""

_RECEIPTS = """
    with came as (
        insert into event_receipt as r (message_id, source_id)
        select id, %s from json_array_elements_text(%s::json) as m(id) order by m.id collate "C"
        on conflict (message_id) do update set repeats = r.repeats + 1, repeated_at = now()
        returning message_id, xmax <> 0 as known)
    select message_id from came where known"""
"""Rows are locked in the order of their ids: two processes that receive the same messages do not wait for each other in a circle."""

_REPEATS = "update event_receipt set repeats = repeats + %s, repeated_at = now() where message_id = %s"

_EVENTS = "insert into event_inbox (source_id, stream, count, events) values (%s, %s, %s, %b)"


@dataclass(frozen=True)
class Delivery:
    """What one request brings.

    Attributes:
        stream: of a webhook, the stream whose mapping reads it; None for calls of the tracking API.
    """

    source_id: int
    events: Sequence[Accepted]
    stream: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all events."""
        return sum(len(event.content) for event in self.events)


@dataclass(eq=False)
class _Waiting:
    delivery: Delivery
    done: bool = False
    duplicates: set[str] = field(default_factory=set)
    error: Exception | None = None


class Inbox:
    """The door of one process. Threads share it; a forked child opens a connection of its own."""

    def __init__(self, url: URL) -> None:
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._queue: list[_Waiting] = []
        self._queue_lock = threading.Lock()
        self._turn = threading.Lock()
        self._connection: psycopg.Connection | None = None

    def accept(self, delivery: Delivery) -> set[str]:
        """Store the events durably; the ids of those that were known already, and so are not stored again.

        Raises:
            Unavailable: nothing is stored; repeating is safe.
        """
        if not delivery.events:
            return set()
        if self._pid != os.getpid():
            self._reset()
        mine = _Waiting(delivery)
        with self._queue_lock:
            self._queue.append(mine)
        with self._turn:
            if not mine.done:
                self._commit(self._next_group(mine))
        if mine.error:
            raise mine.error
        return mine.duplicates

    def close(self) -> None:
        """Close the connection; the next `accept` opens another."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _next_group(self, mine: _Waiting) -> list[_Waiting]:
        with self._queue_lock:
            group, size = [mine], mine.delivery.size
            for waiting in self._queue:
                if waiting is not mine and size < _GROUP_BYTES:
                    group.append(waiting)
                    size += waiting.delivery.size
            taken = set(group)
            self._queue = [waiting for waiting in self._queue if waiting not in taken]
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            self._write(group)
        except psycopg.OperationalError:
            self._again(group)
        except psycopg.Error as error:
            self._rollback()
            if len(group) > 1:  # one request must not fail another
                for waiting in group:
                    self._commit([waiting])
            else:
                group[0].error = Unavailable(f"the event store refuses to write ({type(error).__name__}); send the request again")
        for waiting in group:
            waiting.done = True

    def _again(self, group: list[_Waiting]) -> None:
        """The connection is lost: once more on a new one. A commit whose answer was lost is then a duplicate, which is right."""
        self._drop()
        try:
            self._write(group)
        except psycopg.Error:
            self._drop()
            for waiting in group:
                waiting.error = Unavailable("the event store does not answer; send the request again")

    def _write(self, group: list[_Waiting]) -> None:
        connection = self._open()
        first, repeats = _first_of_each(group)
        known: set[str] = set()
        with connection.cursor() as cursor:
            for source_id, ids in _by_source(first).items():
                cursor.execute(_RECEIPTS, (source_id, orjson.dumps(ids).decode()), prepare=True)
                known.update(row[0] for row in cursor.fetchall())
            with connection.pipeline():
                for (source_id, stream), events in _by_target(group, known).items():
                    content = b"[" + b",".join(events) + b"]"
                    cursor.execute(_EVENTS, (source_id, stream, len(events), content), prepare=True)
                for message_id, times in repeats.items():
                    cursor.execute(_REPEATS, (times, message_id))
                connection.commit()
        for waiting in group:
            ids = [event.message_id for event in waiting.delivery.events]
            waiting.duplicates = {key for key in ids if key in known or first[key] is not waiting}

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, connect_timeout=5, application_name="cdp collector")
            self._connection.execute("set synchronous_commit = on")
            self._connection.commit()
        return self._connection

    def _rollback(self) -> None:
        if self._connection is not None:
            self._connection.rollback()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _first_of_each(group: Iterable[_Waiting]) -> tuple[dict[str, _Waiting], dict[str, int]]:
    """Which request brings each message first, and how often it comes again within the group."""
    first: dict[str, _Waiting] = {}
    repeats: dict[str, int] = {}
    for waiting in group:
        for event in waiting.delivery.events:
            if event.message_id in first:
                repeats[event.message_id] = repeats.get(event.message_id, 0) + 1
            else:
                first[event.message_id] = waiting
    return first, repeats


def _by_source(first: dict[str, _Waiting]) -> dict[int, list[str]]:
    ids: dict[int, list[str]] = {}
    for message_id, waiting in first.items():
        ids.setdefault(waiting.delivery.source_id, []).append(message_id)
    return ids


def _by_target(group: Iterable[_Waiting], known: set[str]) -> dict[tuple[int, str | None], list[bytes]]:
    """The contents to store for each (source, stream): each new message once, in the order of arrival."""
    contents: dict[tuple[int, str | None], list[bytes]] = {}
    stored = set(known)
    for waiting in group:
        into = contents.setdefault((waiting.delivery.source_id, waiting.delivery.stream), [])
        for event in waiting.delivery.events:
            if event.message_id not in stored:
                stored.add(event.message_id)
                into.append(event.content)
    return {target: events for target, events in contents.items() if events}
