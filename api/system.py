"""`/v1/status`, `/v1/sources`, `/v1/receipts`, `/v1/quarantine`: what came in, how fresh it is, and what was refused."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import Connection, func, select, text

from api.customers import plain
from api.house import house, reading
from api.operations import CURSOR, LIMIT, Query, operation, public
from api.problems import BadRequest, PlaceError
from cdp import __version__
from cdp.db.tables import quarantine as quarantine_table
from cdp.db.tables import source as source_table
from cdp.db.tables import stream as stream_table
from cdp.ingest.receipts import receipts as find_receipts
from cdp.metrics import CONTENT_TYPE, metrics
from cdp.status import platform_status

blueprint = Blueprint("system", __name__)


@blueprint.get("/healthz")
@public()
def health() -> Any:
    """Whether this process answers and reaches its database; says nothing else."""
    with house().engine.connect() as connection:
        connection.execute(text("select 1"))
    return {"status": "ok"}


@blueprint.get("/v1/status")
@operation("status.read", "What is where, how fresh and how many", answer="api.status", tag="system")
def status() -> Any:
    """Counts over everything, how fresh each stream, stage and segment is, and how the last delivery to each destination ended.

    Counts over whole tables are held; `totals.as_of` says when they were made.
    """
    return {"version": __version__, **plain(asdict(platform_status(house().engine)))}


@blueprint.get("/metrics")
@operation("status.read", "The same as metrics", answer=None, media="text/plain", tag="system")
def prometheus() -> Any:
    """Figures, freshness and failures in the text format of Prometheus; a scraper sends an API key as `Authorization: Bearer …`."""
    return Response(metrics(platform_status(house().engine)), content_type=CONTENT_TYPE)


@blueprint.get("/v1/sources")
@operation("source.read", "The sources", answer="api.source_list", tag="system")
def sources() -> Any:
    """Each source with its department and streams. How it is reached is not shown."""
    with reading() as connection:
        return {"items": list_sources(connection)}


def list_sources(connection: Connection) -> list[dict[str, Any]]:
    """Sources by department and name."""
    streams: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(select(stream_table).order_by(stream_table.c.name)):
        streams.setdefault(row.source_id, []).append({"name": row.name, "kind": row.kind, "last_success_at": row.last_success_at})
    names = ("name", "department", "connector", "priority", "duplicate_free", "enabled", "created_at")
    rows = connection.execute(select(source_table).order_by(source_table.c.department, source_table.c.name))
    return [plain({name: getattr(row, name) for name in names} | {"streams": streams.get(row.id, [])}) for row in rows]


RECEIPT = (
    Query("source", "Name of the source.", required=True, max_length=200),
    Query("key", "Key of the row.", required=True, max_length=1000),
    Query("stream", "Only this stream of the source.", max_length=200),
)


@blueprint.get("/v1/receipts")
@operation("receipt.read", "What became of a row", answer="api.receipt_list", query=RECEIPT, tag="system", problems=(400,))
def receipts(source: str, key: str, stream: str | None) -> Any:
    """One receipt for each stream that gave a row of this key; none where nothing like it ever came in."""
    with reading() as connection:
        return {"items": plain(find_receipts(connection, source, key, stream))}


QUARANTINE = (
    Query("status", "Only rows in this state.", default="open", choices=("open", "replayed", "discarded")),
    Query("source", "Only rows of this source.", max_length=200),
    LIMIT,
    CURSOR,
)


@blueprint.get("/v1/quarantine")
@operation("quarantine.read", "Refused rows", answer="api.quarantine_page", query=QUARANTINE, tag="system", problems=(400,))
def quarantined(status: str, source: str | None, limit: int, cursor: str | None) -> Any:
    """Rows that were refused, the newest first, with the place and the reason; what they hold is not shown."""
    with reading() as connection:
        return refused_rows(connection, status=status, source=source, limit=limit, cursor=cursor)


def refused_rows(connection: Connection, *, status: str, source: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of quarantine; the cursor is the id of the last row."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 18):
        raise BadRequest("The query is not valid.", [PlaceError("query.cursor", "is not one that this list gave")])
    q = quarantine_table.c
    columns = (q.id, source_table.c.name.label("source"), q.stream, q.place, q.field, q.reason, q.message, q.status, q.created_at)
    query = select(*columns).outerjoin(source_table, source_table.c.id == q.source_id).where(q.status == status)
    if source is not None:
        query = query.where(source_table.c.name == source)
    if cursor is not None:
        query = query.where(q.id < int(cursor))
    rows = connection.execute(query.order_by(q.id.desc()).limit(limit + 1)).all()
    items = [plain(dict(row._mapping)) for row in rows[:limit]]
    return {"items": items, "next_cursor": str(items[-1]["id"]) if len(rows) > limit else None}


def refusals_by_reason(connection: Connection) -> list[dict[str, Any]]:
    """How many rows wait in quarantine, by source, stream and reason; most first."""
    q = quarantine_table.c
    count = func.count().label("rows")
    query = (
        select(source_table.c.name.label("source"), q.stream, q.field, q.reason, count, func.max(q.created_at).label("latest"))
        .outerjoin(source_table, source_table.c.id == q.source_id)
        .where(q.status == "open")
        .group_by(source_table.c.name, q.stream, q.field, q.reason)
        .order_by(count.desc())
        .limit(100)
    )
    return [plain(dict(row._mapping)) for row in connection.execute(query)]
