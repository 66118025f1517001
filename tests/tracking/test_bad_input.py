"""Each bad input has its documented answer, and nothing that was sent is lost."""

from __future__ import annotations

import base64
import gzip
import io
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from api import reception
from cdp.ingest.events import keys, wire
from cdp.ingest.events.errors import Rejected
from cdp.ingest.events.inbox import Delivery, Inbox
from tests.tracking.conftest import World

EVENT = {"type": "track", "event": "E", "userId": "u"}


def sized(size: int, **more: Any) -> dict[str, Any]:
    """An event of exactly `size` bytes as compact JSON."""
    event = {**EVENT, **more, "properties": {"x": ""}}
    event["properties"]["x"] = "x" * (size - len(orjson.dumps(event)))
    return event


def test_an_event_of_32_kb_is_taken_and_one_byte_more_is_held(world: World) -> None:
    batch = [sized(wire.MAX_EVENT, messageId="fits"), sized(wire.MAX_EVENT + 1, messageId="over")]
    assert world.send("batch", batch=batch).status_code == 200
    world.process()
    assert world.receipt("fits").status == "processed"
    assert (world.receipt("over").status, world.receipt("over").reason) == ("refused", "event_too_large")


@pytest.mark.parametrize("call", ["track", "batch"])
def test_what_is_put_into_an_event_here_does_not_count(world: World, call: str) -> None:
    for over, status in ((0, 200), (1, 413)):
        event = sized(wire.MAX_EVENT + over + len(b',"type":"track"') * (call == "track"), context={"direct": True})
        if call == "track":
            del event["type"]
            assert world.send(call, **event).status_code == status
        else:
            assert world.send(call, batch=[event], sentAt="2026-11-22T10:00:01.000Z").status_code == 200
    world.process()
    assert [row.n for row in world.rows("select count(*) as n from interaction where raw -> 'context' ->> 'ip' = '127.0.0.1'")] == [1]
    assert [row.n for row in world.rows("select count(*) as n from quarantine where reason = 'event_too_large'")] == [1]


def test_a_single_event_over_32_kb_is_told_so(world: World) -> None:
    answer = world.send("track", **sized(wire.MAX_EVENT + 1, messageId="over"))
    assert (answer.status_code, answer.json["code"]) == (413, "event_too_large")
    assert world.receipt("over").status == "refused"


def test_a_batch_of_500_kb_is_taken_and_one_byte_more_is_not(world: World) -> None:
    body = orjson.dumps({"batch": [EVENT]})
    fits, over = body + b" " * (wire.MAX_BODY - len(body)), body + b" " * (wire.MAX_BODY - len(body) + 1)
    assert world.post("batch", fits).status_code == 200
    assert world.post("batch", gzip.compress(fits), **{"Content-Encoding": "gzip"}).status_code == 200
    for sent, headers in ((over, {}), (gzip.compress(over), {"Content-Encoding": "gzip"})):
        answer = world.post("batch", sent, **headers)
        assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")


def test_a_body_that_nobody_may_send_is_read_to_its_end_before_the_answer() -> None:
    sent = io.BytesIO(b" " * (wire.MAX_BODY_CEILING + 1))
    with pytest.raises(Rejected, match="larger than"):
        reception.body({"CONTENT_LENGTH": str(wire.MAX_BODY_CEILING + 1), "wsgi.input": sent})
    assert not sent.read(), "the sender is not cut off, and hears why"


def test_2500_events_are_taken_and_one_more_is_not(world: World) -> None:
    small = {"type": "track", "event": "E", "userId": "u"}
    assert world.send("batch", batch=[small] * 2500).status_code == 200
    answer = world.send("batch", batch=[small] * 2501)
    assert (answer.status_code, answer.json["code"]) == (400, "too_many_events")
    assert world.process().interactions == 2500


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b"   ", "empty_body"),
        (b"{", "invalid_json"),
        (b"{} {}", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"batch": [{"type": "track", "event": "E", "userId": "u", "properties": {"x": -1e999}}]}', "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b"[]", "invalid_body"),
        (b'"text"', "invalid_body"),
        (b"{}", "invalid_body"),
        (b'{"batch": {}}', "invalid_body"),
        (b'{"batch": []}', "empty_batch"),
        (b"[" * 100_000, "too_deep"),
        (b'{"batch":' + b"[" * 5000 + b"]" * 5000 + b"}", "too_deep"),
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_whole(world: World, body: bytes, code: str) -> None:
    answer = world.post("batch", body)
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert not world.rows("select from event_inbox")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("text", "invalid_event"),
        ({"event": "E", "userId": "u"}, "unknown_type"),
        ({"type": "video", "userId": "u"}, "unknown_type"),
        ({"type": "track", "event": "E"}, "no_user_anon_id"),
        ({"type": "track", "event": "E", "userId": ""}, "no_user_anon_id"),
        ({"type": "track", "event": "E", "userId": {}}, "invalid_id"),
        ({"type": "track", "event": "E", "userId": "u" * 501}, "id_too_long"),
        ({"type": "track", "userId": "u"}, "no_event_name"),
        ({"type": "track", "event": 7, "userId": "u"}, "no_event_name"),
        ({"type": "group", "userId": "u"}, "no_group_id"),
        ({"type": "alias", "userId": "u"}, "no_previous_id"),
        ({"type": "alias", "anonymousId": "a", "previousId": "p"}, "no_user_anon_id"),
        ({"type": "identify", "userId": "u", "traits": []}, "invalid_member"),
        ({"type": "track", "event": "E", "userId": "u", "messageId": "m" * 101}, "message_id_too_long"),
    ],
)
def test_one_bad_event_does_not_stop_the_others(world: World, event: Any, reason: str) -> None:
    assert world.send("batch", batch=[event, {**EVENT, "messageId": "good"}]).status_code == 200
    assert world.process().interactions == 1
    (held,) = world.rows("select reason, status, message from quarantine")
    assert (held.reason, held.status) == (reason, "open")


