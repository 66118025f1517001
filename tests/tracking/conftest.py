"""A source with a write key, and a client that speaks for it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, Row, text
from werkzeug.test import TestResponse

from api import tracking
from api.collector import Door
from api.house import House
from cdp.access import load_policy
from cdp.ingest.events import keys
from cdp.ingest.events.follow import follow
from cdp.ingest.events.process import Processed, process
from cdp.ingest.events.receipts import EventReceipt, receipt
from cdp.settings import Settings
from tests.waiting import PATIENCE


def basic(key: str) -> dict[str, str]:
    """The header that clients send."""
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


@dataclass
class World:
    """The tracking API over a database of its own."""

    engine: Engine
    settings: Settings
    key: str
    client: FlaskClient
    answers: list[int] = field(default_factory=list)

    def send(self, call: str, **event: Any) -> TestResponse:
        """POST one call with the write key in the header."""
        return self.client.post(f"/v1/{call}", data=orjson.dumps(event), headers=basic(self.key))

    def post(self, call: str, body: bytes, **headers: str) -> TestResponse:
        """POST raw bytes."""
        return self.client.post(f"/v1/{call}", data=body, headers={**basic(self.key), **headers})

    def process(self) -> Processed:
        """Empty the inbox."""
        return process(self.engine, self.settings)

    def rows(self, query: str, **params: Any) -> list[Row[Any]]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), params))

    def receipt(self, message_id: str) -> EventReceipt | None:
        """What became of a message."""
        with self.engine.connect() as connection:
            return receipt(connection, message_id)

    def configure(self, config: dict[str, Any], mapping: dict[str, Any] | None = None) -> None:
        """Change the source `web`."""
        with self.engine.begin() as connection:
            connection.execute(
                text("update source set config = cast(:config as jsonb), mapping = cast(:mapping as jsonb) where name = 'web'"),
                {"config": orjson.dumps(config).decode(), "mapping": orjson.dumps(mapping or {}).decode()},
            )


@contextmanager
def following(world: World, after: Callable[[list[UUID]], bool]) -> Iterator[threading.Thread]:
    """Meanwhile a thread processes what arrives, and calls `after` with the profiles that changed."""
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(world.engine, world.settings, stop, after))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(PATIENCE)


@pytest.fixture
def world(engine: Engine, settings: Settings) -> Iterator[World]:
    with engine.begin() as connection:
        key = keys.create(connection, "web", department="shop")
    app = Flask("collector")
    app.extensions["cdp"] = House(settings, engine, load_policy(""))
    app.extensions["cdp.engine"] = engine
    app.register_blueprint(tracking.blueprint)
    app.wsgi_app = Door(app)
    made = World(engine, settings, key, app.test_client())
    yield made
    if "cdp.events" in app.extensions:
        app.extensions["cdp.events"].inbox.close()
