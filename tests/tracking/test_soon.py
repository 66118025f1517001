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
from cdp.profiles import refresh
from tests.tracking.conftest import World, following
from tests.waiting import eventually

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
    with following(world, partial(follow_up, world.engine, world.settings)):
        yield world
    assert eventually(lambda: "firings" not in {thread.name for thread in threading.enumerate()}), "the last calls are made"


def entered(world: World) -> set[str]:
    rows = world.rows("select s.name, c.change from segment_change c join segment s on s.id = c.segment_id order by c.id")
    return {row.name for row in rows if row.change == "entered"}


def buy(world: World, number: int, total: str, who: str = "ann") -> None:
    order = {"total": total, "currency": "EUR", "order_id": f"o{number}"}
    assert world.send("track", userId=who, event="Order Completed", messageId=f"m{number}", properties=order).status_code == 200


def test_an_order_moves_its_buyer_and_what_follows_follows(shop: World) -> None:
    buy(shop, 1, "40")
    assert eventually(lambda: entered(shop) >= {"buyers", "first_timers"})
    assert "later" not in entered(shop), "a segment that does not allow it waits for the refresh of everybody"
    buy(shop, 2, "70")
    assert eventually(lambda: "golden" in entered(shop)), "the mark of a monitor, the attribute and the segment over it follow"
    left = "select from segment_change c join segment s on s.id = c.segment_id where change = 'left' and name = 'first_timers'"
    assert eventually(lambda: shop.rows(left))
    assert eventually(lambda: shop.rows("select from task"))
    (task,) = shop.rows("select title, monitor from task")
    assert (task.title, task.monitor) == ("Say thank you", "thank")
    segments.refresh_all(shop.engine)
    assert "later" in entered(shop)


def test_it_takes_five_seconds_at_most(shop: World) -> None:
    """The best of three: a busy machine is late now and then, a follower that looks too seldom always."""
    taken: list[float] = []
    while len(taken) < 3 and min(taken, default=SECONDS) >= SECONDS:
        begin, number = time.monotonic(), len(taken) + 1
        buy(shop, number, "40", who=f"buyer {number}")
        members = "select from segment_member m join segment s on s.id = m.segment_id where name = 'buyers'"
        assert eventually(lambda members=members, number=number: len(shop.rows(members)) == number)
        taken.append(time.monotonic() - begin)
    assert min(taken) < SECONDS


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