def test_an_event_nested_too_deeply_is_held_whole(world: World) -> None:
    deep: Any = "bottom"
    for _ in range(400):
        deep = [deep]
    body = b'{"batch":[{"type":"track","event":"E","userId":"u","messageId":"deep","properties":{"x":' + b"[" * 400 + b"]" * 400 + b"}}]}"
    assert world.post("batch", body).status_code == 200
    assert world.receipt("deep").reason == "too_deep"


def test_what_cannot_be_read_from_the_inbox_stops_no_other(world: World) -> None:
    assert world.send("track", **EVENT).status_code == 200
    with world.engine.begin() as connection:
        connection.execute(text("update event_inbox set events = :events"), {"events": b'[{"n":Infinity}]'})
    assert world.send("track", **EVENT).status_code == 200
    done = world.process()
    assert (done.interactions, done.held) == (1, 1)
    (held,) = world.rows("select reason, raw from quarantine")
    assert held.reason == "processing_failed"
    assert base64.b64decode(held.raw["_bytes"]) == b'[{"n":Infinity}]'


def test_gzip_may_come_in_several_members(world: World) -> None:
    whole = orjson.dumps({"batch": [EVENT]})
    parts = gzip.compress(whole[:9]) + gzip.compress(whole[9:])
    assert world.post("batch", parts, **{"Content-Encoding": "gzip"}).status_code == 200
    bomb = gzip.compress(b" " * wire.MAX_BODY) + gzip.compress(whole)
    assert world.post("batch", bomb, **{"Content-Encoding": "gzip"}).json["code"] == "payload_too_large"


def test_a_broken_gzip_is_told_so(world: World) -> None:
    whole = gzip.compress(orjson.dumps({"batch": [EVENT]}))
    for sent in (whole[:-12], b"no gzip", whole[:20]):
        answer = world.post("batch", sent, **{"Content-Encoding": "gzip"})
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_gzip")
    answer = world.post("batch", whole, **{"Content-Encoding": "br"})
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_encoding")


def test_what_postgres_cannot_hold_and_huge_numbers_come_through(world: World) -> None:
    body = b'{"event":"E\\u0000","userId":"u","messageId":"odd","properties":{"cut":"\\ud83d","huge":123456789012345678901234567890}}'
    assert world.post("track", body).status_code == 200
    assert world.process().interactions == 1
    (row,) = world.rows("select name, raw::text as raw from interaction")
    assert row.name == "E\ufffd"
    assert "123456789012345678901234567890" in row.raw


def test_other_methods_and_disabled_sources(world: World) -> None:
    answer = world.client.get("/v1/track")
    assert (answer.status_code, answer.json["code"], answer.headers["Allow"]) == (405, "method_not_allowed", "POST, OPTIONS")
    with world.engine.begin() as connection:
        connection.execute(text("update source set enabled = false"))
    answer = world.send("track", event="E", userId="u")
    assert (answer.status_code, answer.json["code"]) == (404, "source_disabled")


def test_a_revoked_key_is_refused(world: World) -> None:
    with world.engine.begin() as connection:
        keys.revoke(connection, world.key[:11])
    assert world.send("track", event="E", userId="u").json["code"] == "unknown_write_key"


def test_while_the_database_is_away_the_answer_may_be_repeated(world: World) -> None:
    assert world.send("track", event="E", userId="u").status_code == 200
    with world.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cdp collector'"))
    assert world.send("track", event="E", userId="u", messageId="after").status_code == 200, "a lost connection is opened again"
    away = Inbox(world.engine.url.set(database="nowhere"))
    world.client.application.extensions["cdp.events"].inbox = away
    answer = world.send("track", event="E", userId="u", messageId="again")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_one_request_does_not_fail_another(world: World) -> None:
    inbox = Inbox(world.engine.url)
    with pytest.raises(Exception, match="refuses to write"):
        inbox.accept(Delivery(10**6, [wire.Accepted("bad", b"{}")]))
    (source,) = world.rows("select id from source")
    assert inbox.accept(Delivery(source.id, [wire.Accepted("good", b'{"type":"track"}')])) == set()
    inbox.close()
