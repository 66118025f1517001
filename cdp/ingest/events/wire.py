"""A body becomes events without a look at its content type; each event comes out accepted or refused with a reason, none disappears.

What clients really send is forgiven (gzip, forms that are JSON, numbers as ids, null for absent, lone surrogates, NUL characters);
what would hurt is capped (size after inflating, number of events, depth).
"""

from __future__ import annotations

import codecs
import json
import math
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from cdp.ingest.events.errors import Rejected
from cdp.records.source import Refused

CALLS = ("identify", "track", "page", "screen", "group", "alias")
MAX_EVENT = 32 * 1024
"""Bytes of one event as compact JSON, UTF-8."""
MAX_BODY = 500 * 1024
"""Bytes of a request after inflating; a source may allow up to `MAX_BODY_CEILING`."""
MAX_BODY_CEILING = 4 * 1024 * 1024
MAX_EVENTS = 2500
MAX_MESSAGE_ID = 100
MAX_ID = 500
"""Characters of a user, anonymous or group id."""

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_HUGE_NUMBER = b"0" * 19
"""What an integer beyond 64 bits leaves in a body whose digits are all made 0; orjson would make it a float."""
_BEFORE_NUMBER = (b":", b",", b"[", b" ", b"-")
_OBJECTS = ("properties", "traits", "context", "integrations")
_ID_MEMBERS = ("userId", "anonymousId", "messageId", "groupId", "previousId")


@dataclass(frozen=True)
class Accepted:
    """An event that can be used: its id and its compact JSON."""

    message_id: str
    content: bytes


@dataclass(frozen=True)
class Events:
    """What a request carried."""

    accepted: Sequence[Accepted]
    refused: Sequence[Refused]


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before compression; never more than `limit` bytes are made.

    Raises:
        Rejected: `payload_too_large`, `invalid_gzip` or `unsupported_encoding`.
    """
    if len(body) > limit:
        _too_large(limit)
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Rejected("unsupported_encoding", f"Content-Encoding {encoding[:20]!r} is not supported; send gzip or none")
    content = b""
    while body:  # gzip may come in several members
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            content += inflater.decompress(body, limit + 1 - len(content))
        except zlib.error:
            raise Rejected("invalid_gzip", "the body is not what Content-Encoding says; send gzip or drop the header") from None
        if len(content) > limit:
            _too_large(limit)
        if not inflater.eof:
            raise Rejected("invalid_gzip", "the compressed body ends too early; send it again whole")
        body = inflater.unused_data.lstrip(b"\0")  # some pad with zeros
    return content


def _too_large(limit: int) -> NoReturn:
    raise Rejected("payload_too_large", f"the body is larger than {limit} bytes after inflating; send smaller batches")


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object that the body holds.

    Raises:
        Rejected: `empty_body`, `invalid_json`, `too_deep` or `invalid_body`.
    """
    if not body.strip():
        raise Rejected("empty_body", "the body is empty; send a JSON object")
    document = loads(body)
    if not isinstance(document, dict):
        raise Rejected("invalid_body", f"the body is a JSON {_kind(document)}; send an object")
    return document


def loads(body: bytes) -> Any:
    """JSON as clients write it: integers keep all their digits, what PostgreSQL cannot hold becomes U+FFFD.

    Raises:
        Rejected: `invalid_json` or `too_deep`.
    """
    if not _may_hold_huge_number(body):
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _loads_forgiving(body)
        return _clean(document) if b"\\u0000" in body else document
    return _loads_forgiving(body)


def _may_hold_huge_number(body: bytes) -> bool:
    digits = body.translate(_DIGITS)
    return _HUGE_NUMBER in digits and any(before + _HUGE_NUMBER in digits for before in _BEFORE_NUMBER)


