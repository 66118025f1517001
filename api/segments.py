"""`/v1/segments`: who meets a condition, since when and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, request
from sqlalchemy import Connection, text

from api import audience_view
from api.answers import answer
from api.customers import plain
from api.house import house, note, principal, reading, view
from api.operations import LIMIT, Query, operation
from api.problems import BadRequest, NotFound, PlaceError
from cdp import profiles
from cdp import segments as room
from cdp.access import Forbidden, audit
from cdp.attributes import DefinitionError, UnknownName
from cdp.attributes.language.parser import moment

blueprint = Blueprint("segments", __name__, url_prefix="/v1")

AFTER = Query("cursor", "`next_cursor` of the page before.", max_length=36)
_LISTED = (400, 403, 404)
BEFORE = Query("cursor", "`next_cursor` of the page before.", int, minimum=0)
AS_OF = Query("as_of", "A past moment, ISO 8601; a day is its beginning (UTC). Absent: now.", max_length=40)


def past(written: str | None) -> datetime | None:
    """The moment that a query names."""
    if written is None:
        return None
    try:
        return moment(written, "query.as_of")
    except DefinitionError as error:
        raise BadRequest("The query is not valid.", [PlaceError("query.as_of", error.reason)]) from None


def _object(name: str) -> Mapping[str, Any]:
    """A body that is an object with the member `condition`."""
    document = request.get_json(silent=True)
    if not isinstance(document, dict) or not isinstance(document.get("condition"), str | dict):
        raise BadRequest("The body is an object with a condition.", [PlaceError("condition", "is a text or an object")])
    extra = sorted(set(document) - ({"condition", "title", "description", "soon"} if name else {"condition"}))
    if extra:
        raise BadRequest("The body has a member too many.", [PlaceError(extra[0], "is unknown")])
    return document


def _found(connection: Connection, name: str) -> room.Segment:
    try:
        return room.get(connection, name)
    except UnknownName as error:
        raise NotFound(str(error)) from None


@blueprint.get("/segments")
@operation("segment.read", "All segments", answer="segment_api.segment_list", tag="segments")
def list_() -> Any:
    """Each with its condition and how many are in it."""
    with reading() as connection:
        return answer({"items": [audience_view.segment(view(), one) for one in room.segments(connection).values()]})


@blueprint.get("/segments/<name>")
@operation("segment.read", "One segment", answer="segment_api.segment", tag="segments", problems=(404,))
def get(name: str) -> Any:
    """Its condition as text and as a document, its members and when they were decided."""
    with reading() as connection:
        return answer(audience_view.segment(view(), _found(connection, name)))


@blueprint.put("/segments/<name>")
@operation(
    "segment.write", "Write a segment", answer="segment_api.segment", body="segment_api.segment_body", tag="segments", problems=(400, 403)
)
def put(name: str) -> Any:
    """Create it, or give it a new version where the condition differs; its members are decided at the next refresh."""
    return answer(audience_view.segment(view(), store(name, _object(name))))


def store(name: str, document: Mapping[str, Any]) -> room.Segment:
    """Save a segment for who asks, and note it."""
    with house().engine.begin() as connection:
        audience_view.condition(connection, view(), document["condition"], name)
        try:
            found = room.save(
                connection,
                name,
                document["condition"],
                principal().name,
                title=document.get("title"),
                description=document.get("description"),
                soon=document.get("soon"),
            )
        except DefinitionError as error:
            raise audience_view.refused(error) from None
        audit(connection, principal(), "segment.write", name, {"version": found.version, "condition": found.text})
    return found


@blueprint.delete("/segments/<name>")
@operation("segment.write", "Withdraw a segment", answer=None, status=204, tag="segments", problems=(400, 404))
def delete(name: str) -> Any:
    """Its members leave at the next refresh; its history stays."""
    with house().engine.begin() as connection:
        _found(connection, name)
        try:
            room.delete(connection, name)
        except DefinitionError as error:
            raise audience_view.refused(error) from None
        audit(connection, principal(), "segment.delete", name, {})
    return "", 204


@blueprint.post("/segments/preview")
@operation(
    "segment.read",
    "Preview a condition",
    answer="segment_api.preview",
    body="segment_api.condition_body",
    tag="segments",
    problems=(400, 403),
)
def preview() -> Any:
    """Count, sample, breakdown by source and channel, overlap with other segments; nothing is stored."""
    document = _object("")
    with reading() as connection:
        found = audience_view.condition(connection, view(), document["condition"])
        made = audience_view.preview(connection, view(), found)
    note("segment.preview", None, {"condition": made["text"], "count": made["count"]})
    return answer(made)


@blueprint.post("/segments/<name>/plan")
@operation("segment.read", "Dry run", answer="segment_api.plan", body="segment_api.condition_body", tag="segments", problems=(400, 403))
def plan(name: str) -> Any:
    """What giving the segment this condition would add and remove; nothing is stored."""
    document = _object("")
    with reading() as connection:
        audience_view.condition(connection, view(), document["condition"], name)
    made = plain(room.plan(house().engine, name, document["condition"]))
    counts = {key: audience_view.figure(view(), made[key]) for key in ("members", "then", "enter", "leave")}
    samples = {key: made[key] if audience_view.sees_persons(view()) else [] for key in ("enter_sample", "leave_sample")}
    return answer({"dependants": made["dependants"], **counts, **samples})


@blueprint.get("/segments/<name>/members")
@operation(
    "segment.read", "Members", answer="segment_api.member_page", query=(LIMIT, AFTER, AS_OF), tag="segments", problems=(400, 403, 404)
)
def members(name: str, limit: int, cursor: str | None, as_of: str | None) -> Any:
    """Who is in the segment, or was at a past moment, and since when, by id."""
    at = past(as_of)
    stays = "select profile_id, entered_at from segment_member where segment_id = :segment"
    if at is not None:
        stays = f"""{stays} and entered_at <= :at union select profile_id, entered_at from segment_history
            where segment_id = :segment and entered_at <= :at and left_at > :at"""
    statement = f"""select profile_id as id, entered_at from ({stays}) as stay where true
        and (cast(:after as uuid) is null or profile_id > cast(:after as uuid)) order by profile_id limit :limit"""
    try:
        after = None if cursor is None else str(UUID(cursor))
    except ValueError:
        raise BadRequest("The query is not valid.", [PlaceError("query.cursor", "is not a cursor of this list")]) from None
    with reading() as connection:
        found = _found(connection, name)
        _require_persons()
        rows = connection.execute(text(statement), {"segment": found.id, "after": after, "limit": limit + 1, "at": at}).mappings().all()
    items = [dict(row) for row in rows[:limit]]
    note("segment.members", name, {"count": len(items)})
    return answer({"items": items, "next_cursor": str(items[-1]["id"]) if len(rows) > limit else None})


@blueprint.get("/segments/<name>/changes")
@operation(
    "segment.read",
    "Who came and who left",
    answer="segment_api.change_page",
    query=(LIMIT, BEFORE),
    tag="segments",
    problems=(400, 403, 404),
)
def changes(name: str, limit: int, cursor: int | None) -> Any:
    """Entries and exits with their cause, newest first."""
    with reading() as connection:
        found = _found(connection, name)
        _require_persons()
        rows = room.changes(connection, found.id, limit=limit + 1, before=cursor)
    items = rows[:limit]
    note("segment.changes", name, {"count": len(items)})
    return answer({"items": items, "next_cursor": str(items[-1].id) if len(rows) > limit else None})


def _require_persons() -> None:
    if not audience_view.sees_persons(view()):
        raise Forbidden("your department and role do not see who customers are, so members are not listed")


@blueprint.post("/segments/refresh")
@operation("segment.write", "Decide all segments", answer="segment_api.refreshed", tag="segments", problems=(403,))
def refresh() -> Any:
    """Bring attributes, segments and monitors up to date for whoever changed since the last time; answers when that is done."""
    report = room.refresh_changed(house().engine, lake=house().settings.lake)
    note("segment.refresh", None, {"fired": report.fired})
    items = [{key: getattr(one, key) for key in ("name", "members", "entered", "left")} for one in report.segments.segments]
    return answer({"as_of": report.segments.as_of, "profiles": report.attributes.profiles, "segments": items, "fired": report.fired})


@blueprint.get("/segments/<name>/explain/<uuid:profile_id>")
@operation("segment.read", "Why somebody is in or out", answer="segment_api.why", tag="segments", problems=(404,))
def explain(name: str, profile_id: UUID) -> Any:
    """Each part of the condition, whether it holds, and the value that was seen."""
    with reading() as connection:
        found = _found(connection, name)
        living = profiles.living(connection, profile_id)
        made = room.explain(connection, found.condition, living)
    note("profile.read", str(living), {"part": "segment", "segment": name})
    return audience_view.why(view(), found.condition, made)
