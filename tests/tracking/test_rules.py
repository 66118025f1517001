"""The twelve rules that follow from what published clients do (the twelfth is `test_clients.py` and `test_kill.py`)."""

from __future__ import annotations

import gzip
import time
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from cdp.ingest.events import keys, wire
from cdp.ingest.events.inbox import Delivery, Inbox, _Waiting
from tests.tracking.conftest import World, basic

TRACK = {"event": "Clicked", "userId": "u-1"}


@pytest.mark.parametrize("call", ["identify", "track", "page", "screen", "group", "alias", "i", "t", "p", "s", "g", "a"])
def test_1_success_is_exactly_200_with_success_true(world: World, call: str) -> None:
    answer = world.send(call, userId="u", event="e", groupId="g", previousId="p")
    assert (answer.status_code, answer.json) == (200, {"success": True})


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"{}", 400), (b'{"userId": [], "event": "e"}', 400), (b'{"event": "e"}', 400)],
)
def test_2_every_error_has_code_and_message(world: World, body: bytes, status: int) -> None:
    answer = world.post("track", body)
    assert answer.status_code == status
    assert answer.json is not None
    assert set(answer.json) == {"code", "message"}


@pytest.mark.parametrize("path", ["/cdp/v1/batch", "/cdp/v1/t/", "/v1/v1/batch"])
def test_2_a_host_with_a_path_is_told_so(world: World, path: str) -> None:
    answer = world.client.post(path, data=b"{}", headers=basic(world.key))
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert "root" in answer.json["message"]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/b", "/v1/b/", "/v1/import", "/beacon/v1/batch"])
def test_3_no_path_redirects(world: World, path: str) -> None:
    answer = world.client.post(path, data=orjson.dumps({"batch": [{"type": "track", **TRACK}]}), headers=basic(world.key))
    assert answer.status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_4_the_body_is_read_whatever_the_content_type_says(world: World, content_type: str) -> None:
    answer = world.post("track", orjson.dumps({**TRACK, "messageId": "m-1"}), **{"Content-Type": content_type})
    assert answer.status_code == 200
    assert world.receipt("m-1") is not None


