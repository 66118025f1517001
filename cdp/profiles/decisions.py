"""A decision is a person's word on two records; it holds in every later resolution until it is revoked, and nothing of it is deleted.

It takes effect with the next resolution, which is a pure function of the records and the decisions: so revoking one brings back exactly
what was before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from cdp.errors import PlatformError
from cdp.identity import Verdict
from cdp.identity.resolution import DOUBT
from cdp.profiles.views import RecordView


class UnknownDecision(PlatformError):
    """No decision that holds has this number: `cdp decisions list` shows those there are."""


class BadPair(PlatformError):
    """The pair is none: a record is not there, or it is one record twice."""


@dataclass(frozen=True)
class Doubt:
    """Two records that the evidence leaves open.

    Attributes:
        together: whether they are one profile now.
        profiles: the profile of each record.
    """

    a: RecordView
    b: RecordView
    evidence: float
    probability: float
    pattern: Mapping[str, str]
    together: bool
    profiles: tuple[UUID | None, UUID | None]


@dataclass(frozen=True)
class DoubtPage:
    """Doubtful pairs, those first whose decision changes most; `total` counts all, up to 1,000."""

    items: Sequence[Doubt]
    total: int


@dataclass(frozen=True)
class Decided:
    """A decision; `a` and `b` are `SOURCE:KEY`. `applied` says whether a resolution has been made since."""

    id: int
    judgement: Verdict
    a: str
    b: str
    principal: str
    note: str | None
    at: datetime
    revoked_at: datetime | None
    applied: bool


_OPEN = """from link l join record a on a.id = l.record_a join record b on b.id = l.record_b
    where l.probability > :low and l.probability < :high and a.deleted_at is null and b.deleted_at is null
      and not exists (select from decision d where d.record_a = l.record_a and d.record_b = l.record_b and d.revoked_at is null)
      and (a.profile_id is distinct from b.profile_id or not (:held_a) or not (:held_b))"""
_HELD = """exists (select from link x join record o on o.id = case when x.record_a = {0}.id then x.record_b else x.record_a end
    where (x.record_a = {0}.id or x.record_b = {0}.id) and x.probability >= :high and o.profile_id = {0}.profile_id)"""
_DOUBTFUL = _OPEN.replace("(:held_a)", _HELD.format("a")).replace("(:held_b)", _HELD.format("b"))


def doubts(connection: Connection, limit: int = 20) -> DoubtPage:
    """Pairs for a steward: of two profiles, the likeliest one person first; then those that only their own doubtful link holds together."""
    params: dict[str, Any] = {"low": DOUBT[0], "high": DOUBT[1], "limit": max(1, min(limit, 200))}
    rows = connection.execute(
        text(
            f"""select l.record_a, l.record_b, l.evidence, l.probability, l.pattern, a.profile_id as profile_a, b.profile_id as profile_b
                {_DOUBTFUL} order by a.profile_id is not distinct from b.profile_id, abs(l.evidence), l.record_a, l.record_b limit :limit"""
        ),
        params,
    ).all()
    total = connection.execute(text(f"select count(*) from (select {_DOUBTFUL} limit 1000) x"), params).scalar_one()
    held = _records(connection, [record for row in rows for record in (row.record_a, row.record_b)])
    items = tuple(
        Doubt(
            held[row.record_a],
            held[row.record_b],
            row.evidence,
            row.probability,
            row.pattern,
            row.profile_a is not None and row.profile_a == row.profile_b,
            (row.profile_a, row.profile_b),
        )
        for row in rows
    )
    return DoubtPage(items, int(total))


def _records(connection: Connection, ids: Sequence[int]) -> dict[int, RecordView]:
    rows = connection.execute(
        text(
            """select r.id, s.name as source, s.department, r.stream, r.source_key, r.canonical, r.raw, r.landed_at, r.changed_at,
                      r.deleted_at from record r join source s on s.id = r.source_id where r.id = any(:ids)"""
        ),
        {"ids": list(ids)},
    )
    return {row.id: RecordView(**row._mapping) for row in rows}


def record_named(connection: Connection, reference: str) -> int:
    """The id of the record `SOURCE:KEY`, or `SOURCE/STREAM:KEY` where several streams of the source have the key.

    Raises:
        BadPair: no such record, or several.
    """
    where, _, key = reference.partition(":")
    source, _, stream = where.partition("/")
    found = connection.execute(
        text(
            """select r.id, r.stream from record r join source s on s.id = r.source_id
               where s.name = :source and r.source_key = :key and (:stream = '' or r.stream = :stream) order by r.id"""
        ),
        {"source": source, "stream": stream, "key": key},
    ).all()
    if not found:
        raise BadPair(f"no stored record is {reference!r}: give SOURCE:KEY, such as crm:4711")
    if len(found) > 1:
        named = ", ".join(f"{source}/{row.stream}:{key}" for row in found)
        raise BadPair(f"several records are {reference!r}: give one of {named}")
    return int(found[0].id)


def decide(
    connection: Connection, judgement: Verdict, a: int | str, b: int | str, principal: str, note: str | None = None
) -> tuple[int, tuple[int, int]]:
    """Keep a person's word on two records; the number of the decision, and the ids of the records. An earlier word on the pair is revoked.

    Args:
        a: the id of a record, or SOURCE:KEY.
        b: likewise.

    Raises:
        BadPair: one record twice, or one that is not stored.
    """
    low, high = sorted(each if isinstance(each, int) else record_named(connection, each) for each in (a, b))
    if low == high:
        raise BadPair("both are one record: a decision is about two")
    params = {"a": low, "b": high, "judgement": str(judgement), "principal": principal, "note": (note or "").strip() or None}
    if connection.execute(text("select count(*) from record where id in (:a, :b)"), params).scalar_one() != 2:
        raise BadPair("one of the records is not stored")
    connection.execute(text("update decision set revoked_at = now() where record_a = :a and record_b = :b and revoked_at is null"), params)
    made = text(
        """insert into decision (judgement, record_a, record_b, principal, note)
           values (:judgement, :a, :b, :principal, :note) returning id"""
    )
    return int(connection.execute(made, params).scalar_one()), (low, high)


def revoke(connection: Connection, decision_id: int) -> None:
    """Take a decision back; the next resolution decides without it.

    Raises:
        UnknownDecision: there is none, or it is revoked.
    """
    done = connection.execute(text("update decision set revoked_at = now() where id = :id and revoked_at is null"), {"id": decision_id})
    if not done.rowcount:
        raise UnknownDecision(f"no decision that holds has the number {decision_id}")


def decisions(connection: Connection, *, limit: int = 50, before: int | None = None, profile_id: UUID | None = None) -> list[Decided]:
    """Decisions, the newest first; those about records of one profile where it is given."""
    rows = connection.execute(
        text(
            f"""select d.id, d.judgement, sa.name || ':' || a.source_key as a, sb.name || ':' || b.source_key as b,
                       d.principal, d.note, d.at, d.revoked_at, coalesce(d.revoked_at, d.at) < ({_RESOLVED}) as applied
                from decision d join record a on a.id = d.record_a join source sa on sa.id = a.source_id
                join record b on b.id = d.record_b join source sb on sb.id = b.source_id
                where (cast(:before as bigint) is null or d.id < :before)
                  and (cast(:profile as uuid) is null or a.profile_id = :profile or b.profile_id = :profile)
                order by d.id desc limit :limit"""
        ),
        {"before": before, "profile": profile_id, "limit": max(1, min(limit, 200))},
    )
    return [Decided(**{**row._mapping, "judgement": Verdict(row.judgement)}) for row in rows]


_RESOLVED = "select coalesce(max(started_at), '-infinity') from run where stage = 'resolve' and status = 'done'"


def waiting(connection: Connection) -> int:
    """How many decisions were made or revoked since the last resolution began."""
    query = f"select count(*) from decision where coalesce(revoked_at, at) >= ({_RESOLVED})"
    return int(connection.execute(text(query)).scalar_one())
