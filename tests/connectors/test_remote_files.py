"""Files in a bucket and on an SSH server go the whole way by the commands: they are added, change, become more, and cannot be reached."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import asyncssh
import pytest
import s3fs
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from cdp.cli import program
from cdp.settings import Settings
from tests.bench.collect import free_port

MAPPING = {"version": 1, "streams": {"people": {"customer": {"source_key": "id", "full_name": "name", "emails": "email"}}}}
FIRST = b"id,name,email\n1,Ann Lee,ann@example.org\n2,Bob Ray,bob@example.org\n"
SECOND = b"id,name,email\n3,Cem Kaya,cem@example.org\n"


@dataclass(frozen=True)
class Place:
    """Where files are put, and how a source reaches them; with `wrong` it does not, and is `told` so."""

    url: str
    options: dict[str, Any]
    wrong: dict[str, Any]
    told: str
    put: Callable[[str, bytes], None]


@contextmanager
def bucket() -> Iterator[Place]:
    """An S3 server of its own process."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    endpoint = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with suppress(OSError), urlopen(f"{endpoint}/moto-api/", timeout=5):
                break
            time.sleep(0.2)
        options = {"key": "k", "secret": "env:S3_SECRET", "client_kwargs": {"endpoint_url": endpoint, "region_name": "eu-west-1"}}
        fs = s3fs.S3FileSystem(**options | {"secret": "s"}, skip_instance_cache=True)
        fs.mkdir("drop", region_name="eu-west-1")

        def put(name: str, content: bytes) -> None:
            fs.pipe_file(f"drop/in/{name}", content)

        yield Place(
            "s3://drop/in/people*.csv", options, options | {"client_kwargs": {"endpoint_url": "http://127.0.0.1:9"}}, "does not answer", put
        )
    finally:
        server.kill()
        server.wait()


class _OnlyMe(asyncssh.SSHServer):
    """Lets `cdp` in, with one password."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("cdp", "open-sesame")


@contextmanager
def ssh(folder: Path) -> Iterator[Place]:
    """An SSH server that serves `folder` by SFTP."""
    port, ready, loop = free_port(), threading.Event(), asyncio.new_event_loop()

    async def listen() -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        serves = partial(asyncssh.SFTPServer, chroot=str(folder).encode())
        await asyncssh.create_server(_OnlyMe, "127.0.0.1", port, server_host_keys=[key], sftp_factory=serves)
        ready.set()

    thread = threading.Thread(target=lambda: (loop.run_until_complete(listen()), loop.run_forever()), daemon=True)
    thread.start()
    assert ready.wait(30)
    (folder / "in").mkdir()

    def put(name: str, content: bytes) -> None:
        (folder / "in" / name).write_bytes(content)

    options = {"username": "cdp", "password": "env:SFTP_PASSWORD", "port": port, "look_for_keys": False, "allow_agent": False}
    try:
        yield Place("sftp://127.0.0.1/in/people*.csv", options, options | {"password": "wrong"}, "access is denied", put)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@pytest.fixture(params=["s3", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("S3_SECRET", "s")
    monkeypatch.setenv("SFTP_PASSWORD", "open-sesame")
    (tmp_path / "served").mkdir()
    with bucket() if request.param == "s3" else ssh(tmp_path / "served") as found:
        yield found


@pytest.fixture
def cdp(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr("cdp.cli.sources.database", lambda: engine)
    monkeypatch.setattr("cdp.cli.sources.settings", lambda: settings)
    return lambda *arguments: CliRunner().invoke(program, arguments)


def test_files_far_away(place: Place, cdp: Callable[..., Result], engine: Engine, tmp_path: Path) -> None:
    definition = tmp_path / "drop.yaml"

    def add(options: dict[str, Any]) -> Result:
        config = {"streams": {"people": place.url}, "options": options}
        document = {"name": "drop", "department": "d", "connector": "files", "config": config, "mapping": MAPPING}
        definition.write_text(yaml.safe_dump(document))
        return cdp("sources", "add", str(definition))

    def stored() -> list[tuple[str, str]]:
        with engine.connect() as connection:
            query = "select source_key, raw ->> 'name' from record where deleted_at is null order by 1"
            return [tuple(row) for row in connection.execute(text(query))]

    place.put("people-1.csv", FIRST)
    added = add(place.options)
    assert added.exit_code == 0, added.output
    synced = cdp("sync", "drop")
    assert synced.exit_code == 0, synced.output
    assert stored() == [("1", "Ann Lee"), ("2", "Bob Ray")]

    place.put("people-1.csv", FIRST.replace(b"Bob Ray", b"Robert Ray"))
    place.put("people-2.csv", SECOND)
    assert cdp("sync", "drop").exit_code == 0
    assert stored() == [("1", "Ann Lee"), ("2", "Robert Ray"), ("3", "Cem Kaya")]

    add(place.wrong)
    refused = cdp("sync", "drop")
    assert isinstance(refused.exception, SystemExit)
    assert place.told in refused.output.replace("\n", " ")
    assert "open-sesame" not in refused.output
    assert len(stored()) == 3, "what was landed stays"
