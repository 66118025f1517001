"""The columnar copy holds what conditions read, of everybody, as it stood at one moment; it is derived, and can be deleted at any time.

A copy is one DuckDB file under `lake/segments`, named after its moment and complete before it gets its name; readers open the newest one
read-only, any number of processes at once. Profiles are numbered in it, people's sources, channels and segments are bits of numbers, and
events are ordered by kind and time, so that a question about one kind in one window reads little.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from sqlalchemy import Connection, Engine, FromClause, column, table, text

from cdp.attributes import types
from cdp.attributes.fields import GOLDEN_DATES, GOLDEN_TEXTS, LISTS, PERSON_FIELDS, age, property_text
from cdp.attributes.language.check import unknown
from cdp.attributes.language.sql import Field, Fields
from cdp.attributes.language.tree import Type
from cdp.segments.store import segments

_ABANDONED = 6 * 3600
"""Seconds after which a build that has not ended never will."""
BITS = 62
"""Sources, channels or segments in one column of bits."""

_DUCK = {Type.NUMBER: "double", Type.TIME: "timestamptz", Type.BOOLEAN: "boolean"}
_EVENT = (
    "profile_id, kind, event_id, at, source, stream, name, channel, direction, ended_at, amount, value, currency, status, subject, campaign"
)
_EVENT_COLUMNS = f"{_EVENT}, rating, priority, staff, categories, skus, products, properties"
_EVENT_TYPES = {
    "at": "timestamptz",
    "ended_at": "timestamptz",
    "amount": "double",
    "value": "double",
    "rating": "double",
    "event_id": "bigint",
}
_DIRECT = (
    "kind",
    "display_name",
    "record_count",
    "source_count",
    "interaction_count",
    "confidence",
    "created_at",
    "first_seen_at",
    "last_seen_at",
)


@dataclass(frozen=True)
class Catalogue:
    """What the bits of a copy stand for, and when it was made."""

    as_of: datetime
    attributes: Mapping[str, Type]
    sources: tuple[str, ...]
    channels: tuple[str, ...]
    segments: tuple[str, ...]


def build(engine: Engine, folder: Path, as_of: datetime | None = None) -> Path:
    """Make a copy of the present state in `folder` and drop older ones; its path.

    One million profiles and ten million interactions take a minute or two and less than a gigabyte.
    """
    moment = (as_of or datetime.now(UTC)).astimezone(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
    try:
        target = work / "copy.duckdb"
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, duckdb.connect(str(target)) as duck:
            connection.execute(text("set local timezone = 'UTC'"))
            duck.execute("set timezone = 'UTC'; set preserve_insertion_order = true")
            _build(connection, duck, work, moment)
        final = folder / f"{moment:%Y%m%dT%H%M%S%f}.duckdb"
        os.replace(target, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for old in sorted(folder.glob("*.duckdb"))[:-2]:
        old.unlink(missing_ok=True)
    return final


def _sweep(folder: Path) -> None:
    """Remove what builds that were killed left behind."""
    for left in folder.glob("building-*"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)


def _build(connection: Connection, duck: duckdb.DuckDBPyConnection, work: Path, moment: datetime) -> None:
    known = types(connection)
    _load(connection, duck, work, "raw_person", _people(known), _person_types(known))
    events = f"select {_EVENT_COLUMNS} from event"
    _load(
        connection,
        duck,
        work,
        "raw_event",
        events,
        {name.strip(): _EVENT_TYPES.get(name.strip(), "varchar") for name in _EVENT_COLUMNS.split(",")},
    )
    members = (
        "select s.name as segment, m.profile_id from segment_member m join segment s on s.id = m.segment_id where s.deleted_at is null"
    )
    _load(connection, duck, work, "raw_member", members, {"segment": "varchar", "profile_id": "uuid"})
    lists = {
        "source": _distinct(duck, "raw_person", "sources"),
        "channel": _distinct(duck, "raw_person", "channels"),
        "segment": list(segments(connection)),
    }
    duck.execute("create table meta (as_of timestamptz)")
    duck.execute("insert into meta values (?)", [moment])
    duck.execute("create table vocabulary (list varchar, position integer, name varchar)")
    duck.execute("create table attribute (name varchar, type varchar)")
    for name, names in lists.items():
        for position, value in enumerate(names):
            duck.execute("insert into vocabulary values (?, ?, ?)", [name, position, value])
    for name, kind in known.items():
        duck.execute("insert into attribute values (?, ?)", [name, kind.value])
    _arrange(duck, lists)


def _people(known: Mapping[str, Type]) -> str:
    """The query whose rows are the people of a copy; the names in it are checked ones."""
    golden = [f"\"values\" -> '{name}' ->> 'value' as {name}" for name in (*GOLDEN_TEXTS, *GOLDEN_DATES)]
    made = []
    for name, kind in known.items():
        if kind is Type.LIST:
            joined = "chr(31) || string_agg(lower(e), chr(31)) || chr(31)"
            made.append(f"(select {joined} from jsonb_array_elements_text(attributes -> '{name}') as e) as a_{name}")
        else:
            made.append(f"attributes ->> '{name}' as a_{name}")
    custom = (
        """(select jsonb_object_agg(c.key, c.value ->> 'value') from jsonb_each("values") as c where c.key like 'attributes.%') as custom"""
    )
    columns = ["profile_id", "household_id", "bucket", "granted", "denied", custom, *_DIRECT, *LISTS.values(), *golden, *made]
    return f"select {', '.join(columns)} from person order by profile_id"


def _person_types(known: Mapping[str, Type]) -> dict[str, str]:
    kinds = {
        "profile_id": "uuid",
        "household_id": "uuid",
        "bucket": "smallint",
        "granted": "varchar",
        "denied": "varchar",
        "custom": "varchar",
    }
    kinds |= {name: _DUCK.get(PERSON_FIELDS[name], "varchar") for name in _DIRECT}
    kinds |= dict.fromkeys((*LISTS.values(), *GOLDEN_TEXTS, *GOLDEN_DATES), "varchar")
    return kinds | {f"a_{name}": _DUCK.get(kind, "varchar") for name, kind in known.items()}


def _load(connection: Connection, duck: duckdb.DuckDBPyConnection, work: Path, name: str, query: str, columns: Mapping[str, str]) -> None:
    """The rows of a query of PostgreSQL as a table of DuckDB, by way of a file: memory stays flat."""
    file = work / f"{name}.csv"
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, file.open("wb") as out, cursor.copy(f"copy ({query}) to stdout (format csv, null '')") as copy:
        for block in copy:
            out.write(block)
    listed = ", ".join(f"'{field}': '{kind}'" for field, kind in columns.items())
    form = "header = false, nullstr = '', quote = '\"', escape = '\"', delim = ',', auto_detect = false, strict_mode = false"
    read = f"read_csv(?, columns = {{{listed}}}, {form})"
    duck.execute(f"create temp table {name} as select * from {read}", [str(file)])
    file.unlink()


def _distinct(duck: duckdb.DuckDBPyConnection, relation: str, name: str) -> list[str]:
    rows = duck.execute(
        f"select distinct unnest(string_split(trim({name}, chr(31)), chr(31))) as v from {relation} where {name} is not null order by v"
    )
    return [row[0] for row in rows.fetchall()]


def _bits(names: list[str], test: str) -> list[str]:
    """Columns of bits, one bit a name; `test` says of a position whether its bit is set."""
    groups = [range(start, min(start + BITS, len(names))) for start in range(0, len(names), BITS)]
    return [" + ".join(f"(case when {test.format(i=i)} then {1 << (i % BITS)} else 0 end)::bigint" for i in group) for group in groups]


def _arrange(duck: duckdb.DuckDBPyConnection, lists: Mapping[str, list[str]]) -> None:
    """Number the profiles and turn lists into bits."""
    duck.execute("""create temp table number as
        select profile_id as uuid, (row_number() over (order by profile_id) - 1)::integer as n from raw_person""")
    duck.execute("""create temp table home as select household_id as uuid, -1 - (row_number() over (order by household_id))::integer as n
        from (select distinct household_id from raw_person where household_id is not null)""")
    masks = []
    for name, column_name in (("source", "sources"), ("channel", "channels")):
        words = [word.replace("'", "''") for word in lists[name]]
        for g, start in enumerate(range(0, len(words), BITS)):
            parts = [
                f"(case when strpos({column_name}, chr(31) || '{word}' || chr(31)) > 0 then {1 << i} else 0 end)::bigint"
                for i, word in enumerate(words[start : start + BITS])
            ]
            masks.append(f"coalesce({' + '.join(parts)}, 0) as {name}_{g}")
    duck.execute(
        """create temp table belongs as select n.n, v.position, v.position // ? as part, 1::bigint << (v.position % ?)::integer as bit
        from raw_member m join number n on n.uuid = m.profile_id join vocabulary v on v.list = 'segment' and v.name = m.segment""",
        [BITS, BITS],
    )
    groups = range(0, len(lists["segment"]), BITS)
    sums = ", ".join(f"coalesce(sum(bit) filter (where part = {g}), 0)::bigint as segment_{g}" for g, _ in enumerate(groups))
    member = f"select n as member_n, {sums} from belongs group by n" if sums else "select null::integer as member_n where false"
    extra = "".join(f", {mask}" for mask in masks)
    duck.execute(f"""create table person as
        select x.profile_id as uuid, x.n as profile_id, h.n as household_id,
            x.* exclude (profile_id, household_id, n){extra}, m.* exclude (member_n)
        from (select p.*, number.n from raw_person p join number on number.uuid = p.profile_id) x
        left join home h on h.uuid = x.household_id left join ({member}) m on m.member_n = x.n order by x.n""")
    duck.execute("""create table event as select number.n as profile_id, e.* exclude (profile_id)
        from raw_event e join number on number.uuid = e.profile_id order by e.kind, e.at""")
    duck.execute("create table segment_member as select n as profile_id, position as segment_id from belongs order by position, n")


class Copy:
    """The newest copy in a folder, opened read-only; a newer one is taken up when it appears. One for each process; threads share it."""

    def __init__(self, folder: Path, *, threads: int | None = None, memory: str = "1GB") -> None:
        self._folder = folder
        self._threads = threads
        self._memory = memory
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._database: duckdb.DuckDBPyConnection | None = None
        self._catalogue: Catalogue | None = None

    @contextmanager
    def open(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Catalogue] | None]:
        """A cursor on the newest copy and what is in it; null where there is none."""
        with self._lock:
            self._take_newest()
            cursor = None if self._database is None else self._database.cursor()
            catalogue = self._catalogue
        if cursor is None or catalogue is None:
            yield None
            return
        try:
            cursor.execute("set timezone = 'UTC'")
            yield cursor, catalogue
        finally:
            cursor.close()

    def _take_newest(self) -> None:
        found = sorted(self._folder.glob("*.duckdb"))
        if not found or found[-1] == self._path:
            return
        config: dict[str, Any] = {"memory_limit": self._memory} | ({"threads": self._threads} if self._threads else {})
        self._database = duckdb.connect(str(found[-1]), read_only=True, config=config)
        self._catalogue = _catalogue(self._database)
        self._path = found[-1]


def _catalogue(duck: duckdb.DuckDBPyConnection) -> Catalogue:
    duck.execute("set timezone = 'UTC'")
    row = duck.execute("select as_of from meta").fetchone()
    assert row is not None
    words: dict[str, list[str]] = {"source": [], "channel": [], "segment": []}
    for name, value in duck.execute("select list, name from vocabulary order by list, position").fetchall():
        words[name].append(value)
    attributes = {name: Type(kind) for name, kind in duck.execute("select name, type from attribute").fetchall()}
    return Catalogue(row[0], attributes, tuple(words["source"]), tuple(words["channel"]), tuple(words["segment"]))


_PERSON_NAMES = (
    "profile_id",
    "household_id",
    "bucket",
    "granted",
    "denied",
    "custom",
    *_DIRECT,
    *LISTS.values(),
    *GOLDEN_TEXTS,
    *GOLDEN_DATES,
)


@dataclass(frozen=True)
class Columnar:
    """The relations of a copy, for the compiler."""

    attributes: Mapping[str, Type]

    def person(self) -> FromClause:
        return table("person", *(column(name) for name in (*_PERSON_NAMES, *(f"a_{name}" for name in self.attributes)))).alias()

    def event(self) -> FromClause:
        return table("event", *(column(name.strip()) for name in _EVENT_COLUMNS.split(","))).alias()

    def fields(self, person: FromClause, now: datetime) -> Fields:
        return _ColumnarFields(person, self.attributes, now)


@dataclass(frozen=True)
class _ColumnarFields:
    person: FromClause
    attributes: Mapping[str, Type]
    now: datetime

    def field(self, name: str, place: str) -> Field:
        if name in self.attributes:
            return Field(self.attributes[name], self.person.c[f"a_{name}"])
        if name in LISTS:
            return Field(Type.LIST, self.person.c[LISTS[name]])
        if name == "age":
            return Field(Type.NUMBER, age(self.person.c.birth_date, self.now))
        if name in PERSON_FIELDS:
            return Field(PERSON_FIELDS[name], self.person.c[name])
        if name.startswith("custom."):
            return Field(Type.ANY, property_text(self.person.c.custom, [f"attributes.{name.removeprefix('custom.')}"]))
        raise unknown("field or attribute", name, [*PERSON_FIELDS, *self.attributes], place)


def as_uuid(value: object) -> UUID:
    """An id as DuckDB gives it."""
    return value if isinstance(value, UUID) else UUID(str(value))
