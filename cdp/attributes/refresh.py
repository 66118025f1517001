"""A refresh of what changed leaves every value as a refresh of everything would: it takes in households and whomever time has aged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, bindparam, column, func, insert, literal, or_, select, table, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert as upsert

from cdp.attributes.aging import aged_events, count_on
from cdp.attributes.compile import event_statements, values_statement
from cdp.attributes.definition import Definition
from cdp.attributes.functions import run_function
from cdp.attributes.queries import run_query
from cdp.attributes.store import definitions, fingerprint, rates
from cdp.db import held_lock, lock, share_lock
from cdp.db.segment_tables import profile_attribute
from cdp.db.tables import run

BATCH = 20_000
"""People computed in one transaction."""

_AT_ONCE = 2
"""Transactions that compute side by side: PostgreSQL gives each a core, and a query over temporary tables never more than one."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class AttributesReport:
    """What a refresh did. `changed` are the people it computed, null where it computed everybody."""

    as_of: datetime
    attributes: int
    profiles: int
    full: bool
    seconds: float
    changed: tuple[UUID, ...] | None


def refresh(
    engine: Engine,
    changed: Iterable[UUID] | None = None,
    *,
    as_of: datetime | None = None,
    aging: bool = True,
    progress: Progress | None = None,
) -> AttributesReport:
    """Compute the active attributes: of everybody, or of the `changed` profiles and of those whom time has aged since the last refresh.

    A definition, an exchange rate or a kind of value that changed makes it a refresh of everybody. `aging=False` computes exactly the
    changed ones and their households: for one profile, at once; the next full or aging refresh makes up for the time, and it is no run.
    Safe to run twice, and beside another one.

    Raises:
        DefinitionError: an SQL or Python attribute fails on the data; values computed until then stay.
    """
    started = time.monotonic()
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    with engine.begin() as connection:
        wanted = definitions(connection)
        mark = fingerprint(wanted, rates(connection))
        before = _last(connection, mark)
        full = changed is None or (aging and (before is None or before > now or any(d.options.get("ages") for d in wanted)))
        ids = _everybody(connection) if full else _affected(connection, list(changed or ()), wanted, before if aging else None, now)
        run_id = _begin(connection) if full or aging else None
    try:
        _compute_all(engine, ids, wanted, now, progress)
        with engine.begin() as connection:
            _forget(connection, None if full else ids)
            if full:
                connection.execute(text("analyze profile_attribute (profile_id, household_id)"))
            if aging and not full:
                ids = sorted({*ids, *_count_on(connection, wanted, now)})
    except BaseException as error:
        if run_id is not None:
            _finish(engine, run_id, "failed", {}, type(error).__name__)
        raise
    if run_id is not None:
        _finish(engine, run_id, "done", {"as_of": now.isoformat(), "profiles": len(ids), "full": full, "mark": mark})
    return AttributesReport(now, len(wanted), len(ids), full, time.monotonic() - started, None if full else tuple(ids))


def _begin(connection: Connection) -> int:
    run_id: int = connection.execute(insert(run).values(stage="attributes").returning(run.c.id)).scalar_one()
    return run_id


def _finish(engine: Engine, run_id: int, status: str, report: dict[str, Any], error: str | None = None) -> None:
    with engine.begin() as connection:
        connection.execute(update(run).where(run.c.id == run_id).values(status=status, finished_at=func.now(), report=report, error=error))


