"""Attributes over the same events share one scan; the events of the people in `attribute_scope`, and of nobody else, are read once for all.

`attribute_scope (profile_id, unit_id, household_id, wanted)` is a temporary table: the people whose values are wanted, and the other
members of their households. `unit_id` is the household, or the profile where there is none. `attribute_event` is another: their
events, with those columns of the view `event` that a scan reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    FromClause,
    Insert,
    Numeric,
    Text,
    TextClause,
    and_,
    case,
    cast,
    column,
    extract,
    false,
    func,
    insert,
    or_,
    select,
    table,
    true,
)
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.sql.selectable import CTE, Select
from sqlalchemy.sql.visitors import iterate

from cdp.attributes.definition import Definition
from cdp.attributes.expression import compile_expression
from cdp.attributes.fields import EventFields, ItemFields, NoFields, event_view
from cdp.attributes.language.sql import Field, Fields, Sql, as_number, predicate, text, time
from cdp.attributes.language.tree import Duration, Type, Window

SCOPE = table("attribute_scope", column("profile_id"), column("unit_id"), column("household_id"), column("wanted"))
EXTRA = table("attribute_extra", column("profile_id"), column("values", JSONB))
"""Values of kinds that are computed elsewhere (sql, python), by profile."""

_EVENT = table("attribute_event", *(column(c.name, c.type) for c in event_view().c))

_SECONDS = {"hour": 3600, "day": 86_400, "week": 604_800}


@dataclass(frozen=True)
class Scan:
    """One reading of events: whose, and whether item by item."""

    per: str
    items: bool

    @property
    def key(self) -> str:
        return f"{self.per}_{'items' if self.items else 'events'}"


@dataclass(frozen=True)
class Value:
    """Columns that hold an attribute: its value, how many events it came from, and the time that `time_since` counts from."""

    value: Sql
    inputs: Sql | None = None
    base: Sql | None = None


class _ScanBuilder:
    """Gathers what the attributes of one scan need of each event, once each, then aggregates by unit."""

    def __init__(self, scan: Scan, now: datetime, kinds: Iterable[str]) -> None:
        self._now = now
        self._scan = scan
        self._inner: dict[Any, Sql] = {}
        self._outer: list[Sql] = []
        view = _EVENT
        self._unit = SCOPE.c.unit_id if scan.per == "household" else SCOPE.c.profile_id
        self._from: FromClause = view.join(SCOPE, SCOPE.c.profile_id == view.c.profile_id)
        events = EventFields(view)
        self._view = view
        self._fields: Fields = events
        if scan.items:
            items = case((func.jsonb_typeof(view.c["items"]) == "array", view.c["items"]))
            item = func.jsonb_array_elements(items).table_valued(column("value", JSONB)).lateral("one")
            self._from = self._from.join(item, true())
            self._fields = ItemFields(events, item.c.value)
        self._kinds = sorted(set(kinds))
        self._conditions: list[Sql] = []

    # --- what is read of each event

    def _read(self, key: Any, make: Any) -> Sql:
        if key not in self._inner:
            self._inner[key] = make().label(f"c{len(self._inner)}")
        return column(str(self._inner[key].key))

    def _flag(self, definition: Definition, window: Window, shift: Duration | None = None) -> Sql:
        """A column that says whether an event counts."""
        key = ("flag", definition.of, definition.where, window, shift)
        return self._read(key, lambda: func.coalesce(self._condition(definition, window, shift), false()))

    def _condition(self, definition: Definition, window: Window, shift: Duration | None) -> Sql:
        view, now = self._view, self._now
        start, end = window.bounds(now if shift is None else shift.before(now))
        parts: list[Sql] = [view.c.at <= time(end)]
        if start is not None:
            parts.append(view.c.at > time(start))
        if definition.of:
            parts.append(view.c.kind.in_(list(definition.of)))
        if definition.where is not None:
            parts.append(predicate(definition.where, self._fields, NoFields(), now))
        if window.kind == "first" and window.length is not None:
            first = func.min(view.c.at).over(partition_by=self._unit)
            parts.append(view.c.at <= first + window.length.fixed)
        found = and_(*parts)
        if window.kind != "first":
            self._conditions.append(found)
        else:
            self._conditions.append(view.c.at <= time(now))
        return found

    def _value(self, definition: Definition) -> Sql:
        found = self._field(definition)
        key = ("value", definition.field, found.type, definition.type, definition.options.get("timezone"))
        return self._read(key, lambda: found.column)

    def _field(self, definition: Definition) -> Field:
        zone = definition.options.get("timezone")
        if zone and definition.field in ("hour", "weekday"):
            part = "hour" if definition.field == "hour" else "isodow"
            return Field(Type.NUMBER, cast(extract(part, func.timezone(text(zone), self._view.c.at)), Numeric()))
        found = self._fields.field(definition.field, "/field")
        if found.type is Type.ANY and definition.type is Type.NUMBER and definition.kind != "distinct_count":
            return Field(Type.NUMBER, cast(as_number(found.column), Numeric()))
        if found.type is Type.NUMBER:
            return Field(found.type, cast(found.column, Numeric()))
        if found.type is Type.TIME:
            return found
        return Field(found.type, cast(found.column, Text(collation="C")))

    # --- what is made of them

    def add(self, definition: Definition) -> None:
        flag = self._flag(definition, definition.window)
        made = self._trend(definition, flag) if definition.kind == "trend" else self._aggregate(definition, flag)
        self._outer += [made.label(f"{definition.name}__v"), func.count().filter(flag).label(f"{definition.name}__n")]
        if definition.kind == "time_since":
            self._outer.append(self._counted_from(definition, flag).label(f"{definition.name}__b"))

    def _at(self) -> Sql:
        return self._read("at", lambda: self._view.c.at)

    def _counted_from(self, definition: Definition, flag: Sql) -> Sql:
        """The time of the event that a `time_since` counts from."""
        end = func.min if definition.options.get("from") == "first" else func.max
        return end(self._at()).filter(flag)

    def _aggregate(self, definition: Definition, flag: Sql) -> Sql:
        kind = definition.kind
        if kind == "count":
            return func.count().filter(flag)
        if kind == "time_since":
            return since(self._counted_from(definition, flag), definition, self._now)
        value = self._value(definition)
        present = and_(flag, value.is_not(None))
        if kind in ("first", "last"):
            order = (self._at(), self._read("id", lambda: self._view.c.event_id))
            ranked = func.array_agg(_ordered(value, *(part.desc() if kind == "last" else part for part in order))).filter(present)
            return func.to_jsonb(ranked).op("->>")(0)
        made: Sql = _SIMPLE[kind](value, present, definition)
        return made

    def _trend(self, definition: Definition, flag: Sql) -> Sql:
        before = self._flag(definition, definition.window, definition.window.length)

        def measure(counted: Sql) -> Sql:
            if definition.options.get("measure", "count") == "count":
                return cast(func.count().filter(counted), Numeric())
            return func.coalesce(func.sum(self._value(definition)).filter(counted), 0)

        now, then = measure(flag), measure(before)
        return func.round((now - then) / func.nullif(then, 0), 6)

    def statement(self) -> Select[Any]:
        """Unit and the aggregates, one row a unit that has events."""
        wanted = [or_(*self._conditions)]
        if self._kinds:
            wanted.append(self._view.c.kind.in_(self._kinds))
        inner = select(self._unit.label("unit"), *self._inner.values()).select_from(self._from)
        if not self._has_first:
            inner = inner.where(*wanted)
        read = inner.subquery("read")
        statement: Any = select(column("unit"), *self._outer).select_from(read).group_by(column("unit"))
        made: Select[Any] = statement
        return made

    @property
    def _has_first(self) -> bool:
        return any(isinstance(key, tuple) and key[0] == "flag" and key[3].kind == "first" for key in self._inner)


def _ordered(value: Sql, *order: Sql) -> Any:
    return aggregate_order_by(value, *order)


def since(moment: Sql, definition: Definition, now: datetime) -> Sql:
    """Whole units from a moment to now."""
    seconds = _SECONDS[definition.options.get("unit", "day")]
    return func.floor(extract("epoch", time(now) - moment) / seconds)


def _unique(value: Sql, present: Sql, definition: Definition) -> Sql:
    distinct = func.array_agg(_ordered(value.distinct(), value)).filter(present)
    return func.to_jsonb(func.trim_array(distinct, func.greatest(func.cardinality(distinct) - definition.options.get("limit", 100), 0)))


_SIMPLE: dict[str, Any] = {
    "sum": lambda value, present, _: func.coalesce(func.sum(value).filter(present), 0),
    "average": lambda value, present, _: func.round(func.avg(value).filter(present), 6),
    "minimum": lambda value, present, _: func.min(value).filter(present),
    "maximum": lambda value, present, _: func.max(value).filter(present),
    "most_frequent": lambda value, present, _: func.mode().within_group(value).filter(present),
    "distinct_count": lambda value, present, _: func.count(value.distinct()).filter(present),
    "unique_list": _unique,
}
"""Ties of most_frequent fall to the first in order."""

_ZERO = ("count", "sum", "distinct_count")
"""Kinds whose value over no event is 0; the others have none."""


def scans(definitions: Sequence[Definition], now: datetime) -> dict[Scan, CTE]:
    """The scans that compute all attributes over events."""
    groups: dict[Scan, list[Definition]] = {}
    for definition in definitions:
        if definition.over_events:
            groups.setdefault(Scan(definition.per, definition.over_items), []).append(definition)
    made = {}
    for scan, members in groups.items():
        kinds = {kind for d in members for kind in d.of} if all(d.of for d in members) else set()
        builder = _ScanBuilder(scan, now, kinds)
        for definition in members:
            builder.add(definition)
        made[scan] = builder.statement().cte(scan.key)
    return made


def event_statements(definitions: Sequence[Definition], now: datetime) -> tuple[TextClause, Insert]:
    """What makes `attribute_event`, and what fills it."""
    found = scans(definitions, now).values()
    read = {part.name for scan in found for part in iterate(scan.element) if isinstance(part, ColumnClause) and part.table is _EVENT}
    names = sorted(read | {"profile_id", "at"})
    made = sql_text(f"create temporary table attribute_event on commit drop as select {', '.join(names)} from event where false")
    view = event_view()
    rows = select(*(view.c[name] for name in names)).where(view.c.profile_id.in_(select(SCOPE.c.profile_id)), view.c.at <= time(now))
    return made, insert(_EVENT).from_select(names, rows)


def values_statement(definitions: Sequence[Definition], now: datetime) -> Select[Any]:
    """Profile, household, values and inputs (JSON) of each wanted person in scope; `definitions` are in order of need."""
    made = scans(definitions, now)
    rows: FromClause = SCOPE.outerjoin(EXTRA, EXTRA.c.profile_id == SCOPE.c.profile_id)
    for scan, cte in made.items():
        unit = SCOPE.c.unit_id if scan.per == "household" else SCOPE.c.profile_id
        rows = rows.outerjoin(cte, cte.c.unit == unit)
    columns = {d.name: _value_columns(d, made) for d in definitions if d.expression is None}
    base: list[Any] = [SCOPE.c.profile_id, SCOPE.c.household_id]
    for name, found in columns.items():
        base += [c.label(f"{name}__{part}") for part, c in (("v", found.value), ("n", found.inputs), ("b", found.base)) if c is not None]
    level: Any = select(*base).select_from(rows).where(SCOPE.c.wanted).subquery("level")
    for depth, group in enumerate(levels(definitions)):
        known = {c.key.removesuffix("__v"): c for c in level.c if c.key.endswith("__v")}
        extra = [compile_expression(d.expression, known).label(f"{d.name}__v") for d in group if d.expression is not None]
        level = select(level, *extra).subquery(f"level_{depth}")
    return select(level.c.profile_id, level.c.household_id, _document(level, "v").label("values"), _inputs(level).label("inputs"))


def _value_columns(definition: Definition, made: dict[Scan, CTE]) -> Value:
    name = definition.name
    if not definition.over_events:
        member = EXTRA.c["values"].op("->")(text(name))
        return Value(member if definition.type is not Type.NUMBER else cast(EXTRA.c["values"].op("->>")(text(name)), Numeric()))
    cte = made[Scan(definition.per, definition.over_items)]
    value: Sql = cte.c[f"{name}__v"]
    if definition.kind in ("first", "last") and definition.type is Type.NUMBER:
        value = cast(value, Numeric())
    if definition.kind in _ZERO:
        value = func.coalesce(value, 0)
    inputs = func.coalesce(cte.c[f"{name}__n"], cast(0, BigInteger()))
    return Value(value, inputs, cte.c[f"{name}__b"] if definition.kind == "time_since" else None)


def levels(definitions: Sequence[Definition]) -> list[list[Definition]]:
    """Expressions in steps, so that each names only attributes of the steps before."""
    depth: dict[str, int] = {}
    levels: list[list[Definition]] = []
    for definition in definitions:
        if definition.expression is None:
            depth[definition.name] = 0
            continue
        depth[definition.name] = 1 + max((depth.get(name, 0) for name in definition.needs), default=0)
        while len(levels) < depth[definition.name]:
            levels.append([])
        levels[depth[definition.name] - 1].append(definition)
    return levels


_PAIRS = 40
"""A function of PostgreSQL takes a hundred arguments at most."""


def _document(level: Any, part: str) -> Sql:
    pairs = [(c.key.removesuffix(f"__{part}"), c) for c in level.c if c.key.endswith(f"__{part}")]
    return func.jsonb_strip_nulls(merged(pairs))


def _inputs(level: Any) -> Sql:
    counts = [(c.key.removesuffix("__n"), c) for c in level.c if c.key.endswith("__n")]
    bases = [(c.key.removesuffix("__b") + "@", c) for c in level.c if c.key.endswith("__b")]
    return func.jsonb_strip_nulls(merged(counts + bases))


def merged(pairs: list[tuple[str, Sql]]) -> Sql:
    groups = [pairs[i : i + _PAIRS] for i in range(0, len(pairs), _PAIRS)]
    parts = [func.jsonb_build_object(*(part for name, found in group for part in (text(name), found))) for group in groups]
    merged: Sql = parts[0] if parts else func.jsonb_build_object()
    for part in parts[1:]:
        merged = merged.op("||")(part)
    return merged
