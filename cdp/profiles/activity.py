"""How much happened when and over which channel, counted from the interactions themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True)
class MonthCount:
    """Interactions of one month over one channel; `month` is its first day, UTC."""

    month: datetime
    channel: str
    interactions: int


def by_month(connection: Connection, profile_id: UUID | None = None, *, months: int = 36) -> list[MonthCount]:
    """Counts of the last `months` months up to the newest interaction, of one profile or of all; months without any are not listed."""
    rows = connection.execute(
        text(
            """with mine as (
                 select date_trunc('month', at at time zone 'UTC') at time zone 'UTC' as month, coalesce(channel, 'other') as channel
                 from interaction where deleted_at is null and (cast(:id as uuid) is null or profile_id = :id))
               select month, channel, count(*) as interactions from mine
               where month > (select max(month) from mine) - make_interval(months => :months) group by 1, 2 order by 1, 2"""
        ),
        {"id": profile_id, "months": months},
    )
    return [MonthCount(row.month, row.channel, row.interactions) for row in rows]
