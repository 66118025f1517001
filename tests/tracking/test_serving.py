"""`cdp serve` as it is started by hand: events are answered and processed, by processes that live and die together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import psutil
import pytest
from sqlalchemy import Engine

from cdp.ingest.events import keys
from cdp.settings import Settings
from tests.bench.sending import free_port
from tests.tracking.conftest import World, basic
from tests.waiting import eventually


def started(settings: Settings, folder: Path, port: int) -> subprocess.Popen[bytes]:
    """`cdp serve` with one worker."""
    environ = {**os.environ, "CDP_DATABASE_URL": settings.database_url, "CDP_HOME": str(folder)}
    command = [sys.executable, "-c", "from cdp.cli import main; main()", "serve", "--port", str(port), "--workers", "1"]
    return subprocess.Popen(command, cwd=folder, env=environ, stderr=subprocess.DEVNULL)


def answers(port: int, key: str, message: str) -> bool:
    event = {"userId": "u", "event": "E", "messageId": message}
    try:
        return (
            httpx.post(f"http://127.0.0.1:{port}/v1/track", content=orjson.dumps(event), headers=basic(key), timeout=30).status_code == 200
        )
    except httpx.TransportError:
        return False


def follower(server: psutil.Process) -> psutil.Process | None:
    """The process beside the workers."""
    return next((child for child in server.children() if "--follow" in child.cmdline()), None)


@pytest.mark.long
def test_what_is_served_is_processed(engine: Engine, settings: Settings, world: World, tmp_path: Path) -> None:
    with engine.begin() as connection:
        key = keys.create(connection, "web")
    port = free_port()
    server = started(settings, tmp_path, port)
    try:
        assert eventually(lambda: answers(port, key, "first"))
        assert eventually(lambda: world.rows("select from interaction where source_key = 'first'"))
        beside = eventually(lambda: follower(psutil.Process(server.pid)))
        beside.kill()
        assert answers(port, key, "second")
        assert eventually(lambda: world.rows("select from interaction where source_key = 'second'")), "it is begun again"
        beside = eventually(lambda: follower(psutil.Process(server.pid)))
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait(60)
    assert eventually(lambda: not beside.is_running() or beside.status() == psutil.STATUS_ZOMBIE), "it ends with the server"


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_an_address_that_is_taken_is_told_before_any_work(command: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = [sys.executable, "-c", "from cdp.cli import main; main()", command, "--port", port]
        environ = {**os.environ, "CDP_HOME": str(tmp_path / "home")}
        done = subprocess.run(run, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"the page cannot be served at 127.0.0.1:{port}: Address already in use" in done.stderr.replace("\n", " ")
    assert "--port" in done.stderr
    assert not (tmp_path / "home" / "postgres").exists()
