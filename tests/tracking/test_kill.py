"""A server killed under load loses no event that it answered with 200."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine, text

from cdp.ingest.events import keys
from cdp.ingest.events.process import process
from cdp.settings import Settings
from tests.bench.sending import free_port, request_bytes
from tests.waiting import eventually

LAUNCH = "tests.bench.bare:collector()"


def serve(settings: Settings, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """gunicorn in a process group of its own, answering."""
    command = [sys.executable, "-m", "gunicorn", LAUNCH, "-b", f"127.0.0.1:{port}", "-w", "2", "-k", "gthread", "--threads", "4"]
    environ = {**os.environ, "CDP_DATABASE_URL": settings.database_url, "CDP_HOME": str(folder)}
    process = subprocess.Popen([*command, "--log-level", "critical"], env=environ, start_new_session=True, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as probe:
                probe.sendall(b"GET /v1/m HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
                if probe.recv(100).startswith(b"HTTP/1.1 405"):
                    return process
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


def send_until_killed(port: int, key: str, name: str, answered: set[str]) -> None:
    """Send batches of ten one after the other; note the ids of those answered with 200."""
    number = 0
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=30) as caller:
        while True:
            ids = [f"{name}-{number}-{i}" for i in range(10)]
            events = [{"type": "track", "event": "E", "userId": name, "messageId": message} for message in ids]
            caller.sendall(request_bytes("/v1/batch", key, orjson.dumps({"batch": events})))
            got = b""
            while not got.rstrip().endswith(b"}"):
                part = caller.recv(65536)
                if not part:
                    return
                got += part
            if got.startswith(b"HTTP/1.1 200"):
                answered.update(ids)
            number += 1


@pytest.mark.long
def test_kill_9_under_load_loses_nothing_that_was_answered(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    with engine.begin() as connection:
        key = keys.create(connection, "web")
    answered: set[str] = set()
    for turn in range(2):
        port = free_port()
        server = serve(settings, port, tmp_path)
        senders = [threading.Thread(target=send_until_killed, args=(port, key, f"s{turn}{n}", answered)) for n in range(4)]
        for sender in senders:
            sender.start()
        eventually(lambda goal=50 * (turn + 1): len(answered) > goal)
        os.killpg(server.pid, signal.SIGKILL)
        for sender in senders:
            sender.join(60)
        server.wait(30)
    assert len(answered) > 100
    with engine.connect() as connection:
        receipts = set(connection.execute(text("select message_id from event_receipt")).scalars())
    assert answered <= receipts
    process(engine, settings)
    with engine.connect() as connection:
        stored = connection.execute(text("select source_key from interaction")).scalars().all()
    assert len(stored) == len(set(stored))
    assert answered <= set(stored)
