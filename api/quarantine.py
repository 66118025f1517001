"""What was refused can be looked at, corrected, tried again or dropped, by who may see raw rows and belongs to the department.

Who sees personal values masked sees where and why, and can try a row again as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request

from api.answers import answer
from api.customers import plain
from api.house import house, note, principal, reading, view
from api.operations import operation
from api.problems import BadRequest, Conflict, NotFound, PlaceError
from cdp.access import Forbidden, audit, redact_key
from cdp.ingest import quarantine as room
from cdp.ingest.again import again
from cdp.ingest.events.receive import STREAM as EVENTS

blueprint = Blueprint("quarantine", __name__)

Json = dict[str, Any]
_SHOWN = ("id", "source", "stream", "source_key", "place", "field", "reason", "message", "status", "created_at", "resolved_at")


@blueprint.get("/v1/quarantine/<int:number>")
@operation("quarantine.read", "A refused row", answer="api.quarantine_entry", tag="system", problems=(404,))
def show(number: int) -> Any:
    """Where it was refused, why, and what it holds; `content` is null for who does not see raw rows, or where it could not be read."""
    return answer(entry(number))


def entry(number: int) -> Json:
    """One entry of quarantine as who asks may see it; noted where its content is shown.

    Raises:
        NotFound: there is none, or it is another department's.
    """
    with reading() as connection:
        row = room.entry(connection, number)
    departments = principal().departments
    if row is None or (departments is not None and row.department not in departments):
        raise NotFound(f"nothing has the number {number} in quarantine")
    content = room.content(row) if view().raw else None
    if content is not None:
        note("quarantine.read", str(number), {"source": row.source})
    shown: Json = plain({name: getattr(row, name) for name in _SHOWN})
    if row.source_key and row.stream != EVENTS:
        shown["source_key"] = redact_key(view(), row.source_key)
    return shown | {"content": content if isinstance(content, dict) else None}


@blueprint.post("/v1/quarantine/<int:number>/replay")
@operation(
    "quarantine.write",
    "Try a refused row again",
    answer="api.quarantine_outcome",
    body="api.quarantine_correction",
    tag="system",
    problems=(400, 404, 409),
)
def replay(number: int) -> Any:
    """As it is, or as `content` says it should be. `landed` false: it still cannot be used, and `message` says why."""
    document = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(document, dict) or document.keys() - {"content"} or not isinstance(document.get("content"), dict | None):
        raise BadRequest("The body is not valid.", [PlaceError("body", 'must be {} or {"content": {…}}, the row as it should be')])
    return answer(try_again(number, document.get("content")))


def try_again(number: int, content: Mapping[str, Any] | None) -> Json:
    """Try one entry again for who asks, as it is or with other content.

    Raises:
        NotFound: as `entry`.
        Conflict: it does not wait any more.
        Forbidden: the content is given by somebody who may not see it.
    """
    _waits(number)
    if content is not None and not view().raw:
        raise Forbidden("who does not see raw rows cannot correct one: try it again as it is, or ask a steward")
    report = again(house().engine, house().settings, [number], None if content is None else {number: content})
    with house().engine.begin() as connection:
        audit(connection, principal(), "quarantine.replay", str(number), {"corrected": content is not None, "landed": report.landed > 0})
    return {"landed": report.landed > 0, "message": report.reasons[0].partition(": ")[2] if report.reasons else None}


@blueprint.post("/v1/quarantine/<int:number>/discard")
@operation("quarantine.write", "Drop a refused row", answer=None, status=204, tag="system", problems=(404, 409))
def discard(number: int) -> Any:
    """It is not wanted; it stays stored, and stays dropped while the source repeats it."""
    drop(number)
    return "", 204


def drop(number: int) -> None:
    """Drop one entry for who asks, and note it.

    Raises:
        NotFound, Conflict: as `try_again`.
    """
    _waits(number)
    with house().engine.begin() as connection:
        room.discard(connection, [number])
        audit(connection, principal(), "quarantine.discard", str(number), {})


def _waits(number: int) -> None:
    status = entry(number)["status"]
    if status != "open":
        raise Conflict(f"number {number} does not wait any more: it was {status}")