def _last(connection: Connection, mark: str) -> datetime | None:
    """The moment that all values stand at; null where they were computed under other definitions, or never."""
    report = connection.execute(
        select(run.c.report)
        .where(run.c.stage == "attributes", run.c.status == "done", run.c.report.has_key("mark"))
        .order_by(run.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if report is None or report["mark"] != mark else datetime.fromisoformat(report["as_of"])


_PROFILE = table("profile", column("id"), column("merged_into"), column("retired_at"), column("household_id"))
_LIVING = (_PROFILE.c.merged_into.is_(None), _PROFILE.c.retired_at.is_(None))


def _everybody(connection: Connection) -> list[UUID]:
    return list(connection.execute(select(_PROFILE.c.id).where(*_LIVING).order_by(_PROFILE.c.id)).scalars())


def _uuids(ids: Sequence[UUID]) -> Any:
    return bindparam(None, list(ids), postgresql.ARRAY(postgresql.UUID(as_uuid=True)))


def _affected(
    connection: Connection, changed: list[UUID], wanted: Sequence[Definition], before: datetime | None, now: datetime
) -> list[UUID]:
    """The changed, the aged, and where an attribute is per household, everybody who shares one with them now or did before."""
    connection.execute(text("create temporary table attribute_affected (profile_id uuid primary key) on commit drop"))
    add = "insert into attribute_affected {} on conflict do nothing"
    connection.execute(text(add.format("select unnest(cast(:ids as uuid[]))")), {"ids": changed})
    if before is not None:
        for start, end in aged_events(wanted, before, now):
            statement = add.format("select profile_id from interaction where at > :start and at <= :end and profile_id is not null")
            connection.execute(text(statement), {"start": start, "end": end})
    if any(d.per == "household" for d in wanted):
        connection.execute(text(add.format(_HOUSEHOLDS)))
    return list(connection.execute(select(_AFFECTED.c.profile_id).order_by(_AFFECTED.c.profile_id)).scalars())


_AFFECTED = table("attribute_affected", column("profile_id"))
_HOUSEHOLDS = """select p.id from profile p where p.household_id in (
    select o.household_id from profile o join attribute_affected a on a.profile_id = o.id where o.household_id is not null
    union select v.household_id from profile_attribute v join attribute_affected a using (profile_id) where v.household_id is not null)"""


def _batches(ids: list[UUID]) -> Iterator[tuple[int, list[UUID]]]:
    for start in range(0, len(ids), BATCH):
        yield min(start + BATCH, len(ids)), ids[start : start + BATCH]


def _compute_all(engine: Engine, ids: list[UUID], wanted: Sequence[Definition], now: datetime, progress: Progress | None) -> None:
    """Compute all of these people, batch by batch. Of two refreshes of many one waits: no two batches hold the same people."""

    def batch(part: tuple[int, list[UUID]]) -> int:
        with engine.begin() as connection:
            share_lock(connection, "attributes")
            _compute(connection, part[1], wanted, now)
        return part[0]

    if len(ids) <= BATCH:
        with engine.begin() as connection:
            compute(connection, ids, wanted, now)
        return
    with held_lock(engine, "attributes of many"), ThreadPoolExecutor(_AT_ONCE, "attributes") as pool:
        for done in pool.map(batch, _batches(ids)):
            if progress:
                progress(done, len(ids))


_TEMPORARY = """
create temporary table attribute_scope (
    profile_id uuid primary key, unit_id uuid not null, household_id uuid, wanted boolean not null) on commit drop;
create temporary table attribute_raw (profile_id uuid, name text, value jsonb, primary key (profile_id, name)) on commit drop;
create temporary table attribute_extra (profile_id uuid primary key, "values" jsonb not null) on commit drop;
set local timezone = 'UTC'; set local jit = off; set local work_mem = '64MB'; set local random_page_cost = 1.1
"""
_SCOPE = """insert into attribute_scope select p.id, coalesce(p.household_id, p.id), p.household_id, true
    from profile p where p.id = any(cast(:ids as uuid[])) and p.merged_into is null and p.retired_at is null"""
_NEIGHBOURS = """insert into attribute_scope select p.id, p.household_id, p.household_id, false
    from profile p where p.household_id in (select household_id from attribute_scope where household_id is not null)
    and p.merged_into is null and p.retired_at is null on conflict do nothing"""
_MARKED = """insert into attribute_raw select distinct on (s.profile_id) s.profile_id, m.name, m.value
    from profile_mark m join profile p on p.id = m.profile_id join attribute_scope s on s.profile_id = coalesce(p.merged_into, p.id)
    where m.name = :name and s.wanted order by s.profile_id, m.set_at desc, m.profile_id"""
_GATHER = """insert into attribute_extra select profile_id, jsonb_object_agg(name, value) from attribute_raw group by profile_id"""


def compute(connection: Connection, ids: list[UUID], wanted: Sequence[Definition], now: datetime) -> None:
    """Compute and store the values of these people, while nobody else's are computed."""
    lock(connection, "attributes")
    _compute(connection, ids, wanted, now)


def _compute(connection: Connection, ids: list[UUID], wanted: Sequence[Definition], now: datetime) -> None:
    for temporary in _TEMPORARY.strip().split(";"):
        connection.execute(text(temporary))
    connection.execute(text(_SCOPE), {"ids": ids})
    if any(d.per == "household" for d in wanted):
        connection.execute(text(_NEIGHBOURS))
    for definition in wanted:
        if definition.kind == "sql":
            run_query(connection, definition)
        elif definition.kind == "python":
            run_function(connection, definition, now)
        elif definition.kind == "mark":
            connection.execute(text(_MARKED), {"name": definition.name})
    connection.execute(text(_GATHER))
    connection.execute(text("analyze attribute_scope"))
    for statement in event_statements(wanted, now):
        connection.execute(statement)
    connection.execute(text("analyze attribute_event"))
    found = values_statement(wanted, now).add_columns(literal(now).label("as_of"), func.now().label("computed_at"))
    names = ["profile_id", "household_id", "values", "inputs", "as_of", "computed_at"]
    store = upsert(profile_attribute).from_select(names, found)
    replaced = {name: store.excluded[name] for name in names[1:]}
    differs = or_(*(profile_attribute.c[name].is_distinct_from(store.excluded[name]) for name in names[1:4]))
    connection.execute(store.on_conflict_do_update(index_elements=["profile_id"], set_=replaced, where=differs))


def _count_on(connection: Connection, wanted: Sequence[Definition], now: datetime) -> list[UUID]:
    lock(connection, "attributes")
    statement = count_on(wanted, now)
    return [] if statement is None else list(connection.execute(statement).scalars())


def _forget(connection: Connection, ids: Sequence[UUID] | None) -> None:
    """Drop the values of profiles that live no more."""
    living = select(_PROFILE.c.id).where(_PROFILE.c.id == profile_attribute.c.profile_id, *_LIVING).exists()
    statement = profile_attribute.delete().where(~living)
    if ids is not None:
        statement = statement.where(profile_attribute.c.profile_id == func.any(_uuids(ids)))
    connection.execute(statement)
