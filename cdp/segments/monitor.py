"""A monitor fires for a person when its condition begins to hold: once ever, once a period, or each time; every firing keeps its why.

Marks and tasks are made in the transaction of the firing. A call to an address is not: `cdp.activation.firings` reads the firings that
are not handled, calls, and marks them handled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from cdp.attributes import DefinitionError, definitions, types
from cdp.attributes.language.check import unknown
from cdp.attributes.language.document import plain_text
from cdp.attributes.language.tree import Type
from cdp.db import lock
from cdp.db.segment_tables import monitor, monitor_firing, profile_mark, task
from cdp.records.contracts import validator
from cdp.segments import document
from cdp.segments import text as text_form
from cdp.segments.columnar import Columnar, Copy, as_uuid
from cdp.segments.compile import Compiler, Live
from cdp.segments.explain import Why, explain_each
from cdp.segments.preview import execute
from cdp.segments.soon import read_nearby, who_holds
from cdp.segments.store import NAME, checked, segments
from cdp.segments.tree import Condition

FIRES = ("once", "daily", "weekly", "monthly", "yearly", "each")
_BATCH = 1_000
"""Firings explained by one statement."""
_FEW = 2_000
"""So many changed profiles are looked at by themselves; more, and the condition is asked of everybody's relations."""


@dataclass(frozen=True)
class Monitor:
    """A stored monitor."""

    name: str
    title: str
    condition: Condition
    fires: str
    action: Mapping[str, Any]
    enabled: bool

    @property
    def text(self) -> str:
        """The condition in its readable form."""
        return text_form.write(self.condition)


@dataclass(frozen=True)
class Firing:
    """A monitor and the person it fired for; `marked` where it set marks, so that attributes follow."""

    monitor: str
    profile_id: UUID
    marked: bool = False


@dataclass(frozen=True)
class Logged:
    """A firing as it is kept: `why` is each condition with the value seen, `outcome` what came of the action."""

    id: int
    monitor: str
    profile_id: UUID
    at: datetime
    why: Mapping[str, Any]
    handled_at: datetime | None
    outcome: str | None


def save_monitor(connection: Connection, name: str, written: Mapping[str, Any], principal: str) -> Monitor:
    """Create or replace a monitor from a document of `schemas/monitor.schema.json`.

    Raises:
        DefinitionError: the document breaks its schema, the condition cannot be decided, or a mark is no attribute of that kind and type.
    """
    if not NAME.fullmatch(name):
        raise DefinitionError("name", f"a monitor's name is small letters, digits and _, beginning with a letter, not {name!r}")
    for problem in validator("monitor").iter_errors(written):
        raise DefinitionError("/" + "/".join(map(str, problem.absolute_path)), problem.message)
    try:
        condition = checked(connection, written["condition"])
    except DefinitionError as error:
        raise error.within("/condition") from None
    action = dict(written.get("action", {}))
    for place, said in {"/title": written.get("title"), "/action/task": action.get("task")}.items():
        plain_text(str(said), place)
    _check_marks(connection, action.get("mark", {}))
    values = {
        "title": written.get("title", name),
        "condition": document.write(condition),
        "fires": written.get("fires", "once"),
        "action": action,
        "enabled": written.get("enabled", True),
        "created_by": principal,
    }
    statement = upsert(monitor).values(name=name, **values)
    row = connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values).returning(monitor)).one()
    return _monitor(row)


_TYPES: dict[Type, type | tuple[type, ...]] = {Type.NUMBER: (int, float), Type.BOOLEAN: bool}


def _check_marks(connection: Connection, marks: Mapping[str, Any]) -> None:
    known = {d.name: d for d in definitions(connection) if d.kind == "mark"}
    for name, value in marks.items():
        place = f"/action/mark/{name}"
        if name not in known:
            raise unknown("attribute of kind mark", name, known, place)
        kind = known[name].type
        if not isinstance(value, _TYPES.get(kind, str)) or (isinstance(value, bool) and kind is not Type.BOOLEAN):
            raise DefinitionError(place, f"{name} is a {kind}, not {type(value).__name__}")


def _monitor(row: Row[Any]) -> Monitor:
    return Monitor(row.name, row.title or row.name, document.read_stored(row.condition), row.fires, row.action, row.enabled)


