"""The ledger answers with whom a person's data was shared: every delivery that carried it, with the fields and the consent it rested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text


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
    """Everything that left about a profile and the profiles that were merged into it, newest first."""
    rows = connection.execute(
        text(
            """select l.*, d.document, d.columns, coalesce(d.finished_at, d.started_at) as at, t.name
               from export_ledger l join delivery d on d.id = l.delivery_id join destination t on t.id = d.destination_id
               where l.profile_id = :id
                  or l.profile_id in (select p.id from profile p where p.merged_into = :id)
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
