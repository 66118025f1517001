"""A monitor fires for a person when its condition begins to hold: once ever, once a period, or each time; every firing keeps its why.

Monitors are looked at for the profiles that changed. Nothing is carried out here: whoever owns the action reads the firings on from
where it was, and marks them handled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from cdp.attributes import DefinitionError, types
from cdp.db import lock
from cdp.db.segment_tables import monitor, monitor_firing
from cdp.segments import document
from cdp.segments.compile import Compiler, Live
from cdp.segments.explain import explain
from cdp.segments.store import checked, segments
from cdp.segments.tree import Condition

FIRES = ("once", "daily", "weekly", "monthly", "yearly", "each")


@dataclass(frozen=True)
class Firing:
    """A monitor and the person it fired for."""

    monitor: str
    profile_id: UUID


def save_monitor(
    connection: Connection,
    name: str,
    written: str | Mapping[str, Any],
    principal: str,
    *,
    fires: str = "once",
    action: Mapping[str, Any] | None = None,
) -> None:
    """Create or replace a monitor. `action` is kept for whoever carries it out, such as `{"webhook": "tier"}` or `{"task": "call"}`.

    Raises:
        DefinitionError: the condition cannot be decided, or `fires` is none of FIRES.
    """
    if fires not in FIRES:
        raise DefinitionError("fires", f"a monitor fires {', '.join(FIRES)}, not {fires!r}")
    values = {
        "condition": document.write(checked(connection, written)),
        "fires": fires,
        "action": dict(action or {}),
        "created_by": principal,
    }
    statement = upsert(monitor).values(name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def delete_monitor(connection: Connection, name: str) -> None:
    """Delete a monitor and its log."""
    connection.execute(delete(monitor).where(monitor.c.name == name))


def run_monitors(engine: Engine, changed: Iterable[UUID] | None = None, *, as_of: datetime | None = None) -> list[Firing]:
    """Look at the enabled monitors, for the changed profiles or for everybody; who they fired for."""
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    ids = None if changed is None else list(changed)
    fired: list[Firing] = []
    with engine.connect() as connection:
        names = list(connection.execute(select(monitor.c.name).where(monitor.c.enabled).order_by(monitor.c.name)).scalars())
    for name in names:
        with engine.begin() as connection:
            lock(connection, f"monitor {name}")
            fired += [Firing(name, profile_id) for profile_id in _run(connection, name, ids, now)]
    return fired


def _run(connection: Connection, name: str, ids: list[UUID] | None, now: datetime) -> list[UUID]:
    row = connection.execute(select(monitor).where(monitor.c.name == name)).one()
    condition = document.read_stored(row.condition)
    connection.execute(text("drop table if exists segment_scope"))
    connection.execute(text("create temporary table segment_scope (profile_id uuid primary key, wanted boolean not null) on commit drop"))
    scoped = ids is not None
    if scoped:
        connection.execute(text("insert into segment_scope select distinct unnest(cast(:ids as uuid[])), true"), {"ids": ids})
    compiler = Compiler(Live(types(connection)), now, {n: s.id for n, s in segments(connection).items()}, scoped=scoped)
    holding = set(connection.execute(compiler.people(condition)).scalars())
    before = _state(connection, name, ids)
    began = sorted(holding - before)
    _store_state(connection, name, began, before - holding)
    return [profile_id for profile_id in began if _fire(connection, name, row.fires, condition, profile_id, now)]


def _state(connection: Connection, name: str, ids: list[UUID] | None) -> set[UUID]:
    restricted = "" if ids is None else " and profile_id = any(cast(:ids as uuid[]))"
    values = {"name": name} | ({} if ids is None else {"ids": ids})
    return set(connection.execute(text(f"select profile_id from monitor_state where monitor = :name{restricted}"), values).scalars())


def _store_state(connection: Connection, name: str, began: Iterable[UUID], ended: Iterable[UUID]) -> None:
    add = text("insert into monitor_state select :name, unnest(cast(:ids as uuid[])) on conflict do nothing")
    connection.execute(add, {"name": name, "ids": list(began)})
    remove = text("delete from monitor_state where monitor = :name and profile_id = any(cast(:ids as uuid[]))")
    connection.execute(remove, {"name": name, "ids": list(ended)})


def _fire(connection: Connection, name: str, fires: str, condition: Condition, profile_id: UUID, now: datetime) -> bool:
    """Log the firing; false where it has fired in this period already."""
    why = explain(connection, condition, profile_id, now).document()
    values = {"monitor": name, "profile_id": profile_id, "period": period(fires, now), "at": now, "why": why}
    if values["period"] is None:
        connection.execute(insert(monitor_firing).values(values))
        return True
    statement = upsert(monitor_firing).values(values).on_conflict_do_nothing().returning(monitor_firing.c.id)
    return connection.execute(statement).one_or_none() is not None


def period(fires: str, now: datetime) -> date | None:
    """The first day of the period that a firing counts in; null where every time counts."""
    today = now.date()
    starts = {
        "once": date(1, 1, 1),
        "daily": today,
        "weekly": today - timedelta(days=today.weekday()),
        "monthly": today.replace(day=1),
        "yearly": today.replace(month=1, day=1),
    }
    return starts.get(fires)