def monitors(connection: Connection) -> dict[str, Monitor]:
    """Name -> monitor, by name."""
    return {row.name: _monitor(row) for row in connection.execute(select(monitor).order_by(monitor.c.name))}


def get_monitor(connection: Connection, name: str) -> Monitor:
    """One monitor.

    Raises:
        UnknownName: there is none of that name.
    """
    known = monitors(connection)
    if name not in known:
        raise unknown("monitor", name, known, "")
    return known[name]


def delete_monitor(connection: Connection, name: str) -> None:
    """Delete a monitor and its log; marks and tasks stay.

    Raises:
        UnknownName: there is none of that name.
    """
    get_monitor(connection, name)
    connection.execute(delete(monitor).where(monitor.c.name == name))


def firings(connection: Connection, name: str | None = None, *, limit: int = 50, before: int | None = None) -> list[Logged]:
    """What fired, newest first: of one monitor or all, older than the firing `before`."""
    table = monitor_firing.c
    statement = select(table.id, table.monitor, table.profile_id, table.at, table.why, table.handled_at, table.outcome)
    if name is not None:
        statement = statement.where(table.monitor == name)
    if before is not None:
        statement = statement.where(table.id < before)
    return [Logged(*row) for row in connection.execute(statement.order_by(table.id.desc()).limit(limit))]


def run_monitors(
    engine: Engine, changed: Iterable[UUID] | None = None, *, as_of: datetime | None = None, copy: Copy | None = None
) -> list[Firing]:
    """Look at the enabled monitors, for the changed profiles or for everybody; who they fired for.

    With a columnar copy everybody is looked at in it, so that time alone makes a condition hold as well.
    """
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    ids = None if changed is None or copy is not None else list(changed)
    fired: list[Firing] = []
    with engine.connect() as connection:
        wanted = [one for one in monitors(connection).values() if one.enabled]
    for one in wanted:
        with engine.begin() as connection:
            lock(connection, f"monitor {one.name}")
            holding = _holding(connection, one.condition, ids, now, copy)
            before = _state(connection, one.name, ids)
            began = sorted(holding - before)
            _store_state(connection, one.name, began, before - holding)
            for start in range(0, len(began), _BATCH):
                whys = explain_each(connection, one.condition, began[start : start + _BATCH], now)
                told = [profile_id for profile_id, why in whys.items() if _fire(connection, one, profile_id, why, now)]
                fired += [Firing(one.name, profile_id, "mark" in one.action) for profile_id in told]
    return fired


def _holding(connection: Connection, condition: Condition, ids: list[UUID] | None, now: datetime, copy: Copy | None) -> set[UUID]:
    if copy is not None:
        with copy.open() as opened:
            if opened is not None:
                return _in_copy(*opened, condition, now)
    known = {name: one.id for name, one in segments(connection).items()}
    if ids is not None and len(ids) <= _FEW:
        compiler = Compiler(read_nearby(connection, ids), now, known)
        return who_holds(connection, compiler, ids, {"": condition})[""]
    connection.execute(text("set local timezone = 'UTC'; set local jit = off"))
    found = set(connection.execute(Compiler(Live(types(connection)), now, known).people(condition)).scalars())
    return found if ids is None else found & set(ids)


def _in_copy(duck: Any, catalogue: Any, condition: Condition, now: datetime) -> set[UUID]:
    known = {name: i for i, name in enumerate(catalogue.segments)}
    people = Compiler(Columnar(catalogue.attributes), now, known).people(condition).subquery("holding")
    person = Columnar(catalogue.attributes).people_ids()
    rows = execute(duck, select(person.c.uuid).where(person.c.profile_id.in_(select(people.c.profile_id))))
    return {as_uuid(row[0]) for row in rows}


def _state(connection: Connection, name: str, ids: list[UUID] | None) -> set[UUID]:
    restricted = "" if ids is None else " and profile_id = any(cast(:ids as uuid[]))"
    values = {"name": name} | ({} if ids is None else {"ids": ids})
    return set(connection.execute(text(f"select profile_id from monitor_state where monitor = :name{restricted}"), values).scalars())


