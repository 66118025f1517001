"""Every row that came in has a receipt, read from what the journal holds of it: nothing is written for it, so nothing can be forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True)
class Receipt:
    """What became of the row `(source, stream, key)`.

    Attributes:
        status: accepted | deleted | refused | unknown.
        profile_id: the profile it belongs to now; None until the next resolution.
        versions: how often its content changed since it first landed.
        issues: fields that its row as it is now left empty, and why; what the source wrote is in the row itself.
        refusals: what was refused under this key, and why; newest first.
    """

    source: str
    stream: str
    key: str
    status: str
    kind: str | None = None
    landed_at: datetime | None = None
    changed_at: datetime | None = None
    profile_id: UUID | None = None
    versions: int = 0
    issues: list[dict[str, str]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)


def receipts(connection: Connection, source: str, key: str, stream: str | None = None) -> list[Receipt]:
    """Receipts of every row of `source` with this key, of one stream or of all; empty where nothing like it ever came in."""
    params = {"source": source, "key": key, "stream": stream}
    where = "s.name = :source and t.source_key = :key and (cast(:stream as text) is null or t.stream = :stream)"
    landed = connection.execute(
        text(
            f"""select t.stream, 'customer' as kind, t.landed_at, t.changed_at, t.deleted_at, t.profile_id, t.canonical->'issues' as issues,
                       (select count(*) from record_version v where v.record_id = t.id) as versions
                from record t join source s on s.id = t.source_id where {where}
                union all
                select t.stream, t.kind, t.landed_at, t.changed_at, t.deleted_at, t.profile_id, t.canonical->'issues', 0
                from interaction t join source s on s.id = t.source_id where {where}"""
        ),
        params,
    ).all()
    refused = connection.execute(
        text(
            f"""select t.stream, t.id, t.status, t.reason, t.field, t.message, t.place, t.created_at
                from quarantine t join source s on s.id = t.source_id where {where} order by t.id desc"""
        ),
        params,
    ).all()
    found: dict[str, Receipt] = {}
    for row in landed:
        status = "deleted" if row.deleted_at else "accepted"
        issues = [{name: issue[name] for name in ("field", "reason")} for issue in row.issues or ()]
        about = (row.kind, row.landed_at, row.changed_at, row.profile_id, row.versions, issues)
        found[row.stream] = Receipt(source, row.stream, key, status, *about)
    for row in refused:
        receipt = found.setdefault(row.stream, Receipt(source, row.stream, key, "refused"))
        receipt.refusals.append(
            {
                "id": row.id,
                "status": row.status,
                "reason": row.reason,
                "field": row.field,
                "message": row.message,
                "place": row.place,
                "at": row.created_at.isoformat(),
            }
        )
    return list(found.values())
