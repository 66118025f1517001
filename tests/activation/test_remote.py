"""Files for LiveRamp arrive complete on a real SFTP server and in a bucket; a server with another key gets nothing."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest
from sqlalchemy import Engine

from cdp.activation import DestinationConfig, register, send
from cdp.settings import Settings
from tests.activation.conftest import Definition, World
from tests.connectors.places import azure, s3, ssh_server


@dataclass
class Drop:
    folder: Path
    to: dict[str, Any]


@pytest.fixture
def drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    """An SFTP server, and how a destination reaches it."""
    monkeypatch.setenv("SFTP_PASSWORD", "open-sesame")
    folder = tmp_path / "served"
    folder.mkdir()
    with ssh_server(folder) as (options, key):
        yield Drop(folder, {"path": "sftp://127.0.0.1/in/audience", "options": {**options, "host_key": key.get_fingerprint()}})


def add(engine: Engine, definition: Definition, to: dict[str, Any]) -> None:
    with engine.begin() as connection:
        register(connection, definition({"files": to}, format="liveramp"), "test")


def test_files_arrive_by_sftp(engine: Engine, settings: Settings, world: World, definition: Definition, drop: Drop) -> None:
    world.person(1, email="a@example.org", phone="+18005550100")
    add(engine, definition, drop.to)
    send(engine, settings, "ads")
    world.leave(1)
    send(engine, settings, "ads")
    full, gone = sorted((drop.folder / "in" / "audience").iterdir())
    assert (full.name, gone.name) == ("ads-000001-full.csv", "ads-000002-remove.csv")
    header, row = csv.reader(full.open())
    assert dict(zip(header, row, strict=True))["PHONE1"] == "8005550100"


@pytest.mark.parametrize("key", ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", None])
def test_a_server_that_is_not_the_one_named_gets_nothing(
    engine: Engine, settings: Settings, world: World, definition: Definition, drop: Drop, key: str | None
) -> None:
    world.person(1, email="a@example.org")
    options = {**drop.to["options"], "host_key": key}
    add(engine, definition, {**drop.to, "options": options})
    with pytest.raises(DestinationConfig, match="key"):
        send(engine, settings, "ads")
    assert list(drop.folder.iterdir()) == []


@pytest.mark.parametrize(("bucket", "scheme"), [(s3, "s3"), (azure, "abfs")], ids=["s3", "azure"])
def test_files_arrive_in_a_bucket(
    engine: Engine,
    settings: Settings,
    world: World,
    definition: Definition,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    bucket: Any,
    scheme: str,
) -> None:
    world.person(1, email="a@example.org")
    with bucket(tmp_path) as place:
        for name, value in place.secrets.items():
            monkeypatch.setenv(name, value)
        add(engine, definition, {"path": f"{scheme}://drop/out", "options": place.options})
        report = send(engine, settings, "ads")
        assert (report.added, list(report.places)) == (1, ["drop/out/ads-000001-full.csv"])
        plain = {name: os.environ[value[4:]] if str(value).startswith("env:") else value for name, value in place.options.items()}
        fs = fsspec.filesystem(scheme, **plain, skip_instance_cache=True)
        assert fs.ls("drop/out", detail=False) == ["drop/out/ads-000001-full.csv"]
        assert "a@example.org" in fs.cat("drop/out/ads-000001-full.csv").decode()
