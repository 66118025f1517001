"""`/v1/destinations`: where audiences go, what a delivery would do, what it did, and what each row was answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, request
from sqlalchemy import Connection

from api import audience_view, sending
from api.answers import answer
from api.customers import plain
from api.house import house, note, principal, reading, view
from api.operations import LIMIT, Query, operation
from api.problems import BadRequest, Conflict, NotFound, PlaceError
from cdp import activation, profiles
from cdp.access import audit
from cdp.activation import Destination, UnknownDestination
from cdp.records.contracts import DocumentError, check

blueprint = Blueprint("destinations", __name__, url_prefix="/v1")

SEGMENT = Query("segment", "Look at this segment instead of the one that the definition names.", max_length=63)
ROWS = (
    Query("refused", "Only rows that the destination refused.", bool, False),
    LIMIT,
    Query("cursor", "`next_cursor` of the page before.", max_length=20),
)


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Every destination with its last delivery."""
    return [_shown(row) for row in activation.status(connection)]


def _shown(row: Any) -> dict[str, Any]:
    document, report = row["document"], row["report"] or {}
    last = None
    if row["delivery"] is not None:
        kept = ("added", "updated", "removed", "unchanged", "kept", "failing", "refused", "warnings", "places", "counts")
        times = {"id": row["delivery"], "status": row["status"], "started_at": row["started_at"], "finished_at": row["finished_at"]}
        last = times | {"error": row["error"], "report": {name: report[name] for name in kept if name in report}}
    return {
        "name": row["name"],
        "title": document.get("title") or document.get("segment") or row["name"],
        "kind": next(iter(document["to"])),
        "format": document["format"],
        "segment": document.get("segment"),
        "purpose": document.get("purpose"),
        "legal_basis": document.get("legal_basis"),
        "schedule": document.get("schedule"),
        "enabled": row["enabled"],
        "people": row["present"],
        "last_delivery": last,
    }


def one(connection: Connection, name: str) -> dict[str, Any]:
    """One destination.

    Raises:
        NotFound: there is none of this name.
    """
    for found in listed(connection):
        if found["name"] == name:
            return found
    raise NotFound(f"no destination is called {name!r}")


@blueprint.get("/destinations")
@operation("destination.read", "All destinations", answer="destination_api.destination_list", tag="destinations")
def list_() -> Any:
    """Each with its last delivery and how many people are there."""
    with reading() as connection:
        return answer({"items": listed(connection)})


@blueprint.get("/destinations/<name>")
@operation("destination.read", "One destination", answer="destination_api.destination", tag="destinations", problems=(404,))
def get(name: str) -> Any:
    """What is sent there, on what, and how the last delivery ended."""
    with reading() as connection:
        return answer(one(connection, name))


@blueprint.put("/destinations/<name>")
@operation(
    "destination.write",
    "Define a destination",
    answer="destination_api.destination",
    body="destination",
    tag="destinations",
    problems=(400,),
)
def put(name: str) -> Any:
    """Add it, or change it; the next delivery then looks at everybody. A secret is `env:NAME`."""
    document = request.get_json(silent=True)
    try:
        check(document, "destination", "body")
    except DocumentError as error:
        raise BadRequest(str(error)) from None
    if document["name"] != name:
        raise BadRequest("The name of the body is not that of the address.", [PlaceError("name", f"must be {name}")])
    store(document)
    with reading() as connection:
        return answer(one(connection, name))


def store(document: dict[str, Any]) -> Destination:
    """Define a destination for who asks, and note it."""
    with house().engine.begin() as connection:
        found = activation.register(connection, document, principal().name)
        detail = {"segment": document.get("segment"), "to": found.kind, "purpose": document.get("purpose")}
        audit(connection, principal(), "destination.write", found.name, detail)
    return found


@blueprint.delete("/destinations/<name>")
@operation("destination.write", "Disable a destination", answer=None, status=204, tag="destinations", problems=(404,))
def delete(name: str) -> Any:
    """Nothing more is sent there; what was sent stays in the ledger."""
    with house().engine.begin() as connection:
        activation.disable(connection, name, principal().name)
        audit(connection, principal(), "destination.disable", name, {})
    return "", 204


@blueprint.post("/destinations/<name>/preflight")
@operation(
    "destination.read",
    "What a delivery would do",
    answer="destination_api.report",
    query=(SEGMENT,),
    tag="destinations",
    problems=(400, 404),
)
def preflight(name: str, segment: str | None) -> Any:
    """How many would be added, updated, removed and left out, and which rows would fail and why; nothing leaves and nothing is stored."""
    return answer(preflown(name, segment))


