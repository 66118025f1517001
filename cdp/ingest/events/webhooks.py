"""A system pushes rows, signed; they are accepted like events and mapped like the rows of any other stream.

A signature is checked over the raw bytes in constant time, before anything reads them. Where the scheme signs a time, an old one is
refused; a delivery that was accepted once is a duplicate for ever after.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, text

from cdp.db import tables
from cdp.errors import PlatformError
from cdp.ingest import landing
from cdp.ingest.events import wire
from cdp.ingest.events.errors import Rejected
from cdp.ingest.events.inbox import Delivery, Inbox
from cdp.ingest.events.sources import Sender
from cdp.ingest.fingerprint import fingerprint
from cdp.ingest.lines import landed as lines_of
from cdp.ingest.named import land_named_customers
from cdp.ingest.quarantine import hold
from cdp.ingest.target import CHANGED, NEW, StreamTarget
from cdp.records import map_batch
from cdp.records.source import Refused

Headers = Mapping[str, str]
_TOLERANCE = 300


@dataclass(frozen=True)
class Hook:
    """How a source signs (config `webhook`).

    Attributes:
        scheme: `standard` (Standard Webhooks), `timestamped` (`t=…,v1=…`, as Stripe signs) or `body` (HMAC-SHA256 of the body alone).
        header: that carries the signature; `standard` has its own.
        encoding: of the signature under `body`: `hex` or `base64`.
        stream: whose mapping reads the rows.
        rows: member of the body that holds the rows; empty: the body is a row, or an array of rows.
    """

    secret: str
    scheme: str = "standard"
    header: str = "X-Signature"
    encoding: str = "hex"
    stream: str = "webhook"
    rows: str = ""
    tolerance: int = _TOLERANCE


def hook_of(source_name: str, config: Mapping[str, Any]) -> Hook:
    """The hook of a source.

    Raises:
        Rejected: `unknown_source`, where the source takes no webhooks, or `webhook_not_configured`, where its secret is not set.
    """
    given = config.get("webhook")
    if not isinstance(given, dict):
        raise Rejected("unknown_source", "no source of this name takes webhooks")
    secret = str(given.get("secret", ""))
    if secret.startswith("env:"):
        secret = os.environ.get(secret.removeprefix("env:"), "")
    if not secret:
        raise Rejected("webhook_not_configured", f"the secret of source {source_name!r} is not set (config webhook.secret, `env:NAME`)")
    known = {name: given[name] for name in ("scheme", "header", "encoding", "stream", "rows", "tolerance") if name in given}
    return Hook(secret=secret, **known)


def verify(hook: Hook, headers: Headers, body: bytes, now: float | None = None) -> str:
    """Check the signature; the id under which a repetition of the delivery is known.

    Raises:
        Rejected: `bad_signature` or `stale_timestamp`.
    """
    check = _SCHEMES.get(hook.scheme)
    if check is None:
        raise Rejected("webhook_not_configured", f"webhook.scheme is none of {', '.join(_SCHEMES)}")
    return check(hook, headers, body, time.time() if now is None else now)


def _standard(hook: Hook, headers: Headers, body: bytes, now: float) -> str:
    message_id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    secret = hook.secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(secret, validate=True) if hook.secret.startswith("whsec_") else secret.encode()
    except binascii.Error:
        raise Rejected("webhook_not_configured", "webhook.secret begins with whsec_ and is not base64") from None
    expected = base64.b64encode(_hmac(key, f"{message_id}.{sent}.".encode() + body)).decode()
    given = [part.partition(",")[2] for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
    _require(bool(message_id) and _any_equal(given, expected))
    _fresh(sent, hook.tolerance, now)
    return message_id


def _timestamped(hook: Hook, headers: Headers, body: bytes, now: float) -> str:
    parts = [part.strip().partition("=") for part in headers.get(hook.header, "").split(",")]
    sent = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    signed = f"{sent}.".encode() + body
    _require(_any_equal(given, _hmac(hook.secret.encode(), signed).hex()))
    _fresh(sent, hook.tolerance, now)
    return hashlib.sha256(signed).hexdigest()


def _body(hook: Hook, headers: Headers, body: bytes, now: float) -> str:
    digest = _hmac(hook.secret.encode(), body)
    expected = base64.b64encode(digest).decode() if hook.encoding == "base64" else digest.hex()
    _require(_any_equal([headers.get(hook.header, "").removeprefix("sha256=").strip()], expected))
    return hashlib.sha256(body).hexdigest()


_SCHEMES: Mapping[str, Callable[[Hook, Headers, bytes, float], str]] = {"standard": _standard, "timestamped": _timestamped, "body": _body}


def _hmac(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def _any_equal(given: Sequence[str], expected: str) -> bool:
    return any([hmac.compare_digest(each.encode(), expected.encode()) for each in given])


def _require(genuine: bool) -> None:
    if not genuine:
        raise Rejected("bad_signature", "the signature is missing or does not fit the body; check the secret")


def _fresh(sent: str, tolerance: int, now: float) -> None:
    if not (sent.isascii() and sent.isdigit() and len(sent) < 12 and abs(now - int(sent)) <= tolerance):
        raise Rejected("stale_timestamp", f"the signed time is more than {tolerance} seconds off; correct the clock or send again")


def receive(engine: Engine, inbox: Inbox, source_name: str, headers: Headers, body: bytes, encoding: str = "") -> bool:
    """Take a delivery, durably; whether it is new.

    Raises:
        Rejected: nothing is stored.
        Unavailable: nothing is stored; repeating is safe.
    """
    with engine.connect() as connection:
        row = connection.execute(tables.source.select().where(tables.source.c.name == source_name)).first()
    if row is None or not row.enabled:
        raise Rejected("unknown_source", "no source of this name takes webhooks")
    hook = hook_of(source_name, row.config)
    delivery_id = verify(hook, headers, body)
    rows = rows_of(hook, wire.loads(wire.inflate(body, encoding, wire.MAX_BODY_CEILING)))
    key = f"webhook:{source_name}:{hashlib.sha256(delivery_id.encode()).hexdigest()[:32]}"
    return not inbox.accept(Delivery(row.id, [wire.Accepted(key, wire.compact(rows))], hook.stream))


def rows_of(hook: Hook, document: Any) -> list[Any]:
    """The rows of a delivery.

    Raises:
        Rejected: `invalid_body`.
    """
    rows = document.get(hook.rows) if hook.rows and isinstance(document, dict) else document
    rows = rows if isinstance(rows, list) else [rows]
    if not all(isinstance(row, dict) for row in rows):
        raise Rejected("invalid_body", "a delivery is a JSON object, or an array of objects")
    return rows


def land(
    connection: Connection, run_id: int, sender: Sender, stream: str, deliveries: Sequence[Sequence[dict[str, Any]]]
) -> tuple[int, int]:
    """Map the rows of deliveries, one delivery after the other, and land them; the numbers of rows landed and held."""
    landed = held = 0
    for rows in deliveries:
        try:
            mapping = sender.stream(stream)
        except PlatformError as error:
            refused = [Refused("webhook", "no_mapping", f"{error}; map the stream and replay", row) for row in rows]
            held += len(hold(connection, sender.id, stream, run_id, refused))
            continue
        target = StreamTarget(sender.id, stream, mapping.kind, run_id)
        landing.make_tables(connection, target)
        batch = map_batch(rows, mapping, sender.defaults)
        prints = fingerprint([rows[i] for i in batch.row])
        whole = lines_of(target, batch.table, prints.raw, prints.hash)
        state = landing.classify(connection, target, batch.table["source_key"].combine_chunks(), prints.hash)
        for wanted, write in ((NEW, landing.add), (CHANGED, landing.change)):
            write(connection, target, whole.take(np.flatnonzero(state == wanted)))
        landing.land_consents(connection, target, batch.table)
        if batch.customers is not None:
            land_named_customers(connection, target, batch.customers)
        refused = [Refused("webhook", r.reason, r.message, rows[r.row], r.source_key, r.field) for r in batch.refused]
        held += len(hold(connection, sender.id, stream, run_id, refused))
        landed += batch.table.num_rows
        _note_stream(connection, sender.id, stream, mapping.kind)
    return landed, held


def _note_stream(connection: Connection, source_id: int, stream: str, kind: str) -> None:
    connection.execute(
        text(
            """insert into stream (source_id, name, kind, last_success_at) values (:source, :name, :kind, now())
               on conflict (source_id, name) do update set last_success_at = now()"""
        ),
        {"source": source_id, "name": stream, "kind": kind},
    )
