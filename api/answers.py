"""An answer is JSON, written the same way everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, current_app


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`document` (dataclasses, ids, times and decimals included) as a response."""
    response = current_app.response_class(orjson.dumps(document, default=str, option=orjson.OPT_UTC_Z), status, mimetype="application/json")
    response.headers.extend(dict(headers or {}))
    return response
