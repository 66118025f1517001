"""Reading profiles: every function takes a connection and returns frozen values; nothing here writes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from cdp.errors import PlatformError


class NotFound(PlatformError):
    """No profile has this id, nor ever had."""


class BadCursor(PlatformError):
    """A page cursor that this platform did not make, or made for another list."""


@dataclass(frozen=True)
class ProfileSummary:
    """A profile in a list."""

    id: UUID
    kind: str
    display_name: str | None
    emails: Sequence[str]
    phones: Sequence[str]
    city: str | None
    sources: int
    record_count: int
    last_seen_at: datetime | None


@dataclass(frozen=True)
class ProfileView:
    """A profile. `redirected_from` is the id that was asked for, where that has been merged into this one."""

    id: UUID
    kind: str
    created_at: datetime
    confidence: float | None
    document: Mapping[str, Any]
    display_name: str | None
    record_count: int
    source_count: int
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    updated_at: datetime | None
    household: Sequence[ProfileSummary] = ()
    redirected_from: UUID | None = None


@dataclass(frozen=True)
class LinkView:
    """Why a record is with another one: the evidence between them."""

    source: str
    stream: str
    source_key: str
    evidence: float
    probability: float
    pattern: Mapping[str, Any]


@dataclass(frozen=True)
class RecordView:
    """A customer record of a profile: what the source wrote, and what it means."""

    id: int
    source: str
    department: str
    stream: str
    source_key: str
    canonical: Mapping[str, Any]
    raw: Mapping[str, Any]
    landed_at: datetime
    changed_at: datetime
    deleted_at: datetime | None
    links: Sequence[LinkView] = field(default_factory=tuple)


@dataclass(frozen=True)
class TimelinePage:
    """Interactions, the newest first."""

    items: Sequence[Mapping[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True)
class JournalEntry:
    """A change of who is who."""

    id: int
    at: datetime
    change: str
    profile_id: UUID
    from_profile_id: UUID | None
    records: int
    cause: Mapping[str, Any]


def encode(*parts: Any) -> str:
    """A cursor that holds these parts."""
    return base64.urlsafe_b64encode(json.dumps(parts, default=str).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: Callable[[Any], Any]) -> list[Any]:
    """The parts of a cursor, one for each of `kinds`."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [kind(part) for kind, part in zip(kinds, parts, strict=True)]
    except (ValueError, TypeError, AttributeError):
        raise BadCursor("the cursor is not one that this list gave; leave it out to start at the beginning") from None


SUMMARY = """p.id, p.kind, g.display_name, g.record_count, g.source_count as sources, g.last_seen_at,
    array(select x->>'value' from jsonb_array_elements(g.document->'contact'->'emails') x) as emails,
    array(select x->>'value' from jsonb_array_elements(g.document->'contact'->'phones') x) as phones,
    g.document->'contact'->'addresses'->0->>'city' as city"""


def summary(row: Row[Any]) -> ProfileSummary:
    """A row of `SUMMARY` over `profile p` and `golden g`."""
    return ProfileSummary(
        row.id, row.kind, row.display_name, tuple(row.emails), tuple(row.phones), row.city, row.sources, row.record_count, row.last_seen_at
    )


_EMPTY: Mapping[str, Any] = {
    "values": {},
    "contact": {"emails": [], "phones": [], "addresses": []},
    "identifiers": [],
    "consents": {},
    "stats": {"interactions": 0},
}


def living(connection: Connection, profile_id: UUID) -> UUID:
    """The id under which the profile lives now.

    Raises:
        NotFound: no profile ever had this id.
    """
    row = connection.execute(text("select coalesce(merged_into, id) as id from profile where id = :id"), {"id": profile_id}).first()
    if row is None:
        raise NotFound(f"no profile has the id {profile_id}")
    return UUID(str(row.id))


def get(connection: Connection, profile_id: UUID) -> ProfileView:
    """A profile by its id, or by one that was merged into it.

    Raises:
        NotFound: no profile ever had this id.
    """
    current = living(connection, profile_id)
    row = connection.execute(
        text(
            """select p.id, p.kind, p.created_at, p.confidence, p.household_id, g.document, g.display_name, g.record_count,
                      g.source_count, g.first_seen_at, g.last_seen_at, g.updated_at
               from profile p left join golden g on g.profile_id = p.id where p.id = :id"""
        ),
        {"id": current},
    ).one()
    return ProfileView(
        id=row.id,
        kind=row.kind,
        created_at=row.created_at,
        confidence=row.confidence,
        document=row.document or _EMPTY,
        display_name=row.display_name,
        record_count=row.record_count or 0,
        source_count=row.source_count or 0,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        updated_at=row.updated_at,
        household=_household(connection, row.id, row.household_id),
        redirected_from=profile_id if profile_id != current else None,
    )


