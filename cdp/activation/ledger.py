"""The ledger answers with whom a person's data was shared: every delivery that carried it, with the fields and the consent it rested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from cdp.activation.definition import Destination


@dataclass(frozen=True)
class Shared:
    """One time that a person's data left.

    Attributes:
        basis: the purpose consented to, or the legal basis in the words of the definition.
        fields: headers of the columns that had a value.
        answer: what the destination said.
    """

    at: datetime
    destination: str
    place: str
    format: str
    change: str
    basis: str
    consent_at: datetime | None
    consent_source: str | None
    fields: Sequence[str]
    answer: str
    delivery: int


def shared_with(connection: Connection, profile_id: UUID) -> list[Shared]:
    """Everything that left about a profile, newest first: also under the profiles that were merged into it, and under those that had
    any of its records before a split, for as long as they had them."""
    rows = connection.execute(
        text(
            """with mine as (select id from profile where id = :id or merged_into = :id),
               under as (
                 select id, '-infinity'::timestamptz as since, 'infinity'::timestamptz as until from mine
                 union all
                 select j.from_profile_id, coalesce((select max(e.at) from profile_journal e
                     where e.profile_id = j.from_profile_id and e.at < j.at and e.record_ids && j.record_ids), '-infinity'), j.at
                 from profile_journal j where j.profile_id in (select id from mine) and j.change in ('split', 'revived')
                   and j.from_profile_id is not null and j.from_profile_id not in (select id from mine))
               select l.*, d.document, d.columns, coalesce(d.finished_at, d.started_at) as at, t.name
               from export_ledger l join delivery d on d.id = l.delivery_id join destination t on t.id = d.destination_id
               where exists (select from under u where u.id = l.profile_id and d.started_at between u.since and u.until)
                 and l.profile_id in (select id from under)
               order by l.id desc"""
        ),
        {"id": profile_id},
    )
    return [
        Shared(
            at=row.at,
            destination=row.name,
            place=next(iter(row.document["to"])),
            format=row.document["format"],
            change=row.change,
            basis=row.document.get("purpose") or row.document["legal_basis"],
            consent_at=row.consent_at,
            consent_source=row.consent_source,
            fields=tuple(dict.fromkeys(header for number, header in enumerate(row.columns) if row.fields >> number & 1)),
            answer=row.answer,
            delivery=row.delivery_id,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class AnswerRow:
    """What the destination said about one row of a delivery."""

    id: int
    profile_id: UUID
    change: str
    answer: str


def answers(connection: Connection, delivery: int, *, refused: bool = False, after: int | None = None, limit: int = 50) -> list[AnswerRow]:
    """Rows of a delivery in the order they left, or only those that were refused; `after` is the id of the last one seen."""
    rows = connection.execute(
        text(
            f"""select id, profile_id, change, answer from export_ledger
                where delivery_id = :delivery and id > :after {"and answer like 'refused%'" if refused else ""} order by id limit :limit"""
        ),
        {"delivery": delivery, "after": after or 0, "limit": limit},
    )
    return [AnswerRow(**row._mapping) for row in rows]


def of_destination(connection: Connection, destination: Destination, delivery: int) -> bool:
    """Whether the delivery is one to this destination."""
    query = text("select exists (select from delivery where id = :delivery and destination_id = :id)")
    return bool(connection.execute(query, {"delivery": delivery, "id": destination.id}).scalar_one())