def preflown(name: str, segment: str | None) -> dict[str, Any]:
    """A preflight for who asks, noted."""
    made = plain(activation.preflight(house().engine, name, segment).to_document())
    note("destination.preflight", name, {"segment": segment, "added": made["added"], "removed": made["removed"]})
    return {key: value for key, value in made.items() if key not in ("delivery", "receipts", "places", "refused", "complete")}


@blueprint.post("/destinations/<name>/send")
@operation(
    "audience.export",
    "Send",
    answer="destination_api.sent",
    tag="destinations",
    problems=(400, 404, 409),
    description="Answers 200 with the report where the delivery ended at once, else 202: ask the destination how it goes on.",
)
def send(name: str) -> Any:
    """Bring the destination up to date with its audience."""
    found = begin(name)
    if found.error is not None:
        raise found.error
    report = None if found.report is None else plain(found.report.to_document())
    document = {"name": name, "status": "sending" if report is None else "ended", "report": report}
    return answer(document, 202 if report is None else 200)


def begin(name: str) -> sending.Sending:
    """Start a delivery for who asks, and note it.

    Raises:
        UnknownDestination: there is none of this name.
        Conflict: one is under way.
    """
    with house().engine.begin() as connection:
        activation.by_name(connection, name)
        if activation.under_way(connection, name):
            raise Conflict(f"a delivery to {name} is under way: wait for its end")
        audit(connection, principal(), "audience.export", name, {})
    return sending.start(house().engine, house().settings, name)


@blueprint.post("/destinations/<name>/reconcile")
@operation(
    "destination.write",
    "Ask whom the destination has",
    answer="destination_api.reconciled",
    query=(Query("everything", "Do not ask: it has forgotten everybody.", bool, False),),
    tag="destinations",
    problems=(400, 404),
)
def reconcile(name: str, everything: bool) -> Any:
    """People whom it was told and does not have are sent again by the next delivery."""
    made = activation.reconcile(house().engine, house().settings, name, everything=everything)
    note("destination.reconcile", name, {"forgotten": made.forgotten})
    return answer(plain(made))


@blueprint.get("/destinations/<name>/deliveries/<int:delivery>/rows")
@operation(
    "audience.export", "What each row was answered", answer="destination_api.row_page", query=ROWS, tag="destinations", problems=(400, 404)
)
def rows(name: str, delivery: int, refused: bool, limit: int, cursor: str | None) -> Any:
    """Rows of a delivery in the order they left, each with what the destination said."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise BadRequest("The query is not valid.", [PlaceError("query.cursor", "is not a cursor of this list")])
    with reading() as connection:
        return answer(answered(connection, name, delivery, refused=refused, limit=limit, cursor=cursor))


def answered(connection: Connection, name: str, delivery: int, *, refused: bool, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """A page of rows, people by the names that who asks may see.

    Raises:
        NotFound: the destination has no such delivery.
    """
    destination = _found(connection, name)
    if not activation.of_destination(connection, destination, delivery):
        raise NotFound(f"{name} has no delivery {delivery}")
    found = activation.answers(connection, delivery, refused=refused, after=int(cursor or 0), limit=limit + 1)
    names = {item["id"]: item["display_name"] for item in audience_view.named(connection, view(), tuple(row.profile_id for row in found))}
    items = [plain(row) | {"display_name": names.get(str(row.profile_id))} for row in found[:limit]]
    note("destination.rows", name, {"delivery": delivery, "count": len(items)})
    return {"items": items, "next_cursor": str(items[-1]["id"]) if len(found) > limit else None}


def _found(connection: Connection, name: str) -> Destination:
    try:
        return activation.by_name(connection, name)
    except UnknownDestination as error:
        raise NotFound(str(error)) from None


@blueprint.get("/profiles/<uuid:profile_id>/shared")
@operation(
    "profile.read", "With whom a customer's data was shared", answer="destination_api.shared_list", tag="destinations", problems=(404,)
)
def shared(profile_id: UUID) -> Any:
    """Every row that left about the customer, newest first: when, where, which fields, on which consent, and the answer."""
    with reading() as connection:
        living = profiles.living(connection, profile_id)
        found = activation.shared_with(connection, living)
    note("profile.read", str(living), {"part": "shared"})
    return answer({"profile_id": living, "items": [plain(item) for item in found]})