def _store_state(connection: Connection, name: str, began: Iterable[UUID], ended: Iterable[UUID]) -> None:
    add = text("insert into monitor_state select :name, unnest(cast(:ids as uuid[])) on conflict do nothing")
    connection.execute(add, {"name": name, "ids": list(began)})
    remove = text("delete from monitor_state where monitor = :name and profile_id = any(cast(:ids as uuid[]))")
    connection.execute(remove, {"name": name, "ids": list(ended)})


def _fire(connection: Connection, one: Monitor, profile_id: UUID, why: Why, now: datetime) -> bool:
    """Log the firing and do what can be done at once; false where it has fired in this period already."""
    values = {"monitor": one.name, "profile_id": profile_id, "period": period(one.fires, now), "at": now, "why": why.document()}
    statement = upsert(monitor_firing).values(values).on_conflict_do_nothing().returning(monitor_firing.c.id)
    firing_id = connection.execute(statement).scalar_one_or_none()
    if firing_id is None:
        return False
    outcome = _do(connection, one, firing_id, profile_id, now)
    if outcome:
        done = monitor_firing.update().where(monitor_firing.c.id == firing_id)
        connection.execute(done.values(handled_at=now, outcome=outcome))
    return True


def _do(connection: Connection, one: Monitor, firing_id: int, profile_id: UUID, now: datetime) -> str | None:
    """What came of the action; null where it is a call, which is made elsewhere."""
    if "webhook" in one.action:
        return None
    if "task" in one.action:
        values = {"firing_id": firing_id, "monitor": one.name, "profile_id": profile_id, "title": one.action["task"]}
        task_id = connection.execute(insert(task).values(values).returning(task.c.id)).scalar_one()
        return f"task {task_id}"
    for name, value in one.action.get("mark", {}).items():
        marked = {"value": value, "monitor": one.name, "set_at": now}
        statement = upsert(profile_mark).values(profile_id=profile_id, name=name, **marked)
        connection.execute(statement.on_conflict_do_update(index_elements=["profile_id", "name"], set_=marked))
    return ", ".join(f"{name} = {value}" for name, value in one.action.get("mark", {}).items()) or "logged"


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


@dataclass(frozen=True)
class MonitorCheck:
    """For whom a condition holds now: how many people, and how many of them it would fire for."""

    holds: int
    would_fire: int
    sample: tuple[UUID, ...]


def check_monitor(engine: Engine, name: str, written: Mapping[str, Any], copy: Copy | None = None) -> MonitorCheck:
    """What saving a monitor would fire for at the next look, stored nothing.

    Raises:
        DefinitionError: it cannot be saved.
    """
    now = datetime.now(UTC)
    with engine.connect() as connection, connection.begin() as transaction:
        found = save_monitor(connection, name, written, "dry run")
        holding = _holding(connection, found.condition, None, now, copy)
        fresh = holding - _state(connection, name, None)
        start = period(found.fires, now)
        if start is not None:
            fired = "select profile_id from monitor_firing where monitor = :name and period = :period"
            fresh -= set(connection.execute(text(fired), {"name": name, "period": start}).scalars())
        transaction.rollback()
    return MonitorCheck(len(holding), len(fresh), tuple(sorted(fresh)[:10]))


# --- tasks


@dataclass(frozen=True)
class Task:
    """What staff are asked to do for a customer."""

    id: int
    monitor: str
    profile_id: UUID
    title: str
    created_at: datetime
    done_at: datetime | None
    done_by: str | None


def tasks(connection: Connection, *, done: bool = False, limit: int = 50, after: int = 0) -> list[Task]:
    """Tasks that are open, or done, by number."""
    table = task.c
    columns = (table.id, table.monitor, table.profile_id, table.title, table.created_at, table.done_at, table.done_by)
    state = table.done_at.is_not(None) if done else table.done_at.is_(None)
    return [Task(*row) for row in connection.execute(select(*columns).where(state, table.id > after).order_by(table.id).limit(limit))]


def finish_task(connection: Connection, task_id: int, principal: str) -> bool:
    """Mark an open task done; false where there is no such open task."""
    values = {"done_at": datetime.now(UTC), "done_by": principal}
    return connection.execute(task.update().where(task.c.id == task_id, task.c.done_at.is_(None)).values(values)).rowcount == 1
