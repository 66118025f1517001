"""`/v1/monitors` and `/v1/tasks`: rules that fire for customers, what fired and why, and what staff are asked to do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from api import audience_view
from api.answers import answer
from api.customers import Json
from api.house import house, note, principal, reading, view
from api.operations import LIMIT, Query, operation
from api.problems import BadRequest, NotFound, PlaceError
from cdp import segments as room
from cdp.access import audit
from cdp.attributes import DefinitionError, UnknownName
from cdp.records.contracts import DocumentError, check
from cdp.segments.document import write

blueprint = Blueprint("monitors", __name__, url_prefix="/v1")

CURSOR = Query("cursor", "`next_cursor` of the page before.", int, minimum=0)
DONE = Query("done", "Those that are done, instead of those that are open.", bool, default=False)


def monitor(found: room.Monitor) -> Json:
    """One monitor as JSON; the name of a secret is none."""
    return {
        "name": found.name,
        "title": found.title,
        "text": found.text,
        "condition": write(found.condition),
        "fires": found.fires,
        "action": dict(found.action),
        "enabled": found.enabled,
    }


def _body() -> Json:
    document = request.get_json(silent=True)
    if document is None:
        raise BadRequest("The body is not JSON.")
    try:
        check(document, "monitor", "body")
    except DocumentError as error:
        raise BadRequest(str(error)) from None
    return dict(document)


@blueprint.get("/monitors")
@operation("monitor.read", "All monitors", answer="monitor_api.monitor_list", tag="monitors")
def list_() -> Any:
    """Each with its condition, when it fires, and what is done then."""
    with reading() as connection:
        return answer({"items": [monitor(one) for one in room.monitors(connection).values()]})


@blueprint.put("/monitors/<name>")
@operation("monitor.write", "Write a monitor", answer="monitor_api.monitor", body="monitor", tag="monitors", problems=(400, 403))
def put(name: str) -> Any:
    """Create or replace it. A call to an address takes who may write destinations."""
    return answer(monitor(store(name, _body())))


def store(name: str, document: Json) -> room.Monitor:
    """Save a monitor for who asks, and note it."""
    if "webhook" in document.get("action", {}):
        principal().require("destination.write")
    with house().engine.begin() as connection:
        audience_view.condition(connection, view(), document["condition"])
        try:
            found = room.save_monitor(connection, name, document, principal().name)
        except DefinitionError as error:
            raise audience_view.refused(error) from None
        audit(
            connection, principal(), "monitor.write", name, {"condition": found.text, "fires": found.fires, "action": sorted(found.action)}
        )
    return found


@blueprint.delete("/monitors/<name>")
@operation("monitor.write", "Delete a monitor", answer=None, status=204, tag="monitors", problems=(404,))
def delete(name: str) -> Any:
    """Its log goes with it; marks and tasks stay."""
    with house().engine.begin() as connection:
        try:
            room.delete_monitor(connection, name)
        except UnknownName as error:
            raise NotFound(str(error)) from None
        audit(connection, principal(), "monitor.delete", name, {})
    return "", 204


@blueprint.post("/monitors/<name>/check")
@operation("monitor.read", "Dry run of a monitor", answer="monitor_api.check", body="monitor", tag="monitors", problems=(400, 403))
def check_(name: str) -> Any:
    """For whom it would fire if it were saved like this; nothing is stored."""
    document = _body()
    with reading() as connection:
        audience_view.condition(connection, view(), document["condition"])
    try:
        found = room.check_monitor(house().engine, name, document, audience_view.copy())
    except DefinitionError as error:
        raise audience_view.refused(error) from None
    counts = {"holds": audience_view.figure(view(), found.holds), "would_fire": audience_view.figure(view(), found.would_fire)}
    return answer(counts | {"sample": found.sample if audience_view.sees_persons(view()) else []})


@blueprint.get("/monitors/<name>/log")
@operation("monitor.read", "What fired", answer="monitor_api.log_page", query=(LIMIT, CURSOR), tag="monitors", problems=(404,))
def log(name: str, limit: int, cursor: int | None) -> Any:
    """The firings of a monitor, newest first, each with why."""
    with reading() as connection:
        try:
            found = room.get_monitor(connection, name)
        except UnknownName as error:
            raise NotFound(str(error)) from None
        rows = room.firings(connection, name, limit=limit + 1, before=cursor)
    note("monitor.log", name, {"count": len(rows[:limit])})
    items = [fired(found, one) for one in rows[:limit]]
    return answer({"items": items, "next_cursor": str(items[-1]["id"]) if len(rows) > limit else None})


def fired(found: room.Monitor, one: room.Logged) -> Json:
    """A firing as JSON, values masked that the view does not show."""
    return {
        "id": one.id,
        "monitor": one.monitor,
        "profile_id": one.profile_id,
        "at": one.at,
        "why": audience_view.masked(view(), found.condition, dict(one.why)),
        "handled_at": one.handled_at,
        "outcome": one.outcome,
    }


@blueprint.get("/tasks")
@operation("task.read", "What staff are asked to do", answer="monitor_api.task_page", query=(LIMIT, CURSOR, DONE), tag="monitors")
def task_list(limit: int, cursor: int | None, done: bool) -> Any:
    """Open tasks, or those that are done, the oldest first."""
    with reading() as connection:
        rows = room.tasks(connection, done=done, limit=limit + 1, after=cursor or 0)
    items = rows[:limit]
    return answer({"items": items, "next_cursor": str(items[-1].id) if len(rows) > limit else None})


@blueprint.post("/tasks/<int:task_id>/done")
@operation("task.write", "Finish a task", answer=None, status=204, tag="monitors", problems=(404,))
def task_done(task_id: int) -> Any:
    """Say that it is done."""
    finish(task_id)
    return "", 204


def finish(task_id: int) -> None:
    """Mark a task done for who asks, and note it."""
    with house().engine.begin() as connection:
        if not room.finish_task(connection, task_id, principal().name):
            raise NotFound(f"There is no open task {task_id}.")
        audit(connection, principal(), "task.done", str(task_id), {})


def place_of(error: BadRequest) -> PlaceError:
    """Where a definition was refused, and why."""
    return error.errors[0] if error.errors else PlaceError("monitor", str(error))
