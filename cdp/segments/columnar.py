"""The columnar copy holds what conditions read, of everybody, as it stood at one moment; it is derived, and can be deleted at any time.

A copy is one DuckDB file under `lake/segments`, named after its moment and complete before it gets its name (`cdp.segments.copying` makes
it); readers open the newest one read-only, any number of processes at once. Profiles are numbered in it, people's sources, channels and
segments are bits of numbers, and events are ordered by kind and time, so that a question about one kind in one window reads little.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from sqlalchemy import Double, FromClause, Select, Text, cast, column, table
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from cdp.attributes.fields import GOLDEN_DATES, GOLDEN_TEXTS, LISTS, PERSON_FIELDS, age, property_text
from cdp.attributes.language.check import unknown
from cdp.attributes.language.sql import Field, Fields
from cdp.attributes.language.tree import Type


class _DoubleParameter(Double[Any]):
    """A parameter of type DOUBLE PRECISION: what the dialect would write, FLOAT, has half the digits in DuckDB."""

    render_bind_cast = True


class _Numbered(PGDialect_asyncpg):
    """Renders parameters as $1, $2 …, which DuckDB reads."""

    colspecs = PGDialect_asyncpg.colspecs | {Double: _DoubleParameter}


_NUMBERED = _Numbered()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped

BITS = 62
"""Sources, channels or segments in one column of bits."""

FORMAT = 2
"""A copy of another format is made anew."""

EVENT_TYPES = {
    "profile_id": "integer",
    "kind": "varchar",
    "event_id": "bigint",
    "at": "timestamptz",
    **dict.fromkeys(("source", "stream", "name", "channel", "direction"), "varchar"),
    "ended_at": "timestamptz",
    "amount": "double",
    "value": "double",
    **dict.fromkeys(("currency", "status", "subject", "campaign"), "varchar"),
    "rating": "double",
    **dict.fromkeys(("priority", "staff", "categories", "skus", "products", "properties"), "varchar"),
}
"""Column of events -> its type in DuckDB."""

DIRECT = (
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
    """What the bits of a copy stand for, and when it was made. A position whose segment is gone has the name ''."""

    as_of: datetime
    attributes: Mapping[str, Type]
    sources: tuple[str, ...]
    channels: tuple[str, ...]
    segments: tuple[str, ...]


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
        self._catalogue = catalogue(self._database)
        self._path = found[-1]


def catalogue(duck: duckdb.DuckDBPyConnection) -> Catalogue:
    duck.execute("set timezone = 'UTC'")
    row = duck.execute("select as_of from meta").fetchone()
    assert row is not None
    words: dict[str, list[str]] = {"source": [], "channel": [], "segment": []}
    for name, value in duck.execute("select list, name from vocabulary order by list, position").fetchall():
        words[name].append(value)
    attributes = {name: Type(kind) for name, kind in duck.execute("select name, type from attribute").fetchall()}
    return Catalogue(row[0], attributes, tuple(words["source"]), tuple(words["channel"]), tuple(words["segment"]))


_PERSON_NAMES = (
    "uuid",
    "profile_id",
    "household_id",
    "bucket",
    "granted",
    "denied",
    "custom",
    *DIRECT,
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

    def people_ids(self) -> FromClause:
        """A fresh alias of the relation of people, with the numbers and ids of profiles."""
        return table("person", column("profile_id"), column("uuid")).alias()

    def event(self) -> FromClause:
        return table("event", *(column(name) for name in EVENT_TYPES)).alias()

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
        if name == "id":
            return Field(Type.TEXT, cast(self.person.c.uuid, Text()))
        if name in PERSON_FIELDS:
            return Field(PERSON_FIELDS[name], self.person.c[name])
        if name.startswith("custom."):
            return Field(Type.ANY, property_text(self.person.c.custom, [f"attributes.{name.removeprefix('custom.')}"]))
        raise unknown("field or attribute", name, [*PERSON_FIELDS, *self.attributes], place)


def rendered(statement: Select[Any]) -> tuple[str, list[Any]]:
    """A statement as DuckDB reads it; its parameters stay parameters."""
    compiled = statement.compile(dialect=_NUMBERED, compile_kwargs={"render_postcompile": True})
    return str(compiled), [compiled.params[name] for name in compiled.positiontup or ()]


def as_uuid(value: object) -> UUID:
    """An id as DuckDB gives it."""
    return value if isinstance(value, UUID) else UUID(str(value))
