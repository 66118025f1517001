"""The tracking API answers 200 with `{"success": true}` once events are on disk, and otherwise a JSON object with `code` and `message`.

Paths are at the root, with and without a trailing slash: published clients count a redirect as delivered. Bodies are read raw, because
published clients send JSON under any content type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, current_app, request

from api import reception
from api.operations import Operation, Public, Requirement, operation, public
from api.reception import HEADERS, SUCCESS, Answer
from cdp.ingest.events import webhooks, wire
from cdp.ingest.events.errors import EventError
from cdp.ingest.events.receive import Receiver

blueprint = Blueprint("tracking", __name__)

_SHORT = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch", "import": "batch"}
_CALLS = {name: name for name in (*wire.CALLS, "batch")} | _SHORT


def receiver() -> Receiver:
    """The receiver of this application."""
    return reception.receiver(current_app.extensions)


@blueprint.after_request
def allow_browsers(response: Response) -> Response:
    """Any page may send events; what it may not do is read."""
    response.headers.update(HEADERS)
    return response


@blueprint.errorhandler(EventError)
def say_why(error: EventError) -> Response:
    """An error in the form that every published client understands as final, or as a reason to come again."""
    return _response(reception.reason(error))


def _response(given: Answer) -> Response:
    return Response(given.body, given.status, given.headers)


def collect(call: str) -> Response:
    """Take the events of one request, where no `api.collector.Door` has."""
    return _response(reception.answer(receiver(), _CALLS[call], request.environ))


def other_method() -> Response:
    """What is answered to anything but POST."""
    if request.method == "OPTIONS":
        return Response(status=204)
    answer = current_app.json.response({"code": "method_not_allowed", "message": f"{request.method} is not supported here; send POST"})
    answer.status_code = 405
    answer.headers["Allow"] = "POST, OPTIONS"
    return answer


def metrics() -> Response:
    """A browser client's figures about itself: taken and dropped."""
    return _response(SUCCESS)


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
PATHS = {"/beacon/v1/batch": "batch", **{f"/v1/{name}": call for name, call in _CALLS.items()}}
"""Where events are sent, less the slash that may follow, and the call that they are sent as."""

_route("/beacon/v1/batch", partial(collect, "batch"), Public(csrf=False))
_route("/v1/m", partial(metrics), Public(csrf=False))


@blueprint.get("/v1/projects/<write_key>/settings")
@public(csrf=False)
def settings(write_key: str) -> Response:
    """What the browser client asks before it starts: where to send events."""
    receiver().keys.source_of(write_key)
    host = f"{request.host}/v1"
    segment = {"apiKey": write_key, "apiHost": host, "protocol": request.scheme}
    metrics = {"host": host, "sampleRate": 0}  # by itself the client tells its vendor how it fares
    plan = {"track": {"__default": {"enabled": True}}}
    return current_app.json.response({"integrations": {"Segment.io": segment}, "plan": plan, "metrics": metrics})


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
    webhooks.receive(taker.engine, taker.inbox, source, request.headers, reception.body(request.environ), encoding)
    return _response(SUCCESS)
