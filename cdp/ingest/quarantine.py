"""A refused row waits in quarantine, with its reason and what there is of it, until it is replayed, corrected or discarded."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from cdp.db import tables
from cdp.ingest.fingerprint import dump
from cdp.records.source import Refused


def _storable(raw: Any) -> Any:
    """`raw` in a form JSONB can hold: text with NUL characters, and bytes, go in as base64."""
    if isinstance(raw, bytes):
        return {"_bytes": base64.b64encode(raw).decode()}
    content = dump(raw)
    if "\\u0000" in content or "\x00" in content or "\\ud8" in content.lower():
        return {"_json": base64.b64encode(content.encode("utf-8", "surrogatepass")).decode()}
    return raw


def hold(connection: Connection, source_id: int, stream: str, run_id: int | None, rows: Sequence[Refused]) -> list[Refused]:
    """Put rows into quarantine; one that is there already (same content) is renewed, not repeated. The rows that wait.

    A row that a person corrected or discarded stays so, however often the source repeats it.
    """
    if not rows:
        return []
    values: dict[bytes, dict[str, Any]] = {}
    refused: dict[bytes, list[Refused]] = {}
    for row in rows:
        raw = _storable(row.raw)
        digest = hashlib.md5(dump([raw, row.place if row.raw is None else ""]).encode(), usedforsecurity=False).digest()
        refused.setdefault(digest, []).append(row)
        values[digest] = {
            "source_id": source_id,
            "stream": stream,
            "source_key": row.source_key.replace("\x00", "") if row.source_key else None,
            "place": row.place,
            "field": row.field,
            "reason": row.reason,
            "message": row.message.replace("\x00", "\\0"),
            "raw": raw,
            "content_hash": digest,
            "run_id": run_id,
        }
    table, statement = tables.quarantine, insert(tables.quarantine)
    renewed = {name: statement.excluded[name] for name in ("place", "field", "reason", "message", "run_id")}
    settled = table.c.mended | (table.c.status == "discarded")
    upsert = statement.on_conflict_do_update(
        index_elements=["source_id", "stream", "content_hash"],
        set_=renewed | {"status": case((settled, table.c.status), else_="open"), "resolved_at": case((settled, func.now()), else_=None)},
    ).returning(table.c.content_hash, table.c.status)
    stored = connection.execute(upsert, list(values.values()))
    return [row for digest, status in stored if status == "open" for row in refused[digest]]


def release(connection: Connection, source_id: int, stream: str, keys: Sequence[str]) -> int:
    """Close what waits under keys that have landed in the meantime; the number closed."""
    result = connection.execute(
        update(tables.quarantine)
        .where(
            tables.quarantine.c.source_id == source_id,
            tables.quarantine.c.stream == stream,
            tables.quarantine.c.status == "open",
            tables.quarantine.c.source_key == func.any(list(keys)),
        )
        .values(status="replayed", resolved_at=func.now())
    )
    return int(result.rowcount)


def waiting(connection: Connection, source: str | None = None, limit: int = 100) -> list[Row[Any]]:
    """What waits in quarantine, newest first, with the name of its source."""
    query = (
        select(tables.quarantine, tables.source.c.name.label("source"))
        .join(tables.source, tables.source.c.id == tables.quarantine.c.source_id, isouter=True)
        .where(tables.quarantine.c.status == "open")
        .order_by(tables.quarantine.c.id.desc())
        .limit(limit)
    )
    return list(connection.execute(query if source is None else query.where(tables.source.c.name == source)))


def entry(connection: Connection, number: int) -> Row[Any] | None:
    """One entry, whether it waits or not, with the name and the department of its source; None where there is none."""
    table, source = tables.quarantine, tables.source.c
    query = select(table, source.name.label("source"), source.department).join(tables.source, source.id == table.c.source_id, isouter=True)
    return connection.execute(query.where(table.c.id == number)).first()


def summary(connection: Connection) -> list[Row[Any]]:
    """Open rows by source, stream and reason: (source, stream, reason, count, an example's message)."""
    return list(
        connection.execute(
            text(
                """select s.name as source, q.stream, q.reason, count(*) as count, min(q.message) as example
                   from quarantine q left join source s on s.id = q.source_id where q.status = 'open'
                   group by 1, 2, 3 order by 4 desc, 1, 2, 3"""
            )
        )
    )


def content(row: Row[Any]) -> Any:
    """The row as it was read, out of the form it is stored in."""
    raw = row.raw
    if isinstance(raw, dict) and set(raw) == {"_bytes"}:
        return base64.b64decode(raw["_bytes"])
    if isinstance(raw, dict) and set(raw) == {"_json"}:
        import json

        return json.loads(base64.b64decode(raw["_json"]).decode("utf-8", "surrogatepass"))
    return raw


def discard(connection: Connection, ids: Sequence[int]) -> int:
    """A person decides that these rows are not wanted; they stay stored as discarded. The number of rows."""
    result = connection.execute(
        update(tables.quarantine)
        .where(tables.quarantine.c.id.in_(ids), tables.quarantine.c.status == "open")
        .values(status="discarded", resolved_at=func.now())
    )
    return int(result.rowcount)
