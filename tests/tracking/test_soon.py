"""What is sent moves its sender in and out of segments and fires monitors within five seconds, with nobody asking for it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cdp import attributes, segments
from cdp.activation.firings import follow_up, send_firings
from cdp.ingest.events.follow import follow
from cdp.profiles import refresh
from tests.tracking.conftest import World
from tests.tracking.test_follow import eventually

SECONDS = 5
CALLS: list[tuple[dict[str, str], bytes]] = []


@pytest.fixture
def receiver() -> Iterator[str]:
    """The address of a server that keeps what it is sent, and is busy the first time."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            CALLS.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(503 if len(CALLS) == 1 else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    CALLS.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/fired"
    server.shutdown()


@pytest.fixture
def shop(world: World, receiver: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Ann is known; segments are decided; somebody follows the inbox."""
    monkeypatch.setenv("TIER_SECRET", "s3cret")
    world.settings = replace(world.settings, webhook_private_hosts="127.0.0.1")
    world.send("identify", userId="ann", messageId="who", traits={"email": "ann@example.org", "name": "Ann Lee"})
    world.process()
    refresh(world.engine, world.settings)
    with world.engine.begin() as c:
        attributes.declare(c, [attributes.load({"name": "tier", "kind": "mark", "type": "text"})], "test")
        segments.save(c, "buyers", "did orders", "test")
        segments.save(c, "first_timers", "orders.count = 1", "test")
        segments.save(c, "golden", "segment(buyers) and tier = gold", "test")
        segments.save(c, "later", "did orders", "test", soon=False)
        monitor = {"condition": "orders.sum(amount) >= 100", "action": {"mark": {"tier": "gold"}}}
        segments.save_monitor(c, "gold", monitor, "test")
        segments.save_monitor(c, "thank", {"condition": "orders.count >= 2", "action": {"task": "Say thank you"}}, "test")
        call = {"webhook": {"url": receiver, "secret": "env:TIER_SECRET"}}
        segments.save_monitor(c, "tell", {"condition": "did orders", "fires": "each", "action": call}, "test")
    segments.refresh_all(world.engine)
    stop = threading.Event()
    after = partial(follow_up, world.engine, world.settings)
    follower = threading.Thread(target=follow, args=(world.engine, world.settings, stop, after))
    follower.start()
    yield world
    stop.set()
    follower.join(30)


def entered(world: World) -> set[str]:
    rows = world.rows("select s.name, c.change from segment_change c join segment s on s.id = c.segment_id order by c.id")
    return {row.name for row in rows if row.change == "entered"}


def buy(world: World, number: int, total: str) -> float:
    order = {"total": total, "currency": "EUR", "order_id": f"o{number}"}
    assert world.send("track", userId="ann", event="Order Completed", messageId=f"m{number}", properties=order).status_code == 200
    return time.monotonic()


def test_an_order_moves_its_buyer_within_five_seconds(shop: World) -> None:
    begin = buy(shop, 1, "40")
    assert eventually(lambda: entered(shop) >= {"buyers", "first_timers"})
    assert time.monotonic() - begin < SECONDS
    assert "later" not in entered(shop), "a segment that does not allow it waits for the refresh of everybody"
    begin = buy(shop, 2, "70")
    assert eventually(lambda: "golden" in entered(shop)), "the mark of a monitor, the attribute and the segment over it follow"
    left = shop.rows("select from segment_change c join segment s on s.id = c.segment_id where change = 'left' and name = 'first_timers'")
    assert left
    assert time.monotonic() - begin < 2 * SECONDS, "the second waits for the rest after the first"
    (task,) = shop.rows("select title, monitor from task")
    assert (task.title, task.monitor) == ("Say thank you", "thank")
    segments.refresh_all(shop.engine)
    assert "later" in entered(shop)


def test_a_call_that_is_not_taken_is_repeated_with_the_same_key(shop: World) -> None:
    buy(shop, 1, "40")
    assert eventually(lambda: shop.rows("select from monitor_firing where attempts = 1"))
    (row,) = shop.rows("select outcome, handled_at, due_at from monitor_firing")
    assert row.handled_at is None
    assert "busy or fails" in row.outcome
    with shop.engine.begin() as c:
        c.exec_driver_sql("update monitor_firing set due_at = now()")
    report = send_firings(shop.engine, shop.settings)
    assert (report.called, report.waiting) == (1, 0)
    (first, _), (headers, body) = CALLS
    assert first["Idempotency-Key"] == headers["Idempotency-Key"]
    at, _, digest = headers["X-CDP-Signature"].removeprefix("t=").partition(",v1=")
    assert digest == hmac.new(b"s3cret", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert json.loads(body)["why"]["holds"] is True
    assert shop.rows("select handled_at, outcome from monitor_firing")[0].outcome == "127.0.0.1 answered 200"
    assert send_firings(shop.engine, shop.settings).called == 0
