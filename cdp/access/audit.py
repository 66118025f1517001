"""The audit trail only grows, and each entry's hash covers the hash before: a changed or missing entry shows.

The chain cannot show that its newest entries were cut off; an anchor (a hash noted elsewhere, as `cdp audit verify` prints it) does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from cdp.access.principal import Principal
from cdp.db import lock
from cdp.db.tables import audit as table

GENESIS = hashlib.sha256(b"customer-data-platform audit").digest()
Detail = Mapping[str, str | int | bool | Sequence[str] | None]


@dataclass(frozen=True)
class Entry:
    """One thing that somebody did."""

    id: int
    at: datetime
    principal: str
    action: str
    object: str | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class Verification:
    """What a walk over the chain found; `broken_at` is the id of the first entry whose hash does not follow."""

    entries: int
    head: str
    broken_at: int | None
    anchor_found: bool | None

    @property
    def intact(self) -> bool:
        return self.broken_at is None and self.anchor_found is not False


def _digest(before: bytes, at: datetime, principal: str, action: str, obj: str | None, detail: Mapping[str, Any]) -> bytes:
    content = [at.astimezone(UTC).isoformat(timespec="microseconds"), principal, action, obj, dict(detail)]
    return hashlib.sha256(before + json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).digest()


def audit(connection: Connection, principal: Principal | str, action: str, object: str | None = None, detail: Detail | None = None) -> None:
    """Append an entry; other writers wait until the transaction ends, so write it last and commit soon.

    `detail` holds counts, field names and choices, never a person's values.
    """
    lock(connection, "audit")
    name = principal.name if isinstance(principal, Principal) else principal
    before = connection.execute(select(table.c.hash).order_by(table.c.id.desc()).limit(1)).scalar_one_or_none() or GENESIS
    at = datetime.now(UTC)
    content = dict(detail or {})
    digest = _digest(before, at, name, action, object, content)
    connection.execute(insert(table).values(at=at, principal=name, action=action, object=object, detail=content, hash=digest))


def entries(connection: Connection, *, limit: int = 100, before: int | None = None, principal: str | None = None) -> list[Entry]:
    """The newest entries first, at most `limit`, older than the entry `before`."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.id < before)
    if principal is not None:
        query = query.where(table.c.principal == principal)
    return [_entry(row) for row in connection.execute(query)]


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.id, row.at, row.principal, row.action, row.object, row.detail)


def verify(connection: Connection, anchor: str | None = None) -> Verification:
    """Walk the whole chain; `anchor` is a hash that must be in it, as an earlier verification printed it."""
    before, count, broken_at, found = GENESIS, 0, None, None if anchor is None else False
    for row in connection.execution_options(yield_per=1000).execute(select(table).order_by(table.c.id)):
        expected = _digest(before, row.at, row.principal, row.action, row.object, row.detail)
        before, count = bytes(row.hash), count + 1
        if before != expected and broken_at is None:
            broken_at = row.id
        if anchor is not None and before.hex() == anchor.lower():
            found = True
    return Verification(count, before.hex(), broken_at, found)
