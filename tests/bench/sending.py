"""Events as clients send them, many connections that send them, and servers to send them to.

The requests are made while they are sent, by one process, so what a server takes is bounded by what this one makes: it is the same for all.
"""

from __future__ import annotations

import base64
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

APPS = {"bare": "tests.bench.bare:make()", "collector": "tests.bench.bare:whole()", "served": "api.wsgi:app"}
"""`served` processes what it takes, by the configuration of `cdp serve`."""
HOST = "127.0.0.1"
WORKERS, THREADS = 2, 8
CONNECTIONS = 16
EVENT = (
    b'{"type":"track","event":"Order Completed","userId":"u-%06d","anonymousId":"%s","messageId":"%s",'
    b'"timestamp":"2026-11-22T10:00:00.000Z","integrations":{},"context":{"library":{"name":"analytics-python","version":"2.4.0"},'
    b'"page":{"url":"https://shop.example/cart","path":"/cart","title":"Cart"},"locale":"en-GB",'
    b'"userAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},'
    b'"properties":{"order_id":"o-1","total":12.5,"currency":"EUR","products":[{"sku":"a-1","name":"Lamp","price":12.5,"quantity":1}]}}'
)
IDENTIFY = (
    b'{"type":"identify","userId":"u-%06d","anonymousId":"%s","messageId":"%s","timestamp":"2026-11-22T10:00:00.000Z",'
    b'"traits":{"email":"person.%06d@example.org","firstName":"Ann","plan":"pro"},"context":{"locale":"en-GB"}}'
)


@dataclass(frozen=True)
class Figures:
    """What a load saw: answers by status, events a second, and the spread of the answering times in milliseconds."""

    requests: int
    failed: int
    seconds: float
    events: int
    p50: float
    p99: float
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def each(self) -> float:
        """CPU seconds an event."""
        return self.cpu / self.events

    def __str__(self) -> str:
        times = f"p50 {self.p50:6.1f} ms   p99 {self.p99:6.1f} ms"
        work = f"   {self.each * 1e6:6.0f} us CPU" if self.cpu else ""
        return f"{self.rate:>9,.0f} events/s   {times}{work}   {self.failed} failed"


def one_event(number: int) -> bytes:
    """An event nobody has sent before, of one of a thousand visitors."""
    person = number % 1000
    return EVENT % (person, b"00000000-0000-4000-8000-%012d" % person, os.urandom(16).hex().encode())


def single(number: int) -> bytes:
    """Body of `/v1/track`."""
    return one_event(number)


def batch(number: int) -> bytes:
    """Body of `/v1/batch`, 100 events."""
    events = b",".join(one_event(number * 100 + i) for i in range(100))
    return b'{"batch":[' + events + b'],"sentAt":"2026-11-22T10:00:01.000Z"}'


def lively(number: int) -> bytes:
    """An event of a site where people arrive and sign in: new visitors, and visitors who say who they are."""
    if number % 20 == 0:
        return IDENTIFY % (number % 5000, b"00000000-0000-4000-8000-%012d" % (number % 5000), os.urandom(16).hex().encode(), number % 5000)
    if number % 10 == 1:
        return one_event(number).replace(b'"userId":"u-%06d",' % (number % 1000), b"").replace(b'"00000000-', b'"%08x-' % number)
    return one_event(number)


def request_bytes(path: str, key: str, body: bytes) -> bytes:
    """The request as it goes over the wire."""
    login = base64.b64encode(f"{key}:".encode()).decode()
    lines = (f"POST {path} HTTP/1.1", "Host: bench", f"Authorization: Basic {login}", "Content-Type: application/json")
    return "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode() + body


class _Caller:
    """One kept-alive connection with one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self.got = b""

    def receive(self) -> bytes:
        """The answer, once all of it is here (every answer here is a JSON object)."""
        part = self.socket.recv(65536)
        if not part:
            raise SystemExit("the server closed a connection")
        self.got += part
        if not self.got.rstrip().endswith(b"}"):
            return b""
        answer, self.got = self.got, b""
        return answer

    def send(self, data: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(data)


def load(port: int, make: Callable[[int], bytes], events_each: int, seconds: float, rate: float = 0) -> Figures:
    """Send prepared requests over `CONNECTIONS` connections; `rate` requests a second, or as many as are answered."""
    prepared: Iterator[bytes] = iter([make(n) for n in range(int(rate * seconds) + CONNECTIONS)] if rate else _forever(make))
    poll = selectors.DefaultSelector()
    callers = [_Caller(port) for _ in range(CONNECTIONS)]
    for caller in callers:
        poll.register(caller.socket, selectors.EVENT_READ, caller)
    begin = time.perf_counter()
    times: list[float] = []
    failed = sent = 0
    first_failure = ""
    idle = list(callers)
    while time.perf_counter() - begin < seconds:
        allowed = (time.perf_counter() - begin) * rate if rate else float("inf")
        while idle and sent < allowed:
            idle.pop().send(next(prepared))
            sent += 1
        for key, _ in poll.select(0.002):
            answer = key.data.receive()
            if not answer:
                continue
            times.append(time.perf_counter() - key.data.sent_at)
            if not answer.startswith(b"HTTP/1.1 200"):
                failed += 1
                first_failure = first_failure or answer.decode(errors="replace")
            idle.append(key.data)
    took = time.perf_counter() - begin
    if first_failure:
        print(first_failure[-400:], file=sys.stderr)
    for caller in callers:
        caller.socket.close()
    times.sort()
    done = len(times)
    return Figures(done, failed, took, (done - failed) * events_each, times[done // 2] * 1e3, times[int(done * 0.99)] * 1e3)


def _forever(make: Callable[[int], bytes]) -> Iterator[bytes]:
    number = 0
    while True:
        yield make(number)
        number += 1


@contextmanager
def gunicorn(app: str, port: int, environ: dict[str, str]) -> Iterator[int]:
    """A server for `app`, ready when the block begins."""
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        app,
        "-b",
        f"{HOST}:{port}",
        "-w",
        str(WORKERS),
        "-k",
        "gthread",
        "--threads",
        str(THREADS),
    ]
    if app == APPS["served"]:
        command += ["--config", "python:api.serving"]
    command += ["--keep-alive", "30", "--log-level", "error", "--backlog", "512"]
    process = subprocess.Popen(command, env={**os.environ, **environ})
    try:
        _listening(port)
        for _ in range(WORKERS * 4):  # the socket is open before the workers are: ask until each is likely to have answered
            with socket.create_connection((HOST, port), timeout=60) as probe:
                probe.sendall(b"GET /v1/m HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                probe.recv(100)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _listening(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection((HOST, port)):
            return
        time.sleep(0.05)
    raise SystemExit("gunicorn does not start")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