def _loads_forgiving(body: bytes) -> Any:
    """JSON with lone surrogates (a client cut an emoji in two) or integers beyond 64 bits."""
    try:
        return _clean(json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite))
    except RecursionError:
        raise Rejected("too_deep", "the body is nested too deeply; flatten it") from None
    except (ValueError, UnicodeDecodeError) as error:
        where = f" at byte {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Rejected("invalid_json", f"the body is not valid JSON{where}; send a JSON object, UTF-8") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("a number is beyond what a double holds, and would be written as no JSON")
    return value


def _clean(value: Any) -> Any:
    """Strings without what PostgreSQL cannot hold: NUL and lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace_surrogate").decode("utf-8")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def _replace_surrogate(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "\ufffd".encode() * (error.end - error.start), error.end


codecs.register_error("replace_surrogate", _replace_surrogate)


def compact(value: Any) -> bytes:
    """Compact JSON, UTF-8, integers of any size.

    Raises:
        RecursionError: it is nested too deeply.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        if "ecursion" in str(error):
            raise RecursionError from None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _kind(value: Any) -> str:
    names: dict[type, str] = {list: "array", str: "string", bool: "boolean", int: "number", float: "number", dict: "object"}
    return names.get(type(value), "null")


def items(call: str, document: dict[str, Any]) -> list[Any]:
    """The events of a request to `/v1/{call}`; what a batch says once (context, integrations, sentAt) is put into each.

    Raises:
        Rejected: `empty_batch`, `invalid_body` or `too_many_events`.
    """
    document.pop("writeKey", None)
    if call != "batch":
        return [{**document, "type": call}]
    events = document.get("batch")
    if not isinstance(events, list):
        raise Rejected("invalid_body", f"`batch` is {_kind(events)}; send an array of events")
    if not events:
        raise Rejected("empty_batch", "`batch` holds no event")
    if len(events) > MAX_EVENTS:
        raise Rejected("too_many_events", f"`batch` holds {len(events)} events; send at most {MAX_EVENTS}")
    shared = {name: document[name] for name in ("context", "integrations") if isinstance(document.get(name), dict)}
    sent_at = document.get("sentAt")
    for event in events:
        if isinstance(event, dict):
            _inherit(event, shared, sent_at)
    return events


def _inherit(event: dict[str, Any], shared: dict[str, Any], sent_at: Any) -> None:
    for name, value in shared.items():
        own = event.get(name)
        if own is None or isinstance(own, dict):
            event[name] = {**value, **own} if own else value
    if sent_at is not None and event.get("sentAt") is None:
        event["sentAt"] = sent_at


def read(call: str, document: dict[str, Any], received_at: str, ip: str = "") -> Events:
    """The events of a request, each checked and stamped with its messageId and `received_at` (ISO 8601, UTC).

    Args:
        ip: the sender's address, for events that ask for it (`context.direct`) or come from a browser.

    Raises:
        Rejected: as `items`.
    """
    accepted, refused = [], []
    sent_at = document.get("sentAt") if call == "batch" else None
    typed = 0 if call == "batch" or "type" in document else _member("type", call)
    for number, event in enumerate(items(call, document)):
        ours = typed
        if sent_at is not None and isinstance(event, dict) and event.get("sentAt") is sent_at:
            ours += _member("sentAt", sent_at)
        outcome = _check(event, received_at, ip, number, ours)
        if isinstance(outcome, Accepted):
            accepted.append(outcome)
        else:
            refused.append(outcome)
    return Events(accepted, refused)


def check(event: Any, received_at: str) -> Accepted | Refused:
    """One event, checked and stamped as `read` does."""
    return _check(event, received_at, "", 0, 0)