def test_5_gzip_is_inflated_up_to_a_cap(world: World) -> None:
    good = world.post("batch", gzip.compress(orjson.dumps({"batch": [{"type": "track", **TRACK}]})), **{"Content-Encoding": "gzip"})
    bomb = world.post("batch", gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"})
    assert good.status_code == 200
    assert (bomb.status_code, bomb.json["code"]) == (413, "payload_too_large")


def test_5_a_source_may_allow_larger_batches(world: World) -> None:
    event = {"type": "track", **TRACK, "properties": {"text": "x" * 30_000}}
    body = orjson.dumps({"batch": [event] * 40})
    assert world.post("batch", body).status_code == 413
    world.configure({"max_batch_bytes": 4_000_000})
    fresh = keys.KeyRing(world.engine)
    assert fresh.source_of(world.key).max_body == 4_000_000


def test_6_paths_are_at_the_root(world: World) -> None:
    assert world.client.post("/prefix/v1/batch", headers=basic(world.key)).status_code == 404


def test_7_what_clients_leave_open_is_filled(world: World) -> None:
    batch = {
        "batch": [
            {"type": "identify", "messageId": "a", "userId": 7, "anonymousId": None, "context": {"traits": {"email": "ann@example.org"}}},
            {"type": "track", "messageId": "b", "userId": "7", "event": "E", "originalTimestamp": "2026-01-01T10:00:00Z", "sentAt": None},
        ],
        "context": {"locale": "de-DE"},
        "sentAt": "2026-01-01T10:00:00Z",
    }
    assert world.send("batch", **batch).status_code == 200
    world.process()
    (record,) = world.rows("select source_key, canonical from record")
    assert record.source_key == "user:7"
    assert record.canonical["emails"] == ["ann@example.org"]
    (event,) = world.rows("select raw, at, landed_at from interaction where source_key = 'b'")
    assert event.raw["context"] == {"locale": "de-DE"}
    assert abs((event.landed_at - event.at).total_seconds()) < 60, "sent when it happened, so it happened when it was received"


def test_8_browsers_may_send(world: World) -> None:
    preflight = world.client.options("/v1/t", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    allowed = preflight.headers["Access-Control-Allow-Headers"]
    assert all(name in allowed for name in ("authorization", "content-type", "x-retry-count"))
    assert world.client.post("/v1/m", data=b"{}").status_code == 200
    settings = world.client.get(f"/v1/projects/{world.key}/settings")
    assert settings.json["integrations"]["Segment.io"]["apiKey"] == world.key
    assert settings.json["metrics"]["sampleRate"] == 0, "a visitor's browser speaks to nobody else"


def test_9_too_fast_is_told_when_to_come_again(world: World) -> None:
    world.configure({"max_requests_per_second": 1})
    answers = [world.send("track", **TRACK) for _ in range(3)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert all(int(answer.headers["Retry-After"]) >= 1 and answer.json["code"] == "rate_limited" for answer in late)


def test_10_the_key_may_be_in_the_header_or_in_the_body(world: World) -> None:
    import base64

    body = {**TRACK}
    bare = {"Authorization": "Basic " + base64.b64encode(world.key.encode()).decode()}
    assert world.client.post("/v1/track", data=orjson.dumps(body), headers=bare).status_code == 200
    assert world.client.post("/v1/track", data=orjson.dumps({**body, "writeKey": world.key})).status_code == 200
    assert world.client.post(f"/v1/track?writeKey={world.key}", data=orjson.dumps(body)).status_code == 200
    for headers, sent in ((basic("nobody"), {**body, "writeKey": world.key}), ({}, {**body, "writeKey": "no"}), ({}, body)):
        answer = world.client.post("/v1/track", data=orjson.dumps(sent), headers=headers)
        assert answer.status_code == 401
        assert answer.json["code"] in ("unknown_write_key", "missing_write_key")


def test_10_the_key_is_not_kept_with_the_event(world: World) -> None:
    world.client.post("/v1/track", data=orjson.dumps({**TRACK, "writeKey": world.key}))
    world.process()
    (row,) = world.rows("select raw::text as raw from interaction")
    assert world.key not in row.raw


def test_11_a_message_is_taken_once(world: World) -> None:
    for _ in range(3):
        assert world.send("track", **TRACK, messageId="once").status_code == 200
    world.send("batch", batch=[{"type": "track", **TRACK, "messageId": "twice"}] * 2)
    assert world.process().interactions == 2
    assert world.send("track", **TRACK, messageId="once").status_code == 200
    assert world.process().events == 0
    assert world.receipt("once").duplicates == 3
    assert world.receipt("twice").duplicates == 1


def test_11_deduplication_is_global(world: World) -> None:
    with world.engine.begin() as connection:
        other = keys.create(connection, "app")
    world.send("track", **TRACK, messageId="m")
    world.client.post("/v1/track", data=orjson.dumps({**TRACK, "messageId": "m"}), headers=basic(other))
    assert world.process().interactions == 1


def test_of_a_batch_only_what_is_new_is_stored_as_it_came(world: World) -> None:
    world.send("track", event="E", userId="u", messageId="b")
    names = {"a": "Größe ≤ 10", "b": "seen", "c": "\U0001f600", "d": 'quoted "\\" text'}
    events = [{"type": "track", "event": name, "userId": "u", "messageId": key} for key, name in names.items()]
    assert world.send("batch", batch=events).status_code == 200
    (row,) = world.rows("select count, convert_from(events, 'utf8')::json as events from event_inbox order by id desc limit 1")
    assert row.count == 3
    assert [(event["messageId"], event["event"]) for event in row.events] == [(key, names[key]) for key in "acd"]
    assert world.send("batch", batch=events).status_code == 200, "all of it is known"
    assert len(world.rows("select from event_inbox")) == 2
    assert (world.receipt("a").duplicates, world.receipt("b").duplicates) == (1, 2)


def test_sources_that_share_a_commit_and_a_message_store_it_once(world: World) -> None:
    with world.engine.begin() as connection:
        keys.create(connection, "shop", department="shop")
    first, second = (row.id for row in world.rows("select id from source order by id"))
    inbox = Inbox(world.engine.url)
    event, other = (wire.Accepted(key, b'{"type":"track"}') for key in ("shared", "other"))
    group = [_Waiting(Delivery(first, [event])), _Waiting(Delivery(second, [event, other, event])), _Waiting(Delivery(first, [other]))]
    inbox._commit(group)
    inbox.close()
    assert [(row.source_id, row.count) for row in world.rows("select source_id, count from event_inbox order by id")] == [
        (first, 1),
        (second, 1),
    ]
    assert [waiting.duplicates for waiting in group] == [set(), {"shared"}, {"other"}]
    assert (world.receipt("shared").duplicates, world.receipt("other").duplicates) == (2, 1)


def test_who_waits_during_a_commit_shares_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox(world.engine.url)
    source = world.rows("select id from source")[0].id
    sizes: list[int] = []
    write = inbox._write

    def slowly(group: list[_Waiting]) -> None:
        sizes.append(len(group))
        time.sleep(0.02)
        write(group)

    monkeypatch.setattr(inbox, "_write", slowly)
    names = [str(number) for number in range(80)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: inbox.accept(Delivery(source, [wire.Accepted(name, b"{}")])), names))
    inbox.close()
    assert sum(sizes) == len(names)
    assert len(sizes) <= 25, "who has been answered waits behind those who are not"
    assert {row.message_id for row in world.rows("select message_id from event_receipt")} == set(names)


def test_a_failure_nobody_thought_of_is_answered_and_hands_the_turn_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox(world.engine.url)
    delivery = Delivery(world.rows("select id from source")[0].id, [wire.Accepted("m", b"{}")])
    with monkeypatch.context() as broken:
        broken.setattr(inbox, "_write", lambda group: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            inbox.accept(delivery)
    assert inbox.accept(delivery) == set()
    inbox.close()
