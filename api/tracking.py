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

from api.operations import Operation, Public, Requirement, operation, public
from cdp.ingest.events import receive, webhooks, wire
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
    "unknown_source": 404,
    "bad_signature": 401,
    "stale_timestamp": 401,
    "webhook_not_configured": 503,
}
"""HTTP status of each code; those that are not here are 400."""

_SUCCESS = b'{"success": true}'
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-retry-count",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
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
    response.headers.extend(_HEADERS)
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
    return _success()


def _success() -> Response:
    return Response(_SUCCESS, content_type="application/json")


_BATCHES = {name for name, call in _CALLS.items() if call == "batch"}


def other_method() -> Response:
    """What is answered to anything but POST."""
    if request.method == "OPTIONS":
        return Response(status=204)
    answer = _answer(405, "method_not_allowed", f"{request.method} is not supported here; send POST")
    answer.headers["Allow"] = "POST, OPTIONS"
    return answer


def _body(request: Request) -> bytes:
    """The raw body, never more than any source may send."""
    request.max_content_length = None  # the limits here are those of the source
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


def metrics() -> Response:
    """A browser client's figures about itself: taken and dropped."""
    return _success()


def _route(path: str, view: Callable[[], Response], requirement: Requirement) -> None:
    """Serve `path` with and without a slash behind it, under every method: a redirect would lose the event."""
    name = path.strip("/").replace("/", "_")
    for endpoint, function, methods, who in (
        (name, view, ["POST"], requirement),
        (f"{name}_other", partial(other_method), ["OPTIONS", "GET", "PUT", "PATCH", "DELETE"], Public(csrf=False)),
    ):
        function.__requirement__ = who  # type: ignore[attr-defined]  # what @operation and @public set
        blueprint.add_url_rule(
            path, endpoint, function, methods=methods, provide_automatic_options=False, strict_slashes=False, merge_slashes=False
        )


def _operation(call: str) -> Operation:
    body = "tracking.batch" if call == "batch" else "event"
    description = "`docs/tracking.md` says what is taken, how, and what is answered. Errors are JSON objects with `code` and `message`."
    return Operation(
        None,
        f"Send {'events' if call == 'batch' else f'a {call} event'}",
        "tracking.success",
        body=body,
        description=description,
        tag="tracking",
        security=("write_key",),
    )


for _call in _CALLS:
    _route(f"/v1/{_call}", partial(collect, _call), Public(csrf=False) if _call in _SHORT else _operation(_call))
PATHS = frozenset({"/beacon/v1/batch", "/v1/m", *(f"/v1/{name}" for name in _CALLS)})
"""Where events are sent, less the slash that may follow."""

_route("/beacon/v1/batch", partial(collect, "batch"), Public(csrf=False))
_route("/v1/m", partial(metrics), Public(csrf=False))


@blueprint.get("/v1/projects/<write_key>/settings")
@public(csrf=False)
def settings(write_key: str) -> Response:
    """What the browser client asks before it starts: where to send events."""
    receiver().keys.source_of(write_key)
    segment = {"apiKey": write_key, "apiHost": f"{request.host}/v1", "protocol": request.scheme}
    return current_app.json.response({"integrations": {"Segment.io": segment}, "plan": {"track": {"__default": {"enabled": True}}}})


@blueprint.post("/v1/webhooks/<source>")
@operation(
    None,
    "Deliver a webhook",
    answer="tracking.success",
    description="Signed with the source's secret; `docs/tracking.md` describes the schemes. A repetition changes nothing.",
    tag="tracking",
    security=(),
    problems=(400, 401),
)
def webhook(source: str) -> Response:
    """Take what a system pushes."""
    taker = receiver()
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    webhooks.receive(taker.engine, taker.inbox, source, request.headers, _body(request), encoding)
    return _success()
