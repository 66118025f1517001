"""`/v1/profiles`: finding customers, and everything there is about one. What is read is noted in the audit trail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint

from api import customers
from api.answers import answer
from api.house import note, reading, view
from api.operations import CURSOR, LIMIT, Query, operation
from api.problems import BadRequest, PlaceError
from cdp.records.model import Channel, InteractionKind

blueprint = Blueprint("profiles", __name__, url_prefix="/v1/profiles")

FIND = (
    Query("q", "Words; a profile is found if each begins one of its names, cities, contact points or identifiers.", max_length=200),
    Query("email", "An e-mail address, whole.", max_length=320),
    Query(
        "phone",
        "A whole phone number, written in any way; with a prefix (`%2B4930…`) it is exact, without one its country may be any.",
        max_length=40,
    ),
    Query("source", "Name of a source; with `key` one record, alone everyone the source knows.", max_length=200),
    Query("key", "Key of a record in its source.", max_length=1000),
    LIMIT,
    CURSOR,
)
TIMELINE = (
    Query("kind", "Only interactions of this kind; several times for several.", choices=tuple(InteractionKind), many=True),
    Query("channel", "Only interactions over this channel; several times for several.", choices=tuple(Channel), many=True),
    Query("limit", "How many items a page holds.", int, 50, 1, 200),
    CURSOR,
)


@blueprint.get("")
@operation("profile.read", "Find profiles", answer="api.profile_page", query=FIND, tag="profiles", problems=(400,))
def find(limit: int, cursor: str | None, **given: Any) -> Any:
    """Living profiles that match everything given. Give at least one of `q`, `email`, `phone`, `source` and `key`."""
    wanted = {name: value.strip() for name, value in given.items() if value and value.strip()}
    if not wanted:
        raise BadRequest("Nothing to look for.", [PlaceError("query", "needs at least one of q, email, phone, source, key")])
    with reading() as connection:
        page = customers.find(connection, view(), limit=limit, cursor=cursor, **wanted)
    note("profile.search", None, {"by": sorted(wanted), "found": len(page["items"])})
    return page


@blueprint.get("/<uuid:profile_id>")
@operation("profile.read", "One profile", answer="api.profile_view", tag="profiles", problems=(404,))
def get(profile_id: UUID) -> Any:
    """Golden values with their reasons, contact points, consents, key figures, household.

    An id that was merged answers with the living profile: `redirected_from` is the id that was asked for, `Content-Location` the
    address of the living one.
    """
    with reading() as connection:
        found = customers.profile(connection, view(), profile_id)
    note("profile.read", found["id"], {"part": "profile"})
    return answer(found, headers={"Content-Location": f"/v1/profiles/{found['id']}"})


@blueprint.get("/<uuid:profile_id>/records")
@operation("record.read", "The records of a profile", answer="api.record_list", tag="profiles", problems=(404,))
def records(profile_id: UUID) -> Any:
    """What each source says of the customer, and the evidence that these records are one customer."""
    with reading() as connection:
        found = customers.records(connection, view(), profile_id)
    note("profile.read", found["profile_id"], {"part": "records"})
    return found


@blueprint.get("/<uuid:profile_id>/timeline")
@operation("profile.read", "What happened with a customer", answer="api.timeline_page", query=TIMELINE, tag="profiles", problems=(400, 404))
def timeline(profile_id: UUID, kind: tuple[str, ...], channel: tuple[str, ...], limit: int, cursor: str | None) -> Any:
    """Interactions over all sources, the newest first."""
    with reading() as connection:
        found = customers.timeline(connection, view(), profile_id, limit=limit, cursor=cursor, kinds=kind, channels=channel)
    note("profile.read", found["profile_id"], {"part": "timeline"})
    return found


@blueprint.get("/<uuid:profile_id>/history")
@operation("record.read", "Changes of who is who", answer="api.history", tag="profiles", problems=(404,))
def history(profile_id: UUID) -> Any:
    """What was merged into this profile and split off it, when, and what caused it."""
    with reading() as connection:
        found = customers.history(connection, profile_id)
    note("profile.read", found["profile_id"], {"part": "history"})
    return found
