"""`/v1/doubts`, `/v1/decisions`, `/v1/resolutions`: what a steward settles. Records are shown as who asks may see them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, current_app, request
from sqlalchemy import Connection, Engine

from api.answers import answer
from api.customers import Json, plain
from api.house import house, note, principal, reading, view
from api.operations import Query, operation
from api.problems import BadRequest, NotFound
from cdp.access import audit, redact_key, redact_record
from cdp.db import is_locked
from cdp.identity import Verdict
from cdp.profiles import decisions as room
from cdp.profiles import refresh, resolve_profiles
from cdp.records.contracts import DocumentError, check
from cdp.segments import refresh_since
from cdp.settings import Settings

blueprint = Blueprint("decisions", __name__, url_prefix="/v1")

LIMIT = Query("limit", "How many items a page holds.", int, 20, 1, 200)
CURSOR = Query("cursor", "`next_cursor` of the page before.", int, minimum=1)


@blueprint.get("/doubts")
@operation("review.read", "Doubtful matches", answer="decision_api.doubt_page", query=(LIMIT,), tag="decisions")
def doubts(limit: int) -> Any:
    """Pairs of records that the evidence leaves open, those first whose decision changes most."""
    with reading() as connection:
        found = doubtful(connection, limit)
    note("review.read", None, {"count": len(found["items"])})
    return answer(found)


def doubtful(connection: Connection, limit: int) -> Json:
    """A page of doubtful pairs as who asks may see them."""
    page = room.doubts(connection, limit)
    items = [
        one | {"a": redact_record(view(), one["a"]), "b": redact_record(view(), one["b"])} for one in (plain(item) for item in page.items)
    ]
    return {"items": items, "total": page.total, "waiting": room.waiting(connection)}


@blueprint.get("/decisions")
@operation("review.read", "Decisions", answer="decision_api.decision_page", query=(LIMIT, CURSOR), tag="decisions")
def list_(limit: int, cursor: int | None) -> Any:
    """Decisions, revoked ones too, the newest first."""
    with reading() as connection:
        rows = room.decisions(connection, limit=limit + 1, before=cursor)
    items = [decided(row) for row in rows[:limit]]
    note("review.read", None, {"decisions": len(items)})
    return answer({"items": items, "next_cursor": str(items[-1]["id"]) if len(rows) > limit else None})


def decided(row: room.Decided) -> Json:
    """A decision as who asks may see it: a key may be an e-mail address."""
    found: Json = plain(row)
    for name in ("a", "b"):
        source, _, key = found[name].partition(":")
        found[name] = f"{source}:{redact_key(view(), key)}"
    return found


@blueprint.post("/decisions")
@operation("decision.write", "Decide", answer="decision_api.made", status=201, body="decision", tag="decisions", problems=(400,))
def decide() -> Any:
    """Say of two records that they are one person, or never are. An earlier decision on the pair is revoked."""
    document = request.get_json(silent=True)
    if document is None:
        raise BadRequest("The body is not JSON.")
    try:
        check(document, "decision", "body")
    except DocumentError as error:
        raise BadRequest(str(error)) from None
    return answer({"id": keep(Verdict(document["judgement"]), document["a"], document["b"], document.get("note"))}, 201)


def keep(judgement: Verdict, a: str | int, b: str | int, why: str | None) -> int:
    """Keep a decision for who asks, and note it; records by id or as SOURCE:KEY."""
    with house().engine.begin() as connection:
        try:
            made, records = room.decide(connection, judgement, a, b, principal().name, why)
        except room.BadPair as error:
            raise BadRequest(str(error)) from None
        said = {"judgement": str(judgement), "records": [str(each) for each in records]}
        audit(connection, principal(), "decision.write", str(made), said)
    return made


@blueprint.delete("/decisions/<int:decision_id>")
@operation("decision.write", "Revoke a decision", answer=None, status=204, tag="decisions", problems=(404,))
def revoke(decision_id: int) -> Any:
    """The next resolution decides without it; it stays in the list, with the time it was revoked."""
    take_back(decision_id)
    return "", 204


def take_back(decision_id: int) -> None:
    """Revoke a decision for who asks, and note it."""
    with house().engine.begin() as connection:
        try:
            room.revoke(connection, decision_id)
        except room.UnknownDecision as error:
            raise NotFound(str(error)) from None
        audit(connection, principal(), "decision.revoke", str(decision_id), {})


@blueprint.post("/resolutions")
@operation("decision.write", "Resolve now", answer="decision_api.resolution", status=202, tag="decisions")
def resolve() -> Any:
    """Start a resolution of all records that heeds every decision, unless one is under way; `/v1/status` tells when it is done."""
    return answer({"state": start()}, 202)


def start() -> str:
    """Start a resolution beside the requests, and note it; `running` where one is under way."""
    with reading() as connection:
        if is_locked(connection, "resolve"):
            return "running"
    with house().engine.begin() as connection:
        audit(connection, principal(), "resolve.start", None, {})
    work = (house().engine, house().settings, current_app.logger)
    threading.Thread(target=_resolve, args=work, name="resolve", daemon=True).start()
    return "started"


def _resolve(engine: Engine, settings: Settings, logger: Any) -> None:
    started = datetime.now(UTC)
    try:
        resolve_profiles(engine, settings)
        refresh(engine, settings)
        refresh_since(engine, started)
    except Exception:
        logger.exception("the resolution that a steward started failed; nothing was changed by it")