def _check(event: Any, received_at: str, ip: str, number: int, ours: int) -> Accepted | Refused:
    """`ours` are the bytes that were put into the event here: the limit is for what was sent."""
    if not isinstance(event, dict):
        return _refuse(number, "invalid_event", "", f"the event is a JSON {_kind(event)}; send an object", {"value": event})
    problem = _normalise(event)
    if problem is None:
        event["receivedAt"] = received_at
        if "messageId" not in event:
            event["messageId"] = str(uuid.uuid4())
            ours += _MESSAGE_ID
        if ip and _fill_ip(event, ip):
            ours += _member("ip", ip)
        try:
            content = compact(event)
        except RecursionError:
            return _refuse(number, "too_deep", "", "the event is nested too deeply; flatten it", _deep(event), event["messageId"])
        if len(content) <= MAX_EVENT + _STAMP + ours:
            return Accepted(event["messageId"], content)
        problem = ("event_too_large", "", f"the event is larger than {MAX_EVENT} bytes as compact JSON; send less in it")
    code, field, message = problem
    return _refuse(number, code, field, message, event, event.get("messageId"))


def _deep(event: dict[str, Any]) -> bytes | None:
    try:
        return json.dumps(event).encode()
    except RecursionError:
        return None


def _refuse(number: int, code: str, field: str, message: str, raw: Any, key: Any = None) -> Refused:
    return Refused(f"event {number + 1} of the request", code, message, raw, key if isinstance(key, str) else None, field or None)


def _normalise(event: dict[str, Any]) -> tuple[str, str, str] | None:
    """Bring ids into shape in place; (code, field, message) where the event cannot be used."""
    kind = event.get("type")
    if kind not in CALLS:
        return "unknown_type", "type", f"`type` is none of {', '.join(CALLS)}"
    for name in _ID_MEMBERS:
        value = event.get(name)
        if type(value) is str and 0 < len(value) <= MAX_MESSAGE_ID:
            continue
        if name in event:
            problem = _normalise_id(event, name, value)
            if problem:
                return problem
    for name in _OBJECTS:
        value = event.get(name)
        if value is not None and type(value) is not dict:
            return "invalid_member", name, f"`{name}` is a JSON {_kind(value)}; send an object"
    return _missing(kind, event)


def _normalise_id(event: dict[str, Any], name: str, value: Any) -> tuple[str, str, str] | None:
    if value is None or value == "":
        del event[name]
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return "invalid_id", name, f"`{name}` is a JSON {_kind(value)}; send a string"
    text = event[name] = _id_text(value)
    longest = MAX_MESSAGE_ID if name == "messageId" else MAX_ID
    if len(text) > longest:
        code = "message_id_too_long" if name == "messageId" else "id_too_long"
        return code, name, f"`{name}` has {len(text)} characters; send at most {longest}"
    return None


def _id_text(value: str | int | float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _missing(kind: str, event: dict[str, Any]) -> tuple[str, str, str] | None:
    if "userId" not in event and ("anonymousId" not in event or kind == "alias"):
        return (
            "no_user_anon_id",
            "userId",
            "the event names nobody; send `userId` or `anonymousId`" + " (alias: `userId`)" * (kind == "alias"),
        )
    if kind == "track":
        name = event.get("event")
        if type(name) is not str or not name:
            return "no_event_name", "event", "`event` is missing or no text; name what happened"
    elif kind == "group" and "groupId" not in event:
        return "no_group_id", "groupId", "`groupId` is missing"
    elif kind == "alias" and "previousId" not in event:
        return "no_previous_id", "previousId", "`previousId` is missing"
    return None


_BROWSER = "analytics.js"


def _member(name: str, value: Any) -> int:
    """Bytes that a member takes in compact JSON."""
    return len(compact({name: value})) - 1


_STAMP = _member("receivedAt", "2026-01-01T00:00:00.000000Z")
_MESSAGE_ID = _member("messageId", str(uuid.UUID(int=0)))


def _fill_ip(event: dict[str, Any], ip: str) -> bool:
    """Put the sender's address into an event that asks for it; whether it did."""
    context = event.get("context")
    if not context or "ip" in context:
        return False
    library = context.get("library")
    if context.get("direct") is True or (type(library) is dict and library.get("name") == _BROWSER):
        event["context"] = {**context, "ip": ip}
        return True
    return False
