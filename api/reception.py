"""What a POST to the tracking API is answered is a function of its WSGI environment: no framework stands between an event and the disk.

200 with `{"success": true}` means that the events are on disk; everything else is a JSON object with `code` and `message`, which every
published client understands as final, or as a reason to come again.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson
from sqlalchemy import Engine
from werkzeug.sansio.utils import get_content_length

from cdp.ingest.events import receive, wire
from cdp.ingest.events.errors import EventError, Rejected, Unavailable
from cdp.ingest.events.receive import Receiver

HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-retry-count",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""Any page may send events; what it may not do is read."""
STATUS = {
    "missing_write_key": 401,
    "unknown_write_key": 401,
    "source_disabled": 404,
    "payload_too_large": 413,
    "event_too_large": 413,
    "unsupported_encoding": 415,
    "rate_limited": 429,
    "unknown_source": 404,
    "bad_signature": 401,
    "stale_timestamp": 401,
    "webhook_not_configured": 503,
}
"""HTTP status of each code; those that are not here are 400."""

_RETRY_SECONDS = 1
_MOST_READ_AWAY = 64 * 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """Status and JSON body; `retry_after` (seconds) where the request may be repeated."""

    status: int = 200
    body: bytes = b'{"success": true}'
    retry_after: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """All headers but the length of the body."""
        again = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        return {"Content-Type": "application/json", **HEADERS, **again}


SUCCESS = Answer()
ELSEWHERE = Answer(
    404,
    orjson.dumps(
        {"code": "not_found", "message": "the tracking API answers at the root of the host: take the path out of the client's host"}
    ),
)
"""To a client whose host carries a path: without `code` and `message` some repeat it for ever."""


def receiver(extensions: MutableMapping[str, Any]) -> Receiver:
    """The receiver of the application with these extensions, made on first use."""
    made = extensions.get("cdp.events")
    if made is None:
        engine = extensions["cdp.engine"]
        assert isinstance(engine, Engine)
        made = extensions["cdp.events"] = Receiver(engine)
    assert isinstance(made, Receiver)
    return made


def answer(taker: Receiver, call: str, environ: Mapping[str, Any]) -> Answer:
    """Take the events of one request of kind `call` (`identify` … `batch`)."""
    try:
        taken = taker.receive(
            receive.Request(
                call=call,
                body=body(environ),
                key=_basic_user(environ.get("HTTP_AUTHORIZATION", "")),
                query_key=_query_key(environ.get("QUERY_STRING", "")),
                encoding=environ.get("HTTP_CONTENT_ENCODING", "").strip().lower(),
                ip=environ.get("REMOTE_ADDR") or "",
            )
        )
        refusal = receive.refusal(taken) if call != "batch" else None
    except EventError as error:
        return reason(error)
    except Exception as error:
        _log.error("a request of the tracking API failed: %s", type(error).__name__, exc_info=True)
        return _refused(500, "internal_error", "the request could not be processed; send it again", _RETRY_SECONDS)
    return reason(refusal) if refusal else SUCCESS


def reason(error: EventError) -> Answer:
    """The answer that says why."""
    if isinstance(error, Rejected):
        again = max(1, error.retry_after) if error.retry_after else 0
        return _refused(STATUS.get(error.code, 400), error.code, str(error), again)
    message = str(error) if isinstance(error, Unavailable) else "the event store does not answer"
    return _refused(503, "unavailable", message, _RETRY_SECONDS)


def _refused(status: int, code: str, message: str, retry_after: int = 0) -> Answer:
    return Answer(status, orjson.dumps({"code": code, "message": message}), retry_after)


def body(environ: Mapping[str, Any]) -> bytes:
    """The raw body, never more than any source may send.

    Raises:
        Rejected: `payload_too_large`.
    """
    length = get_content_length(environ.get("CONTENT_LENGTH"), environ.get("HTTP_TRANSFER_ENCODING"))
    if length is not None and length > wire.MAX_BODY_CEILING:
        _read_away(environ["wsgi.input"], length)
        raise Rejected("payload_too_large", f"the body is larger than {wire.MAX_BODY_CEILING} bytes; send smaller batches")
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""  # where it ends is not known: nothing may be read
    content: bytes = environ["wsgi.input"].read(wire.MAX_BODY_CEILING + 1 if length is None else length)
    return content


def _read_away(stream: Any, length: int) -> None:
    """Read what is not wanted, within reason: who is still sending when the connection ends sees a broken pipe, and sends it all again."""
    left = min(length, _MOST_READ_AWAY)
    while left > 0 and (part := stream.read(min(left, 1 << 16))):
        left -= len(part)


def _query_key(query: str) -> str:
    return parse_qs(query).get("writeKey", [""])[0] if query else ""


def _basic_user(header: str) -> str:
    """User name of Basic authentication, whether or not a colon follows it; empty where there is none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return value.strip() and "\ufffd"  # a key nobody has: a broken header is no missing header
    return text.partition(":")[0]
