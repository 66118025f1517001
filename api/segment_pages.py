"""The marketer's pages: the segments there are, and one on which a condition is written and its people are counted as one types."""

from __future__ import annotations

import re
from typing import Any, cast
from uuid import UUID

from anyascii import anyascii
from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import Connection, text

from api import audience_view
from api.audience_view import Json
from api.house import house, note, principal, reading, view
from api.operations import page
from api.problems import BadRequest, NotFound
from api.segments import store
from cdp import attributes
from cdp import segments as room
from cdp.attributes import UnknownName
from cdp.attributes.fields import EVENT_FIELDS, PERSON_FIELDS, PLURALS
from cdp.attributes.language.parser import WRITTEN
from cdp.attributes.language.tree import And
from cdp.segments.tree import Condition

blueprint = Blueprint("segment_pages", __name__)

_CHANGES = """select c.profile_id as id, c.change, c.cause, c.at, p.kind, g.display_name from segment_change c
    left join profile p on p.id = c.profile_id left join golden g on g.profile_id = c.profile_id
    where c.segment_id = :id order by c.id desc limit 12"""
_DAYS = """select to_char(at, 'YYYY-MM-DD') as day, count(*) filter (where change = 'entered') as entered,
    count(*) filter (where change = 'left') as gone
    from segment_change where segment_id = :id and at > now() - interval '30 days' group by 1 order by 1 desc limit 14"""


_EXPLAINED = 8
"""Parts of a condition that nobody meets whose own counts are told."""


@blueprint.get("/segments")
@page("segment.read")
def listed() -> Any:
    """The segments."""
    with reading() as connection:
        found = [audience_view.segment(view(), one) for one in room.segments(connection).values()]
    return render_template("segments.html", segments=found, writes=principal().may("segment.write"))


@blueprint.get("/segments/new")
@page("segment.write")
def new() -> Any:
    """An empty editor, or one with the condition of the address."""
    return _editor(None, request.args.get("condition", ""))


@blueprint.get("/segments/<name>")
@page("segment.read")
def one(name: str) -> Any:
    """The editor of a segment, who came and who left."""
    with reading() as connection:
        found = _segment(connection, name)
    return _editor(found, request.args.get("condition") or found.text)


def _segment(connection: Connection, name: str) -> room.Segment:
    try:
        return room.get(connection, name)
    except UnknownName as error:
        raise NotFound(str(error)) from None


def _editor(found: room.Segment | None, written: str, *, name: str = "", title: str = "", problem: Json | None = None) -> Any:
    with reading() as connection:
        result = None if not written.strip() or problem else _preview(connection, written, found)
        changes = [] if found is None else _changes(connection, found.id)
        days = [] if found is None else list(connection.execute(text(_DAYS), {"id": found.id}).mappings())
        users = [] if found is None else room.dependants(connection, found.name)
        words = vocabulary(connection)
    return render_template(
        "segment.html",
        segment=None if found is None else audience_view.segment(view(), found),
        written=written,
        result=result or ({"problem": problem} if problem else None),
        changes=changes,
        days=days,
        dependants=users,
        words=words,
        name=name,
        title=title,
        writes=principal().may("segment.write"),
    )


def vocabulary(connection: Connection) -> dict[str, list[str]]:
    """The words that a condition can be made of, by what they are."""
    return {
        "Attributes": sorted(attributes.types(connection)),
        "Fields": [field for field in PERSON_FIELDS if view().sees(audience_view.policy_field(field))],
        "Events": sorted(PLURALS.values()),
        "Fields of events, in brackets": [*EVENT_FIELDS, "properties.NAME"],
        "Operators": sorted(set(WRITTEN.values())),
        "Segments": list(room.segments(connection)),
    }


def _changes(connection: Connection, segment_id: int) -> list[Json]:
    rows = connection.execute(text(_CHANGES), {"id": segment_id}).mappings().all()
    names = {one["id"]: one["display_name"] for one in audience_view.named(connection, view(), tuple(row["id"] for row in rows))}
    return [dict(row) | {"display_name": names.get(str(row["id"]))} for row in rows]


def _preview(connection: Connection, written: str, found: room.Segment | None) -> Json:
    """A preview, with who would come and leave where it is the condition of a segment that has members; or the problem of the condition."""
    try:
        condition = audience_view.condition(connection, view(), written)
    except BadRequest as error:
        place = error.errors[0]
        return {"problem": {"place": place.place, "reason": place.reason}}
    made = audience_view.preview(connection, view(), condition)
    stay = None if found is None or found.as_of is None else made["overlap"].get(found.name, 0)
    if found is not None:
        made["overlap"].pop(found.name, None)
        if isinstance(stay, int) and isinstance(made["count"], int):
            made["changes"] = {"enter": made["count"] - stay, "leave": max(found.members - stay, 0)}
    if made["count"] == 0 and made["engine"] == "columnar" and isinstance(condition, And):
        parts = [audience_view.preview(connection, view(), cast(Condition, part)) for part in condition.parts[:_EXPLAINED]]
        made["parts"] = [{"text": part["text"], "count": part["count"]} for part in parts]
    return made


@blueprint.get("/segments/preview")
@page("segment.read")
def preview() -> Any:
    """The part of the editor that changes as one types."""
    written = request.args.get("condition", "")
    with reading() as connection:
        found = room.segments(connection).get(request.args.get("segment", ""))
        result = _preview(connection, written, found) if written.strip() else None
    if result and "count" in result:
        note("segment.preview", None, {"condition": result["text"], "count": result["count"], "via": "page"})
    return render_template("segment_preview.html", result=result)


@blueprint.post("/segments")
@page("segment.write")
def save() -> Any:
    """Save what was written; a problem brings the editor back with it."""
    form = request.form
    name, title, written = form.get("name", "").strip(), form.get("title", "").strip(), form.get("condition", "")
    name = name or _name_of(title)
    if "new" in form:
        with reading() as connection:
            if name in room.segments(connection):
                problem = {"place": "name", "reason": f"there is a segment {name} already: open that one, or choose another name"}
                return _editor(None, written, name=name, title=title, problem=problem), 400
    try:
        found = store(name, {"condition": written, "title": title or None})
    except BadRequest as error:
        place = error.errors[0]
        problem = {"place": place.place, "reason": place.reason}
        with reading() as connection:
            known = room.segments(connection).get(name)
        return _editor(known, written, name=name, title=title, problem=problem), 400
    room.refresh_saved(house().engine, house().settings.lake / "segments", found.name)
    return redirect(url_for("segment_pages.one", name=found.name), 303)


def _name_of(title: str) -> str:
    """A name for other conditions, made from a title: `Käufer in Köln` is kaufer_in_koln."""
    plain = re.sub(r"[^a-z0-9]+", "_", anyascii(title).lower()).strip("_")
    return plain[:63] if plain[:1].isalpha() else f"s_{plain}"[:63] if plain else ""


@blueprint.get("/segments/<name>/why/<uuid:profile_id>")
@page("segment.read")
def why(name: str, profile_id: UUID) -> Any:
    """Why somebody is in or out."""
    with reading() as connection:
        found = _segment(connection, name)
        made = room.explain(connection, found.condition, profile_id)
        (person,) = audience_view.named(connection, view(), (profile_id,))
    note("profile.read", str(profile_id), {"part": "segment", "segment": name, "via": "page"})
    return render_template("segment_why.html", segment=found, person=person, why=audience_view.why(view(), found.condition, made))