def _household(connection: Connection, profile_id: UUID, household_id: UUID | None) -> tuple[ProfileSummary, ...]:
    if household_id is None:
        return ()
    rows = connection.execute(
        text(
            f"""select {SUMMARY} from profile p join golden g on g.profile_id = p.id
                where p.household_id = :household and p.id <> :id and p.retired_at is null order by g.display_name limit 20"""
        ),
        {"household": household_id, "id": profile_id},
    )
    return tuple(summary(row) for row in rows)


def records(connection: Connection, profile_id: UUID) -> list[RecordView]:
    """The customer records of a profile, with the evidence between them, by department and source.

    Raises:
        NotFound: no profile ever had this id.
    """
    params = {"id": living(connection, profile_id)}
    rows = connection.execute(
        text(
            """select r.id, s.name as source, s.department, r.stream, r.source_key, r.canonical, r.raw,
                      r.landed_at, r.changed_at, r.deleted_at
               from record r join source s on s.id = r.source_id where r.profile_id = :id order by s.department, s.name, r.source_key"""
        ),
        params,
    ).all()
    links = connection.execute(
        text(
            """select l.record_a, l.record_b, l.evidence, l.probability, l.pattern from link l
               join record a on a.id = l.record_a join record b on b.id = l.record_b where a.profile_id = :id and b.profile_id = :id"""
        ),
        params,
    ).all()
    named = {row.id: row for row in rows}
    held: dict[int, list[LinkView]] = {row.id: [] for row in rows}
    for link in links:
        for one, other in ((link.record_a, link.record_b), (link.record_b, link.record_a)):
            o = named[other]
            held[one].append(LinkView(o.source, o.stream, o.source_key, link.evidence, link.probability, link.pattern))
    return [RecordView(**row._mapping, links=tuple(sorted(held[row.id], key=lambda v: -v.evidence))) for row in rows]


def timeline(
    connection: Connection,
    profile_id: UUID,
    *,
    limit: int = 50,
    cursor: str | None = None,
    kinds: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
) -> TimelinePage:
    """Everything that happened with a profile over all sources, the newest first.

    Raises:
        NotFound: no profile ever had this id.
        BadCursor: the cursor is not of this list.
    """
    params: dict[str, Any] = {"id": living(connection, profile_id), "limit": max(1, min(limit, 500)) + 1}
    conditions = ["i.profile_id = :id", "i.deleted_at is null"]
    if cursor:
        at, last = decode(cursor, datetime.fromisoformat, int)
        conditions.append("(i.at, i.id) < (cast(:at as timestamptz), :last)")
        params |= {"at": at, "last": last}
    for name, column, wanted in (("kinds", "kind", kinds), ("channels", "channel", channels)):
        if wanted:
            conditions.append(f"i.{column} = any(:{name})")
            params[name] = list(wanted)
    rows = connection.execute(
        text(
            f"""select i.id, s.name as source, s.department, i.stream, i.source_key, i.kind, i.name, i.channel, i.at, i.amount, i.currency,
                       i.status, i.canonical
                from interaction i join source s on s.id = i.source_id
                where {" and ".join(conditions)} order by i.at desc, i.id desc limit :limit"""
        ),
        params,
    ).all()
    shown = rows[: params["limit"] - 1]
    following = encode(shown[-1].at.isoformat(), shown[-1].id) if len(rows) > len(shown) else None
    return TimelinePage(tuple(_interaction(row) for row in shown), following)


def _interaction(row: Row[Any]) -> dict[str, Any]:
    columns = {name: value for name, value in row._mapping.items() if name != "canonical"}
    columns["amount"] = format(row.amount.normalize(), "f") if row.amount is not None else None
    details = {
        name: value for name, value in row.canonical.items() if name not in columns and name not in ("customer_key", "customer_stream")
    }
    if isinstance(details.get("properties"), str):
        details["properties"] = json.loads(details["properties"])
    return columns | details


def history(connection: Connection, profile_id: UUID) -> list[JournalEntry]:
    """Who is who, change by change: what came to this profile and what left it, the newest first.

    Raises:
        NotFound: no profile ever had this id.
    """
    rows = connection.execute(
        text(
            """select id, at, change, profile_id, from_profile_id, cardinality(record_ids) as records, cause from profile_journal
               where :id in (profile_id, from_profile_id) order by id desc"""
        ),
        {"id": living(connection, profile_id)},
    )
    return [JournalEntry(**row._mapping) for row in rows]
