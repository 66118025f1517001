"""The limit that the collector is measured against: a view that parses a body and copies it into one table, and nothing else."""

from __future__ import annotations

import threading

import orjson
import psycopg
from flask import Flask, Response, request

from cdp.db import connect, database_url
from cdp.settings import load

_local = threading.local()


def make() -> Flask:
    """One COPY and one commit a request, a connection a thread."""
    app = Flask(__name__)
    conninfo = database_url(load()).set(drivername="postgresql").render_as_string(hide_password=False)

    def connection() -> psycopg.Connection:
        if not hasattr(_local, "connection"):
            _local.connection = psycopg.connect(conninfo)
        return _local.connection

    @app.post("/v1/<call>")
    def collect(call: str) -> Response:
        document = orjson.loads(request.get_data())
        events = document["batch"] if call == "batch" else [document]
        opened = connection()
        with opened.cursor() as cursor, cursor.copy("copy bare (message_id, event) from stdin") as copy:
            for event in events:
                copy.write_row((event["messageId"], orjson.dumps(event).decode()))
        opened.commit()
        return Response(b'{"success": true}', content_type="application/json")

    return app


def collector() -> Flask:
    """The tracking API alone."""
    from api import tracking
    from api.collector import Door

    app = Flask(__name__)
    app.extensions["cdp.engine"] = connect(load())
    app.register_blueprint(tracking.blueprint)
    app.wsgi_app = Door(app)
    return app


def whole() -> Flask:
    """The application as it is served, less the thread that processes."""
    from api import create_app

    return create_app(load())
