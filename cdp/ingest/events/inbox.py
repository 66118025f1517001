"""What `accept` returned from is committed to disk; a message is accepted once, whatever process, source or request brings it.

Requests that wait while a commit is under way share the next one: the turn is handed to the first of them, who commits for all. So the
number of commits follows the disk, not the number of requests. A commit is one statement and one round trip: it writes receipts and
events, and its answer is which of them were known.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import orjson
import psycopg
from psycopg import pq
from sqlalchemy.engine import URL

from cdp.ingest.events.errors import Unavailable
from cdp.ingest.events.wire import Accepted

_GROUP_BYTES = 8 * 1024 * 1024
"""A group of requests takes no further one beyond this size."""

_ACCEPT = b"""
    with given as (select id, number from json_array_elements_text($3::json) with ordinality as g(id, number)),
    came as (
        insert into event_receipt as r (message_id, source_id) select id, $1::smallint from given order by id collate "C"
        on conflict (message_id) do update set repeats = r.repeats + 1, repeated_at = now()
        returning message_id, xmax <> 0 as known),
    piece as (
        select number, length::int, (1 + number + sum(length::int) over (order by number))::int - length::int as start
        from json_array_elements_text($5::json) with ordinality as l(length, number)),
    stored as (
        insert into event_inbox (source_id, stream, count, events)
        select $1::smallint, nullif($2::text, ''), json_array_length($3::json), $4::bytea where not exists (select from came where known)
        union all
        select $1::smallint, nullif($2::text, ''), count(*),
          '['::bytea || string_agg(substring($4::bytea from start for length), ',' order by number) || ']'
        from piece join given using (number) join came on message_id = id
        where not known and exists (select from came where known) having count(*) > 0)
    select message_id from came where known"""
"""Source, stream (empty: none), message ids, events as a JSON array, bytes of each event; gives the ids that were known.

Receipts are locked in the order of their ids: two processes that receive the same messages do not wait for each other in a circle. The
events go to the inbox as they are, unless some were known: then those are cut out."""

_REPEATS = "update event_receipt set repeats = repeats + %s, repeated_at = now() where message_id = %s"


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
    """A request between its arrival and its answer; `woken` is released once, when it is stored or when the turn is its own."""

    delivery: Delivery
    done: bool = False
    duplicates: set[str] = field(default_factory=set)
    error: Exception | None = None
    woken: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.woken.acquire()


class Inbox:
    """The door of one process. Threads share it; a forked child opens a connection of its own."""

    def __init__(self, url: URL) -> None:
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._queue: list[_Waiting] = []
        self._busy = False
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
        with self._lock:
            self._queue.append(mine)
            waits, self._busy = self._busy, True
        if waits:
            mine.woken.acquire()
        if not mine.done:
            self._take_turn()
        if mine.error:
            raise mine.error
        return mine.duplicates

    def close(self) -> None:
        """Close the connection, while nobody accepts; the next `accept` opens another."""
        self._drop()

    def _take_turn(self) -> None:
        """Commit for all who wait, and hand the turn to who has come meanwhile.

        It is handed over, and not free to be taken: the thread that runs would always take it before those that have to be woken, and
        commit for itself alone.
        """
        group = self._next_group()
        try:
            self._commit(group)
        finally:
            for waiting in group:
                if not waiting.done:
                    waiting.done, waiting.error = True, Unavailable("the event store failed; send the request again")
                waiting.woken.release()
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._busy = following is not None
            if following:
                following.woken.release()

    def _next_group(self) -> list[_Waiting]:
        with self._lock:
            size = taken = 0
            while taken < len(self._queue) and size < _GROUP_BYTES:
                size += self._queue[taken].delivery.size
                taken += 1
            group, self._queue = self._queue[:taken], self._queue[taken:]
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            self._write(group)
        except psycopg.OperationalError:
            self._again(group)
        except psycopg.Error as error:
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
        shares = _by_target(group, first)
        several: AbstractContextManager[object] = connection.transaction() if len(shares) > 1 or repeats else nullcontext()
        known: set[str] = set()
        with several:
            for (source_id, stream), events in shares.items():
                known.update(_accept(connection.pgconn, source_id, stream, events))
            for message_id, times in repeats.items():
                connection.execute(_REPEATS, (times, message_id))
        for waiting in group:
            ids = [event.message_id for event in waiting.delivery.events]
            waiting.duplicates = {key for key in ids if key in known or first[key] is not waiting}

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            opened = psycopg.connect(self._conninfo, connect_timeout=5, application_name="cdp collector", autocommit=True)
            opened.execute("set synchronous_commit = on")
            _checked(opened.pgconn, opened.pgconn.prepare(b"accept", _ACCEPT))
            self._connection = opened
        return self._connection

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


def _by_target(group: Iterable[_Waiting], first: dict[str, _Waiting]) -> dict[tuple[int, str | None], list[Accepted]]:
    """What is to be stored for each (source, stream): each message once, in the order of arrival."""
    shares: dict[tuple[int, str | None], list[Accepted]] = {}
    taken: set[str] = set()
    for waiting in group:
        share = shares.setdefault((waiting.delivery.source_id, waiting.delivery.stream), [])
        for event in waiting.delivery.events:
            if first[event.message_id] is waiting and event.message_id not in taken:
                taken.add(event.message_id)
                share.append(event)
    return {target: events for target, events in shares.items() if events}


def _accept(raw: pq.abc.PGconn, source_id: int, stream: str | None, events: Sequence[Accepted]) -> list[str]:
    """Run `_ACCEPT`; by libpq itself, since a cursor costs more than everything else that a request of one event needs."""
    values = [
        str(source_id).encode(),
        (stream or "").encode(),
        orjson.dumps([event.message_id for event in events]),
        b"[" + b",".join([event.content for event in events]) + b"]",
        orjson.dumps([len(event.content) for event in events]),
    ]
    result = _checked(raw, raw.exec_prepared(b"accept", values, _FORMATS))
    return [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]


_FORMATS = (pq.Format.TEXT, pq.Format.TEXT, pq.Format.TEXT, pq.Format.BINARY, pq.Format.TEXT)


def _checked(raw: pq.abc.PGconn, result: pq.abc.PGresult) -> pq.abc.PGresult:
    """The result, where there is one.

    Raises:
        psycopg.Error: of the class that the server's code has; `OperationalError` where the connection is lost.
    """
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    code = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    if raw.status != pq.ConnStatus.OK or not code:
        raise psycopg.OperationalError("the connection is lost")
    raise psycopg.errors.lookup(code)(code)
