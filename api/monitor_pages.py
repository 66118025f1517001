"""The page of monitors: the rules there are, what fired, and what staff are asked to do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from api import audience_view
from api.audience_view import Json
from api.house import note, principal, reading, view
from api.monitors import finish, fired, monitor, place_of, store
from api.operations import page
from api.problems import BadRequest
from cdp import segments as room

blueprint = Blueprint("monitor_pages", __name__)


@blueprint.get("/monitors")
@page("monitor.read")
def listed() -> Any:
    """Open tasks, the monitors, the newest firings."""
    return _page({})


def _page(given: Json, problem: Json | None = None) -> Any:
    with reading() as connection:
        known = room.monitors(connection)
        log = [fired(known[one.monitor], one) for one in room.firings(connection, limit=20)]
        tasks = room.tasks(connection, limit=50)
        ids = tuple({*(one["profile_id"] for one in log), *(one.profile_id for one in tasks)})
        names = {UUID(one["id"]): one["display_name"] for one in audience_view.named(connection, view(), ids)}
    if ids:
        note("monitor.log", None, {"count": len(log), "tasks": len(tasks), "via": "page"})
    return render_template(
        "monitors.html",
        monitors=[monitor(one) for one in known.values()],
        log=log,
        tasks=tasks,
        names=names,
        given=given,
        problem=problem,
        fires=room.FIRES,
        writes=principal().may("monitor.write"),
        works=principal().may("task.write"),
    )


@blueprint.post("/monitors")
@page("monitor.write")
def save() -> Any:
    """Save what was written; a problem brings the form back with it."""
    form = request.form
    title, task = form.get("title", "").strip(), form.get("task", "").strip()
    document: Json = {"condition": form.get("condition", ""), "fires": form.get("fires", "once")}
    document |= {"title": title} if title else {}
    document |= {"action": {"task": task}} if task else {}
    try:
        store(form.get("name", "").strip(), document)
    except BadRequest as error:
        place = place_of(error)
        return _page(dict(form), {"place": place.place, "reason": place.reason}), 400
    return redirect(url_for("monitor_pages.listed"), 303)


@blueprint.post("/tasks/<int:task_id>/done")
@page("task.write")
def done(task_id: int) -> Any:
    """Say that a task is done."""
    finish(task_id)
    return redirect(url_for("monitor_pages.listed"), 303)
