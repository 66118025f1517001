"""The tracking API answers 200 with `{"success": true}` once events are on disk, and otherwise a JSON object with `code` and `message`.

Paths are at the root, with and without a trailing slash: published clients count a redirect as delivered. Bodies are read raw, because
published clients send JSON under any content type.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial

from flask import Blueprint, Request, Response, current_app, request
from sqlalchemy import Engine

from cdp.ingest.events import receive, wire
from cdp.ingest.events.errors import EventError, Rejected, Unavailable
from cdp.ingest.events.receive import Receiver

blueprint = Blueprint("tracking", __name__)

_SHORT = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch", "import": "batch"}
_CALLS = {name: name for name in (*wire.CALLS, "batch")} | _SHORT
_STATUS = {
    "missing_write_key": 401,
    "unknown_write_key": 401,
    "source_disabled": 404,
    "payload_too_large": 413,
    "event_too_large": 413,
    "unsupported_encoding": 415,
    "rate_limited": 429,
}
"""HTTP status of each code; those that are not here are 400."""

_SUCCESS = b'{"success": true}'
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-retry-count",
    "Access-Control-Max-Age": "86400",
}
_RETRY_SECONDS = 1


def receiver(engine: Engine | None = None) -> Receiver:
    """The receiver of this application, made on first use."""
    made = current_app.extensions.get("cdp.events")
    if made is None:
        made = current_app.extensions["cdp.events"] = Receiver(engine or current_app.extensions["cdp.engine"])
    assert isinstance(made, Receiver)
    return made


@blueprint.after_request
def allow_browsers(response: Response) -> Response:
    """Any page may send events; what it may not do is read."""
    response.headers.extend(_CORS)
    return response


@blueprint.errorhandler(EventError)
def say_why(error: EventError) -> Response:
    """An error in the form that every published client understands as final, or as a reason to come again."""
    if isinstance(error, Rejected):
        answer = _answer(_STATUS.get(error.code, 400), error.code, str(error))
        if error.retry_after:
            answer.headers["Retry-After"] = str(max(1, error.retry_after))
        return answer
    answer = _answer(503, "unavailable", str(error) if isinstance(error, Unavailable) else "the event store does not answer")
    answer.headers["Retry-After"] = str(_RETRY_SECONDS)
    return answer


def _answer(status: int, code: str, message: str) -> Response:
    answer = current_app.json.response({"code": code, "message": message})
    answer.status_code = status
    return answer


def collect(call: str) -> Response:
    """Take the events of one request."""
    if request.method != "POST":
        return _preflight()
    taken = receiver().receive(
        receive.Request(
            call=_CALLS[call],
            body=_body(request),
            key=_basic_user(request),
            query_key=request.args.get("writeKey", ""),
            encoding=request.headers.get("Content-Encoding", "").strip().lower(),
            ip=request.remote_addr or "",
        )
    )
    refusal = receive.refusal(taken) if call not in _BATCHES else None
    if refusal:
        raise refusal
    return Response(_SUCCESS, content_type="application/json")


_BATCHES = {name for name, call in _CALLS.items() if call == "batch"}


def _preflight() -> Response:
    """What is answered to anything but POST."""
    if request.method == "OPTIONS":
        return Response(status=204)
    answer = _answer(405, "method_not_allowed", f"{request.method} is not supported here; send POST")
    answer.headers["Allow"] = "POST, OPTIONS"
    return answer


def _body(request: Request) -> bytes:
    """The raw body, never more than any source may send."""
    if (request.content_length or 0) > wire.MAX_BODY_CEILING:
        raise Rejected("payload_too_large", f"the body is larger than {wire.MAX_BODY_CEILING} bytes; send smaller batches")
    if request.content_length is not None:
        return request.get_data(cache=False)
    return request.stream.read(wire.MAX_BODY_CEILING + 1)


def _basic_user(request: Request) -> str:
    """User name of Basic authentication, whether or not a colon follows it; empty where there is none."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return value.strip() and "\ufffd"  # a key nobody has: a broken header is no missing header
    return text.partition(":")[0]


def _route(path: str, view: Callable[[], Response]) -> None:
    """Serve `path` under every method and with any slashes a client adds, since a redirect would lose the event."""
    for variant in (path, "/" + path):
        blueprint.add_url_rule(
            variant,
            endpoint=variant.strip("/").replace("/", "_") + "_" * variant.count("//"),
            view_func=view,
            methods=["POST", "OPTIONS", "GET", "HEAD", "PUT", "PATCH", "DELETE"],
            provide_automatic_options=False,
            strict_slashes=False,
            merge_slashes=False,
        )


def metrics() -> Response:
    """A browser client's figures about itself: taken and dropped."""
    return Response(_SUCCESS, content_type="application/json") if request.method == "POST" else _preflight()


for _call in _CALLS:
    _route(f"/v1/{_call}", partial(collect, _call))
_route("/beacon/v1/batch", partial(collect, "batch"))
_route("/v1/m", metrics)


@blueprint.get("/v1/projects/<write_key>/settings")
def settings(write_key: str) -> Response:
    """What the browser client asks before it starts: where to send events."""
    receiver().keys.source_of(write_key)
    segment = {"apiKey": write_key, "apiHost": f"{request.host}/v1", "protocol": request.scheme}
    return current_app.json.response({"integrations": {"Segment.io": segment}, "plan": {"track": {"__default": {"enabled": True}}}})
