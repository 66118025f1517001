"""A request is answered after its events are on disk: the good ones in the inbox, the others, with their reason, in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cdp.ingest.events import wire
from cdp.ingest.events.errors import Rejected, Unavailable
from cdp.ingest.events.inbox import Delivery, Inbox
from cdp.ingest.events.keys import EventSource, KeyRing
from cdp.ingest.quarantine import hold
from cdp.records.source import Refused

STREAM = "events"
"""Stream that refused events are held under."""


@dataclass(frozen=True)
class Request:
    """What a call of the tracking API consists of, free of any web framework.

    Attributes:
        call: `identify` … `alias` or `batch`.
        key: write key of the header, empty where there is none.
        query_key: write key of the query, the last place that is looked at.
        encoding: value of Content-Encoding.
        ip: address of the sender.
    """

    call: str
    body: bytes
    key: str = ""
    query_key: str = ""
    encoding: str = ""
    ip: str = ""


@dataclass(frozen=True)
class Received:
    """What became of the events of a request."""

    accepted: int
    duplicates: int
    refused: tuple[Refused, ...]


class Receiver:
    """Receives for one process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.keys = KeyRing(engine)
        self.inbox = Inbox(engine.url)

    def receive(self, request: Request) -> Received:
        """Authenticate, read, store.

        Raises:
            Rejected: nothing is stored, and the same request will not do better.
            Unavailable: nothing is stored; repeating is safe.
        """
        try:
            source = self.keys.source_of(request.key) if request.key else None
            body = wire.inflate(request.body, request.encoding, source.max_body if source else wire.MAX_BODY)
            document = wire.parse(body)
            if source is None:
                source = self.keys.source_of(_key_of(document) or request.query_key)
            events = wire.read(request.call, document, now_text(), request.ip)
            duplicates = self.inbox.accept(Delivery(source.id, events.accepted))
            if events.refused:
                self._hold(source, events.refused)
        except SQLAlchemyError as error:
            raise Unavailable(f"the event store does not answer ({type(error).__name__}); send the request again") from None
        return Received(len(events.accepted), len(duplicates), tuple(events.refused))

    def _hold(self, source: EventSource, refused: Sequence[Refused]) -> None:
        with self.engine.begin() as connection:
            hold(connection, source.id, STREAM, None, refused)


def _key_of(document: dict[str, object]) -> str:
    key = document.get("writeKey")
    return key if isinstance(key, str) else ""


def now_text() -> str:
    """The present time, UTC, ISO 8601 with microseconds and `Z`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def refusal(received: Received) -> Rejected | None:
    """The error that a call with a single event answers where that event was refused."""
    if not received.refused:
        return None
    first = received.refused[0]
    return Rejected(first.reason, f"{first.message}; the event is in quarantine")
