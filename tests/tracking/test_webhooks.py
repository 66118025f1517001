"""Signed deliveries are mapped like any source; forged, stale and repeated ones change nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import orjson
import pytest
from werkzeug.test import TestResponse

from cdp.ingest.again import again
from cdp.ingest.events.errors import Rejected
from cdp.ingest.events.webhooks import Hook, verify
from tests.tracking.conftest import World

SECRET = "s3cret-of-a-test"
MAPPING: dict[str, Any] = {
    "version": 1,
    "streams": {"contacts": {"customer": {"source_key": "id", "emails": ["mail"], "given_name": ["first"]}}},
}
ROW = {"id": "7", "mail": "ann@example.org", "first": "Ann"}


def sign(body: bytes, message_id: str = "msg-1", sent: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """Headers of Standard Webhooks."""
    moment = str(int(time.time() if sent is None else sent))
    digest = hmac.new(secret.encode(), f"{message_id}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": message_id, "webhook-timestamp": moment, "webhook-signature": "v1," + base64.b64encode(digest).decode()}


@pytest.fixture
def hooked(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("WEB_HOOK_SECRET", SECRET)
    world.configure({"webhook": {"secret": "env:WEB_HOOK_SECRET", "stream": "contacts"}}, MAPPING)
    return world


def push(world: World, document: Any, **signed: Any) -> TestResponse:
    body = orjson.dumps(document)
    return world.client.post("/v1/webhooks/web", data=body, headers=sign(body, **signed))


def test_rows_land_by_the_mapping_of_their_stream(hooked: World) -> None:
    assert push(hooked, ROW).json == {"success": True}
    assert push(hooked, [{**ROW, "id": "8"}, {"first": "no key"}], message_id="msg-2").status_code == 200
    done = hooked.process()
    assert (done.interactions, done.held) == (2, 1)
    rows = hooked.rows("select stream, source_key, canonical from record order by source_key")
    assert [(row.stream, row.source_key, row.canonical["emails"]) for row in rows] == [
        ("contacts", "7", ["ann@example.org"]),
        ("contacts", "8", ["ann@example.org"]),
    ]
    assert hooked.rows("select reason from quarantine")[0].reason == "missing_key"


def test_a_later_delivery_changes_the_row(hooked: World) -> None:
    push(hooked, ROW)
    push(hooked, {**ROW, "first": "Anna"}, message_id="msg-2")
    hooked.process()
    (row,) = hooked.rows("select canonical from record")
    assert row.canonical["given_name"] == "Anna"
    assert len(hooked.rows("select from record_version")) == 1


def test_a_repeated_delivery_changes_nothing(hooked: World) -> None:
    assert push(hooked, ROW).status_code == push(hooked, ROW).status_code == 200
    assert hooked.process().events == 1


@pytest.mark.parametrize("signed", [{"secret": "another"}, {"sent": time.time() - 3600}, {"sent": time.time() + 3600}])
def test_what_is_forged_or_stale_is_refused(hooked: World, signed: dict[str, Any]) -> None:
    answer = push(hooked, ROW, **signed)
    assert answer.status_code == 401
    assert answer.json["code"] in ("bad_signature", "stale_timestamp")
    assert not hooked.rows("select from event_inbox")


def test_a_changed_body_is_refused(hooked: World) -> None:
    headers = sign(orjson.dumps(ROW))
    answer = hooked.client.post("/v1/webhooks/web", data=orjson.dumps({**ROW, "id": "9"}), headers=headers)
    assert answer.json["code"] == "bad_signature"


def test_a_stream_without_mapping_is_held(hooked: World) -> None:
    hooked.configure({"webhook": {"secret": "env:WEB_HOOK_SECRET", "stream": "others"}}, MAPPING)
    assert push(hooked, ROW).status_code == 200
    assert hooked.process().held == 1
    assert hooked.rows("select reason from quarantine")[0].reason == "no_mapping"


def test_what_is_held_lands_once_the_stream_is_mapped(hooked: World) -> None:
    hooked.configure({"webhook": {"secret": "env:WEB_HOOK_SECRET", "stream": "others"}}, MAPPING)
    push(hooked, ROW)
    hooked.process()
    report = again(hooked.engine, hooked.settings)
    assert (report.landed, report.waiting) == (0, 1)
    assert "others" in report.reasons[0], "the reason names the stream that nobody mapped"
    hooked.configure({}, {"version": 1, "streams": {"others": MAPPING["streams"]["contacts"]}})
    assert again(hooked.engine, hooked.settings).landed == 1
    assert hooked.rows("select source_key from record where stream = 'others'")[0].source_key == "7"


def test_a_row_that_cannot_be_landed_stops_no_other(hooked: World) -> None:
    hooked.send("track", userId="u", event="E")
    unkept = {**ROW, "id": "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(200))}
    push(hooked, [ROW, unkept])
    done = hooked.process()
    assert (done.interactions, done.held) == (2, 1)
    assert [row.reason for row in hooked.rows("select reason from quarantine")] == ["processing_failed"]


def test_without_secret_or_source_nothing_is_taken(world: World) -> None:
    assert push(world, ROW).json["code"] == "unknown_source"
    world.configure({"webhook": {"secret": "env:NOT_SET_ANYWHERE"}})
    answer = push(world, ROW)
    assert (answer.status_code, answer.json["code"]) == (503, "webhook_not_configured")


def test_signatures_of_other_systems() -> None:
    body = b'{"id": 1}'
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256)
    verify(Hook(SECRET, "body", "X-Hub-Signature-256"), {"X-Hub-Signature-256": f"sha256={digest.hexdigest()}"}, body)
    verify(Hook(SECRET, "body", encoding="base64"), {"X-Signature": base64.b64encode(digest.digest()).decode()}, body)
    stamped = hmac.new(SECRET.encode(), b"1000." + body, hashlib.sha256).hexdigest()
    hook = Hook(SECRET, "timestamped", "Stripe-Signature")
    assert verify(hook, {"Stripe-Signature": f"t=1000,v1={stamped}"}, body, now=1200)
    with pytest.raises(Rejected, match="seconds off"):
        verify(hook, {"Stripe-Signature": f"t=1000,v1={stamped}"}, body, now=1301)
    with pytest.raises(Rejected, match="signature"):
        verify(hook, {}, body, now=1000)
