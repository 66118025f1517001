"""Counts over whole tables are made once and held: making them costs at most one part in a hundred of the time, however large the tables.

They are a run of the stage `figures`; the newest is the one that is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from cdp.db import tables

_QUICK = 0.05
"""Seconds: what takes less is counted each time."""
_LONGEST = 3600.0


@dataclass(frozen=True)
class Figures:
    """What was counted.

    Attributes:
        landed: (source id, stream) -> (rows, deleted rows).
    """

    as_of: datetime
    records: int
    interactions: int
    profiles: int
    households: int
    unlinked_interactions: int
    landed: dict[tuple[int, str], tuple[int, int]]


def figures(engine: Engine, *, fresh: bool = False) -> Figures:
    """The counts as they are held, made anew where they are too old for what they cost; `fresh` counts in any case."""
    table = tables.run
    newest = select(table).where(table.c.stage == "figures", table.c.status == "done").order_by(table.c.id.desc()).limit(1)
    with engine.begin() as connection:
        held = connection.execute(newest).first()
        if not fresh and held is not None and (_holds(connection, held) or not _mine(connection)):
            return _read(held)
        return _read(_count(connection))


def _holds(connection: Connection, held: Any) -> bool:
    took = (held.finished_at - held.started_at).total_seconds()
    age = (connection.execute(select(func.clock_timestamp())).scalar_one() - held.finished_at).total_seconds()
    return bool(took > _QUICK and age < min(100 * took, _LONGEST))


def _mine(connection: Connection) -> bool:
    """Whether nobody else counts right now."""
    return bool(connection.execute(text("select pg_try_advisory_xact_lock(hashtextextended('figures', 0))")).scalar_one())


def _count(connection: Connection) -> Any:
    """Count, and replace what was held."""
    started = connection.execute(select(func.clock_timestamp())).scalar_one()
    landed = [list(row) for row in connection.execute(text(_LANDED))]
    report = dict(connection.execute(text(_PEOPLE)).mappings().one())
    report |= {"records": sum(row[2] for row in landed if row[4]), "interactions": sum(row[2] for row in landed if not row[4])}
    table = tables.run
    connection.execute(table.delete().where(table.c.stage == "figures"))
    values = {"stage": "figures", "status": "done", "started_at": started, "finished_at": func.clock_timestamp()}
    statement = table.insert().values(report=report | {"landed": [row[:4] for row in landed]}, **values).returning(table)
    return connection.execute(statement).one()


_LANDED = """
    select source_id, stream, count(*) filter (where deleted_at is null), count(deleted_at), true from record group by 1, 2
    union all
    select source_id, stream, count(*) filter (where deleted_at is null), count(deleted_at), false from interaction group by 1, 2"""
_PEOPLE = """
    select (select count(*) from profile where retired_at is null) as profiles,
           (select count(distinct household_id) from profile where retired_at is null) as households,
           (select count(*) from interaction where profile_id is null and deleted_at is null) as unlinked_interactions"""


def _read(row: Any) -> Figures:
    report = dict(row.report)
    landed = {(source, stream): (rows, deleted) for source, stream, rows, deleted in report.pop("landed")}
    return Figures(as_of=row.finished_at, landed=landed, **report)
