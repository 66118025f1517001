"""Events are taken before the application: they need no session, no gate, no page, and no framework.

The routes and their declarations are those of `api.tracking`; only the way there is shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask

from api import reception, tracking

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_CALLS = tracking.PATHS | {f"{path}/": call for path, call in tracking.PATHS.items()}
_ENDINGS = tuple(tracking.PATHS)
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Door:
    """WSGI: what is posted to the paths of the tracking API is taken here, all else goes to the application."""

    def __init__(self, app: Flask) -> None:
        self._rest: Wsgi = app.wsgi_app
        self._extensions = app.extensions

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        call = _CALLS.get(path)
        if environ["REQUEST_METHOD"] != "POST" or (call is None and not path.rstrip("/").endswith(_ENDINGS)):
            return self._rest(environ, start)
        given = reception.answer(reception.receiver(self._extensions), call, environ) if call else reception.ELSEWHERE
        start(_LINES[given.status], [*given.headers.items(), ("Content-Length", str(len(given.body)))])
        return [given.body]
