"""What became of a message, and what violates tracking plans: for those who send events and those who look after them.

Whoever belongs to a department sees its own messages; the others' do not exist for them.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import Connection

from api.answers import answer
from api.house import principal, reading
from api.operations import Query, operation
from api.problems import NotFound
from cdp.activation.used import used_in
from cdp.ingest.events.plans import violations
from cdp.ingest.events.receipts import EventReceipt, receipt

blueprint = Blueprint("receipts", __name__)


def _mine(department: str) -> bool:
    departments = principal().departments
    return departments is None or department in departments


@blueprint.get("/v1/receipts/<path:message_id>")
@operation("receipt.read", "What became of a message", answer="tracking.receipt", tag="tracking")
def show(message_id: str) -> Response:
    """Accepted, processed, held, refused or discarded, with the reason; the profile it is on, what was made of it, and what used that."""
    with reading() as connection:
        known = found(connection, message_id)
    if known is None:
        raise NotFound("no message with this id was sent")
    return answer(asdict(known[0]) | {"used_in": known[1]})


def found(connection: Connection, message_id: str) -> tuple[EventReceipt, list[dict[str, Any]]] | None:
    """The receipt of a message and what used it, where there is one that who asks may see."""
    known = receipt(connection, message_id)
    if known is None or not _mine(known.department):
        return None
    return known, known.used_in + used_in(connection, known)


@blueprint.get("/v1/violations")
@operation(
    "quarantine.read",
    "What violates tracking plans",
    answer="tracking.violations",
    query=[
        Query("source", "Of one source; otherwise of all."),
        Query("days", "Seen in the last so many days.", int, 7, 1, 365),
        Query("limit", "How many, the most frequent first.", int, 200, 1, 1000),
    ],
    tag="tracking",
)
def show_violations(source: str | None, days: int, limit: int) -> Response:
    """Counted by event, field and rule, each with the messages that showed it first."""
    with reading() as connection:
        return answer({"violations": violating(connection, source, days, limit)})


def violating(connection: Connection, source: str | None, days: int, limit: int) -> list[dict[str, Any]]:
    """What violates the plans of sources that who asks may see."""
    return [_violation(row._mapping) for row in violations(connection, source, days, limit) if _mine(row.department)]


def _violation(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("source", "event", "field", "rule", "count", "first_at", "last_at", "message", "samples")}
