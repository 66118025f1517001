"""Events are taken by a small application that stands before the large one: they need no session, no gate, no page.

The routes, their declarations and their answers are those of `api.tracking`; only the way there is shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from api import tracking

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Door:
    """WSGI: what the paths of the tracking API are sent goes to the collector, all else to the application."""

    def __init__(self, app: Flask) -> None:
        self._rest: Wsgi = app.wsgi_app
        collector = Flask("api.collector", static_folder=None, template_folder=None)
        collector.extensions = app.extensions
        collector.register_blueprint(tracking.blueprint)
        self._collector: Wsgi = collector.wsgi_app

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        chosen = self._collector if environ.get("PATH_INFO", "").rstrip("/") in tracking.PATHS else self._rest
        return chosen(environ, start)
