"""`/v1/attributes`: what is computed of each customer, from what, and what another definition would give."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, request
from sqlalchemy import Connection, text

from api import audience_view
from api.answers import answer
from api.customers import plain
from api.house import house, note, principal, reading, view
from api.operations import operation
from api.problems import BadRequest, NotFound, PlaceError
from api.segments import AS_OF, past
from cdp import attributes as attribute_room
from cdp import profiles
from cdp import segments as room
from cdp.access import audit
from cdp.attributes import DefinitionError, UnknownName
from cdp.attributes.plan import explain as explain_value
from cdp.attributes.plan import plan as plan_values
from cdp.attributes.plan import spread, values_as_of
from cdp.records.contracts import DocumentError, check

blueprint = Blueprint("attributes", __name__, url_prefix="/v1")


def _attribute(name: str) -> Any:
    """The definition in the body; one that runs code of its own takes who may write sources."""
    document = request.get_json(silent=True)
    if document is None:
        raise BadRequest("The body is not JSON.")
    try:
        check(document, "attribute", "body")
    except DocumentError as error:
        raise BadRequest(str(error)) from None
    if document["name"] != name:
        raise BadRequest("The name of the body is not that of the address.", [PlaceError("name", f"must be {name}")])
    if document["kind"] in ("sql", "python"):
        principal().require("source.write")
    return document


@blueprint.get("/attributes")
@operation("attribute.read", "All attributes", answer="segment_api.attribute_list", tag="attributes")
def attribute_list() -> Any:
    """The active definitions, with the type of the value."""
    with reading() as connection:
        found = attribute_room.definitions(connection)
    items = [{"name": d.name, "type": d.type.value, "definition": dict(d.document)} for d in sorted(found, key=lambda d: d.name)]
    return {"items": items}


@blueprint.put("/attributes/<name>")
@operation(
    "attribute.write", "Declare an attribute", answer="segment_api.attribute_change", body="attribute", tag="attributes", problems=(400,)
)
def attribute_put(name: str) -> Any:
    """Make it active, as a new version where it differs; the next refresh computes everybody."""
    document = _attribute(name)
    with house().engine.begin() as connection:
        try:
            (change,) = room.declare_attributes(connection, [attribute_room.load(document)], principal().name)
        except DefinitionError as error:
            raise audience_view.refused(error) from None
        audit(connection, principal(), "attribute.write", name, {"version": change.version})
    return {"name": change.name, "change": change.change, "version": change.version}


@blueprint.delete("/attributes/<name>")
@operation("attribute.write", "Withdraw an attribute", answer=None, status=204, tag="attributes", problems=(400, 404))
def attribute_delete(name: str) -> Any:
    """End it, where no other attribute and no segment names it; its versions stay."""
    with house().engine.begin() as connection:
        if name not in attribute_room.types(connection):
            raise NotFound(f"There is no attribute {name}.")
        try:
            room.declare_attributes(connection, [], principal().name, withdraw=[name])
        except DefinitionError as error:
            raise audience_view.refused(error) from None
        audit(connection, principal(), "attribute.delete", name, {})
    return "", 204


@blueprint.post("/attributes/<name>/plan")
@operation("attribute.write", "Dry run", answer="segment_api.attribute_plan", body="attribute", tag="attributes", problems=(400, 403))
def attribute_plan(name: str) -> Any:
    """What values declaring this would give, and how many would differ, on a sample of customers; nothing is stored."""
    document = _attribute(name)
    try:
        wanted = attribute_room.load(document)
        (difference,) = plan_values(house().engine, [wanted]).differences
        (found,) = spread(house().engine, [wanted])
    except DefinitionError as error:
        raise audience_view.refused(error) from None
    shown = plain(found) | {"differing": difference.differing}
    return answer(shown if audience_view.sees_persons(view()) else shown | {"least": None, "middle": None, "most": None, "common": []})


@blueprint.get("/profiles/<uuid:profile_id>/attributes/<name>")
@operation("profile.read", "Why a value", answer="segment_api.attribute_why", tag="attributes", problems=(404,))
def attribute_why(profile_id: UUID, name: str) -> Any:
    """The value of an attribute with its definition, when it was computed, and from how many events."""
    with reading() as connection:
        living = profiles.living(connection, profile_id)
        known = {d.name: d for d in attribute_room.definitions(connection)}
        try:
            found = plain(explain_value(connection, name, living))
        except UnknownName as error:
            raise NotFound(str(error)) from None
    note("profile.read", str(living), {"part": "attribute", "attribute": name})
    shown = audience_view.shown_attributes(view(), {name: found["value"], **found["needs"]}, known)
    return answer(found | {"value": shown.get(name), "needs": {key: shown.get(key) for key in found["needs"]}})


@blueprint.get("/profiles/<uuid:profile_id>/attributes")
@operation(
    "profile.read",
    "Attributes and segments of a customer",
    answer="segment_api.profile_attributes",
    query=(AS_OF,),
    tag="attributes",
    problems=(400, 404),
)
def profile_attributes(profile_id: UUID, as_of: str | None) -> Any:
    """Each value that there is, when it was computed and the moment it stands at; the segments that the customer is in.

    With `as_of`, the values as they would have been then, from the events that are known today.
    """
    at = past(as_of)
    with reading() as connection:
        living = profiles.living(connection, profile_id)
        found = attributes_of(connection, living, at)
        known = {d.name: d for d in attribute_room.definitions(connection)}
    if at is not None:
        values = audience_view.shown_attributes(view(), values_as_of(house().engine, living, at), known)
        found |= {"as_of": at, "computed_at": None, "values": values}
    note("profile.read", str(living), {"part": "attributes"})
    return answer(found)


def attributes_of(connection: Connection, profile_id: UUID, at: datetime | None = None) -> dict[str, Any]:
    """The attributes and segments of a living profile, hidden ones left out; `at`: the segments of that moment."""
    row = (
        connection.execute(text('select as_of, computed_at, "values" from profile_attribute where profile_id = :id'), {"id": profile_id})
        .mappings()
        .one_or_none()
    )
    inside = connection.execute(
        text("""select s.name from segment_member m join segment s on s.id = m.segment_id
            where m.profile_id = :id and s.deleted_at is null and (cast(:at as timestamptz) is null or m.entered_at <= :at)
            union select s.name from segment_history h join segment s on s.id = h.segment_id
            where h.profile_id = :id and h.entered_at <= :at and h.left_at > :at order by 1"""),
        {"id": profile_id, "at": at},
    ).scalars()
    known = {d.name: d for d in attribute_room.definitions(connection)}
    values = {} if row is None else audience_view.shown_attributes(view(), row["values"], known)
    return {
        "profile_id": profile_id,
        "as_of": None if row is None else row["as_of"],
        "computed_at": None if row is None else row["computed_at"],
        "values": values,
        "segments": list(inside),
    }
