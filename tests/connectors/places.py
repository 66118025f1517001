"""Places where files lie: servers of S3, SFTP, Google Cloud Storage and Azure Blob Storage on this machine."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import asyncssh
import s3fs

from tests.bench.sending import free_port
from tests.foreign import node_with


@dataclass(frozen=True)
class Place:
    """Where files are put, and how a source reaches them; with `wrong` it does not, and is `told` so."""

    url: str
    options: dict[str, Any]
    wrong: dict[str, Any]
    told: str
    put: Callable[[str, bytes], None]
    secrets: Mapping[str, str]
    """Environment variables that `options` name."""


@contextmanager
def s3(_: Path) -> Iterator[Place]:
    """An S3 server of its own process."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        _answering(f"{endpoint}/moto-api/")
        options = {"key": "k", "secret": "env:S3_SECRET", "client_kwargs": {"endpoint_url": endpoint, "region_name": "eu-west-1"}}
        fs = s3fs.S3FileSystem(**options | {"secret": "s3-sesame"}, skip_instance_cache=True)
        fs.mkdir("drop", region_name="eu-west-1")

        def put(name: str, content: bytes) -> None:
            fs.pipe_file(f"drop/in/{name}", content)

        yield Place(
            "s3://drop/in/people*.csv",
            options,
            options | {"client_kwargs": {"endpoint_url": "http://127.0.0.1:9"}, "config_kwargs": {"retries": {"max_attempts": 0}}},
            "does not answer",
            put,
            {"S3_SECRET": "s3-sesame"},
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
def ssh_server(folder: Path) -> Iterator[tuple[dict[str, Any], asyncssh.SSHKey]]:
    """An SSH server that serves `folder` by SFTP: the options that reach it, with `open-sesame` in SFTP_PASSWORD, and its key."""
    port, ready, loop = free_port(), threading.Event(), asyncio.new_event_loop()
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def listen() -> None:
        serves = partial(asyncssh.SFTPServer, chroot=str(folder).encode())
        await asyncssh.create_server(_OnlyMe, "127.0.0.1", port, server_host_keys=[key], sftp_factory=serves)
        ready.set()

    thread = threading.Thread(target=lambda: (loop.run_until_complete(listen()), loop.run_forever()), daemon=True)
    thread.start()
    assert ready.wait(120)
    try:
        yield {"username": "cdp", "password": "env:SFTP_PASSWORD", "port": port, "look_for_keys": False, "allow_agent": False}, key
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def sftp(folder: Path) -> Iterator[Place]:
    """An SSH server that serves `folder` by SFTP."""
    (folder / "in").mkdir()

    def put(name: str, content: bytes) -> None:
        (folder / "in" / name).write_bytes(content)

    with ssh_server(folder) as (options, _):
        yield Place(
            "sftp://127.0.0.1/in/people*.csv",
            options,
            options | {"password": "wrong"},
            "access is denied",
            put,
            {"SFTP_PASSWORD": "open-sesame"},
        )


class _Refuses(BaseHTTPRequestHandler):
    """Answers as Google does to an account that may not see the bucket."""

    def do_GET(self) -> None:
        body = b'{"error": {"code": 403, "message": "cdp@example.org does not have storage.objects.list access"}}'
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def gcs(_: Path) -> Iterator[Place]:
    """A server of Google Cloud Storage of its own process, and one that refuses."""
    port = free_port()
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host=127.0.0.1", f"--port={port}", "--in-memory"]
    server = subprocess.Popen([*command, "--default-bucket=drop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    refuses = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    threading.Thread(target=refuses.serve_forever, daemon=True).start()
    try:
        _answering(f"http://127.0.0.1:{port}/")
        options = {"endpoint_url": f"http://127.0.0.1:{port}", "token": "env:GCS_TOKEN"}
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # as the connector does
        import gcsfs

        fs = gcsfs.GCSFileSystem(**options | {"token": "anon"}, skip_instance_cache=True)

        def put(name: str, content: bytes) -> None:
            fs.pipe_file(f"drop/in/{name}", content)

        wrong = options | {"endpoint_url": f"http://127.0.0.1:{refuses.server_port}"}
        yield Place("gs://drop/in/people*.csv", options, wrong, "access is denied", put, {"GCS_TOKEN": "anon"})
    finally:
        refuses.shutdown()
        server.kill()
        server.wait()


AZURITE = "azurite@3.37.0"
NEVER_CALLED = ("tedious", "mysql2", "applicationinsights")
"""What Azurite keeps its metadata in and tells its makers with, where asked to: most of its 365 MB."""


@contextmanager
def azure(_: Path) -> Iterator[Place]:
    """Microsoft's emulator of Blob Storage of its own process, with an account and a key of ours."""
    folder, port = node_with("azurite", AZURITE, without=NEVER_CALLED), free_port()
    key = base64.b64encode(os.urandom(24)).decode()
    program = folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    command = ["node", program, "--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    environ = os.environ | {"AZURITE_ACCOUNTS": f"cdp:{key}"}
    server = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def connection(secret: str) -> str:
        return f"DefaultEndpointsProtocol=http;AccountName=cdp;AccountKey={secret};BlobEndpoint=http://127.0.0.1:{port}/cdp;"

    try:
        _answering(f"http://127.0.0.1:{port}/")
        from azure.storage.blob import BlobServiceClient

        client = BlobServiceClient.from_connection_string(connection(key))
        client.create_container("drop")

        def put(name: str, content: bytes) -> None:
            client.get_blob_client("drop", f"in/{name}").upload_blob(content, overwrite=True)

        options, wrong = (
            {"connection_string": "env:AZURE_CONNECTION"},
            {"connection_string": connection(base64.b64encode(b"wrong").decode())},
        )
        yield Place("abfs://drop/in/people*.csv", options, wrong, "access is denied", put, {"AZURE_CONNECTION": connection(key)})
    finally:
        server.kill()
        server.wait()


def _answering(url: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with suppress(OSError):
            with suppress(HTTPError):
                urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


PLACES = {"s3": s3, "sftp": sftp, "gcs": gcs, "azure": azure}
