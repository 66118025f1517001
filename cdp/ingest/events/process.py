"""A batch of the inbox becomes interactions, records and profiles in the transaction that empties it: all of it, or nothing.

One processor works at a time (an advisory lock), oldest first, so the events of a person keep their order. An event that nothing
can be made of is held in quarantine and stops no other.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.exc import OperationalError

from cdp.ingest.events import plans
from cdp.ingest.events.errors import Rejected
from cdp.ingest.events.event import Event, instant, read
from cdp.ingest.events.people import write_people
from cdp.ingest.events.receive import STREAM
from cdp.ingest.events.sources import Sender, senders
from cdp.ingest.events.store import write_interactions, write_updates
from cdp.ingest.events.visitors import PEOPLE, UPDATES
from cdp.ingest.events.webhooks import land
from cdp.ingest.events.wire import loads
from cdp.ingest.quarantine import hold
from cdp.ingest.runs import finish_run, start_run
from cdp.records.source import Refused
from cdp.settings import Settings

BATCH = 2000
"""Events that one transaction takes; a request is never divided."""

_log = logging.getLogger(__name__)


@dataclass
class Processed:
    """What became of the events that left the inbox.

    Attributes:
        updates: calls that say who somebody is; they are in the records and no interactions.
        profiles: whose records changed, so that what is shown of them is out of date.
        seen: that have new interactions, so that their figures are out of date.
    """

    events: int = 0
    interactions: int = 0
    updates: int = 0
    held: int = 0
    violations: int = 0
    profiles: set[UUID] = field(default_factory=set)
    seen: set[UUID] = field(default_factory=set)

    def add(self, other: Processed) -> None:
        """Count another batch."""
        self.events += other.events
        self.interactions += other.interactions
        self.updates += other.updates
        self.held += other.held
        self.violations += other.violations
        self.profiles |= other.profiles
        self.seen |= other.seen

    def document(self) -> dict[str, int]:
        """For the journal of runs."""
        return {name: getattr(self, name) for name in ("events", "interactions", "updates", "held", "violations")}


def process(engine: Engine, settings: Settings) -> Processed:
    """Empty the inbox; what became of it. Does nothing while another process does it."""
    total = Processed()
    with engine.connect() as connection:
        if connection.execute(text("select not exists (select from event_inbox)")).scalar_one():
            return total
        run_id = start_run(connection, "events")
        while True:
            done = process_batch(connection, settings, run_id)
            if not done.events:
                break
            total.add(done)
        finish_run(connection, run_id, "done", total.document())
        connection.commit()
    return total


def process_batch(connection: Connection, settings: Settings, run_id: int) -> Processed:
    """Process and commit the oldest batch of the inbox.

    The commit does not wait for the disk: what a crash takes is processed again, since its events are in the inbox again.
    """
    with _uncollected(), connection.begin():
        connection.execute(text("set local synchronous_commit = off"))
        if not connection.execute(text("select pg_try_advisory_xact_lock(hashtextextended('events', 0))")).scalar_one():
            return Processed()
        rows = connection.execute(
            text(
                """select id, source_id, stream, count as size, events from (
                     select *, sum(count) over (order by id) - count as before
                     from (select * from event_inbox order by id limit :batch) oldest
                   ) t where before < :batch order by id"""
            ),
            {"batch": BATCH},
        ).all()
        if not rows:
            return Processed()
        known = senders(connection, settings, {row.source_id for row in rows})
        done = Processed(events=sum(row.size for row in rows))
        read = [(row, _read(connection, run_id, known[row.source_id], row, done)) for row in rows]
        done.add(_surely(connection, run_id, [(known[row.source_id], raw) for row, raws in read if row.stream is None for raw in raws]))
        for row, deliveries in read:
            if row.stream is not None:
                done.add(_land(connection, run_id, known[row.source_id], row.stream, deliveries))
        connection.execute(text("delete from event_inbox where id = any(:ids)"), {"ids": [row.id for row in rows]})
    return done


def _read(connection: Connection, run_id: int, sender: Sender, row: Row[Any], done: Processed) -> list[Any]:
    """What a row of the inbox holds; one that cannot be read is held whole, and stops no other."""
    try:
        found: list[Any] = loads(row.events)
    except Rejected as error:
        _log.error("a request of source %s cannot be read: %s", sender.name, error.code)
        hold(connection, sender.id, row.stream or STREAM, run_id, [_failed(error, bytes(row.events))])
        done.held += row.size
        return []
    return found


def _land(connection: Connection, run_id: int, sender: Sender, stream: str, deliveries: Sequence[Sequence[dict[str, Any]]]) -> Processed:
    """Land the rows of webhooks, or, where something is wrong with one, all others."""
    try:
        with connection.begin_nested():
            landed, held = land(connection, run_id, sender, stream, deliveries)
        return Processed(interactions=landed, held=held)
    except OperationalError:
        raise  # the database's trouble, not the row's
    except Exception as error:
        rows = [row for delivery in deliveries for row in delivery]
        if len(rows) > 1:
            done = Processed()
            for row in rows:
                done.add(_land(connection, run_id, sender, stream, [[row]]))
            return done
        _log.error("a row of webhook %s cannot be landed: %s", sender.name, type(error).__name__)
        return Processed(held=len(hold(connection, sender.id, stream, run_id, [_failed(error, row) for row in rows])))


def _failed(error: Exception, raw: Any) -> Refused:
    message = f"it could not be processed ({type(error).__name__}); correct it and replay it"
    return Refused("tracking API", "processing_failed", message, raw)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic garbage collector: everything a batch makes lives until its commit, and a third of the time went into looking."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _surely(connection: Connection, run_id: int, calls: Sequence[tuple[Sender, dict[str, Any]]]) -> Processed:
    """Process all, or, where something is wrong with one, all others: the one is found by halving."""
    if not calls:
        return Processed()
    try:
        with connection.begin_nested():
            return _write(connection, run_id, calls)
    except OperationalError:
        raise  # the database's trouble, not the event's: the batch is tried again
    except Exception as error:
        if len(calls) > 1:
            middle = len(calls) // 2
            done = _surely(connection, run_id, calls[:middle])
            done.add(_surely(connection, run_id, calls[middle:]))
            return done
        sender, raw = calls[0]
        _log.error("event of source %s cannot be processed: %s", sender.name, type(error).__name__)
        return _hold(connection, run_id, sender, raw, _failed(error, raw))


def _write(connection: Connection, run_id: int, calls: Sequence[tuple[Sender, dict[str, Any]]]) -> Processed:
    done = Processed()
    usable: list[tuple[Sender, Event]] = []
    samples: list[plans.Sample] = []
    issues: dict[str, list[dict[str, str]]] = {}
    for sender, raw in calls:
        event = read(raw)
        action, found = sender.plan.judge(event)
        seen = instant(raw["receivedAt"]) or event.at if found else event.at  # an old event violates the plan now
        samples += [plans.Sample(sender.id, violation, event.message_id, action, seen) for violation in found]
        if action == plans.HOLD:
            first = found[0]
            refused = Refused("tracking API", "plan_violation", first.message, field=first.field)
            done.add(_hold(connection, run_id, sender, raw, refused))
            continue
        if action == plans.FLAG:
            issues[event.message_id] = [{"field": v.field, "value": "", "reason": f"plan:{v.rule}"} for v in found]
        usable.append((sender, event))
    plans.count(connection, samples)
    written = write_people(connection, run_id, usable) if usable else None
    if written:
        did = [(sender, event) for sender, event in usable if event.type not in UPDATES]
        done.interactions += write_interactions(connection, run_id, did, written.profile_of, issues)
        done.updates += write_updates(connection, run_id, [(s, e) for s, e in usable if e.type in UPDATES], issues)
        done.profiles |= written.changed
        done.seen |= {written.profile_of[sender.id, PEOPLE, event.person] for sender, event in did}
    done.violations += len(samples)
    return done


def _hold(connection: Connection, run_id: int, sender: Sender, raw: dict[str, Any], why: Refused) -> Processed:
    refused = replace(why, raw=raw, source_key=raw.get("messageId"))
    hold(connection, sender.id, STREAM, run_id, [refused])
    return Processed(held=1)
