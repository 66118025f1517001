"""Calls are signed, retried and repeatable, and never reach into the own network."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from cdp.activation import DestinationConfig, Forbidden, Undelivered, register, send
from cdp.activation.calls import Caller, resolved
from cdp.activation.channels import Change, Rows
from cdp.activation.webhook import WebhookChannel, signature
from cdp.settings import Settings
from tests.activation.conftest import Definition, World, profile_id

ROWS = Rows(
    Change.ADDED, ["p1", "p2"], (("Email", pa.array(["a", None])), ("Email", pa.array(["b", None])), ("Zip", pa.array([None, "1"])))
)


@dataclass
class Receiver:
    """A real HTTP server that answers from a list and keeps what it was sent."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.calls.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            status, headers, body = kept.answers.pop(0) if kept.answers else (200, {}, "{}")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield kept
    server.shutdown()
    server.server_close()


def channel(receiver: Receiver, waits: list[float], **settings: Any) -> WebhookChannel:
    return WebhookChannel(receiver.url, "s3cret", "ads", 7, 100, Caller(["127.0.0.1"], sleep=waits.append, **settings))


def test_the_body_is_signed_and_names_its_rows(receiver: Receiver) -> None:
    assert channel(receiver, []).deliver(ROWS) == {}
    headers, body = receiver.calls[0]
    at, mac = (part.split("=")[1] for part in headers["X-CDP-Signature"].split(","))
    assert mac == hmac.new(b"s3cret", at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert json.loads(body)["rows"] == [{"profile_id": "p1", "Email": ["a", "b"]}, {"profile_id": "p2", "Zip": "1"}]


def test_a_busy_receiver_is_called_again_with_the_same_key(receiver: Receiver) -> None:
    waits: list[float] = []
    receiver.answers = [(503, {}, ""), (429, {"Retry-After": "7"}, ""), (200, {}, "")]
    channel(receiver, waits).deliver(ROWS)
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.calls}) == 1
    assert len(receiver.calls) == 3
    assert 0.5 <= waits[0] <= 1
    assert waits[1] == 7


def test_a_receiver_that_stays_busy_ends_the_delivery(receiver: Receiver) -> None:
    receiver.answers = [(500, {}, "secret body")] * 5
    with pytest.raises(Undelivered, match=r"5 attempts \(status 500\)") as raised:
        channel(receiver, []).deliver(ROWS)
    assert "secret body" not in str(raised.value)


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_a_refusal_is_not_repeated_and_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {"Location": "http://127.0.0.1:1/"}, "")]
    with pytest.raises(Undelivered, match=str(status)):
        channel(receiver, []).deliver(ROWS)
    assert len(receiver.calls) == 1


def test_refused_rows_are_told(receiver: Receiver) -> None:
    receiver.answers = [(200, {}, json.dumps({"refused": [{"profile_id": "p2", "reason": "unknown zip"}]}))]
    assert channel(receiver, []).deliver(ROWS) == {1: "unknown zip"}


def test_calls_are_paced(receiver: Receiver) -> None:
    waits: list[float] = []
    calls = channel(receiver, waits, per_minute=60)
    calls.deliver(ROWS)
    calls.deliver(ROWS)
    assert len(waits) == 1
    assert 0.5 < waits[0] <= 1


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[fd00::1]/x",
        "https://[64:ff9b::a00:1]/x",
        "https://2130706433/x",
        "https://0/x",
        "https://[::127.0.0.1]/x",
        "https://[fec0::1]/x",
        "https://224.0.0.1/x",
        "http://8.8.8.8/x",
        "https://user:word@8.8.8.8/x",
    ],
)
def test_addresses_inside_are_refused(url: str) -> None:
    with pytest.raises(Forbidden):
        resolved(url)


@pytest.mark.parametrize("url", ["https://ⓛocalhost/x", "https://[::1", "https://"])
def test_what_is_no_url_is_a_matter_of_the_definition(url: str) -> None:
    with pytest.raises(DestinationConfig, match="correct it"):
        resolved(url)


def test_a_public_address_is_dialled_as_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([[(2, 1, 6, "", ("93.184.216.34", 443))]])
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: next(answers))
    url, host = resolved("https://hooks.example.org/x?y=1")
    assert (str(url), host) == ("https://93.184.216.34/x?y=1", "hooks.example.org")


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.8", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Forbidden, match="private network"):
        resolved("https://hooks.example.org/x")


def test_another_secret_gives_another_signature() -> None:
    assert signature("a", b"x", 1) != signature("b", b"x", 1) != signature("b", b"x", 2)


def test_a_segment_arrives(
    engine: Engine, settings: Settings, world: World, definition: Definition, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "s3cret")
    world.person(1, email="a@example.org")
    to = {"webhook": {"url": receiver.url, "secret": "env:HOOK", "batch": 10}}
    with engine.begin() as connection:
        register(connection, definition(to, format="fields", options={"fields": ["email_1"]}))
    with pytest.raises(Forbidden):
        send(engine, settings, "ads")
    assert receiver.calls == []
    assert send(engine, replace(settings, webhook_private_hosts="127.0.0.1"), "ads").added == 1
    assert json.loads(receiver.calls[0][1])["rows"] == [{"profile_id": str(profile_id(1)), "email_1": "a@example.org"}]


def test_a_call_whose_answer_was_lost_is_repeated_under_the_same_key(
    engine: Engine, settings: Settings, world: World, definition: Definition, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver took it and said 500: the next delivery must not count twice there."""
    monkeypatch.setenv("HOOK", "s3cret")
    monkeypatch.setattr("cdp.activation.ways.Caller", lambda hosts, per_minute: Caller(hosts, None, sleep=lambda seconds: None))
    for number in (1, 2):
        world.person(number, email=f"p{number}@example.org")
    to = {"webhook": {"url": receiver.url, "secret": "env:HOOK", "batch": 1}}
    with engine.begin() as connection:
        register(connection, definition(to, format="fields", options={"fields": ["email_1"]}), "test")
    receiver.answers = [(200, {}, "{}")] + [(500, {}, "")] * 5
    allowed = replace(settings, webhook_private_hosts="127.0.0.1")
    with pytest.raises(Undelivered):
        send(engine, allowed, "ads")
    assert send(engine, allowed, "ads").added == 1
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.calls]
    assert len(keys) == 7
    assert len(set(keys)) == 2
    assert len(set(keys[1:])) == 1
