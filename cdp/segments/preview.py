"""A preview counts exactly, in the columnar copy where there is one and else in the database; it says as of when, and how it counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import duckdb
from psycopg.errors import QueryCanceled
from sqlalchemy import Engine, Select, column, insert, literal_column, select, table, text
from sqlalchemy.exc import OperationalError

from cdp.attributes import DefinitionError, UnknownName, types
from cdp.segments.columnar import BITS, Catalogue, Columnar, Copy, as_uuid, rendered
from cdp.segments.compile import Compiler, Live
from cdp.segments.store import segments
from cdp.segments.tree import Condition

SAMPLE = 10
LONGEST = 30.0
"""Seconds after which a preview is given up: nobody waits for it any more, and the next one needs the machine."""
_MATCHED = table("segment_preview", column("profile_id"))


@dataclass(frozen=True)
class Preview:
    """How many meet a condition, some of them, and what they are made of.

    `by_source` and `by_channel` count people who have the source or the channel, `overlap` those who are in the segment as well.
    `as_of` is the moment of the copy; `engine` is columnar or live.
    """

    count: int
    total: int
    sample: tuple[UUID, ...]
    by_source: dict[str, int]
    by_channel: dict[str, int]
    overlap: dict[str, int]
    as_of: datetime
    engine: str
    milliseconds: float

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "count": self.count,
            "total": self.total,
            "sample": [str(profile_id) for profile_id in self.sample],
            "by_source": self.by_source,
            "by_channel": self.by_channel,
            "overlap": self.overlap,
            "as_of": self.as_of.isoformat(),
            "engine": self.engine,
            "milliseconds": round(self.milliseconds, 1),
        }


def preview(engine: Engine, condition: Condition, copy: Copy | None = None, *, as_of: datetime | None = None) -> Preview:
    """Preview a checked condition. Windows end at `as_of`, by default at the moment of the copy, or now where there is no copy.

    What people and events are is told by the copy: with `as_of` now, the count is what a refresh would find unless they changed since.

    Raises:
        DefinitionError: it takes too long.
    """
    started = time.monotonic()
    if copy is not None:
        with copy.open() as opened:
            if opened is not None:
                with suppress(UnknownName), limited(opened[0]):  # it was declared after the copy was made: the database knows it
                    return _columnar(*opened, condition, as_of, started)
    try:
        return _live(engine, condition, as_of, started)
    except OperationalError as error:
        if isinstance(error.orig, QueryCanceled):
            raise _TOO_LONG from None
        raise


_TOO_LONG = DefinitionError("", f"counting takes more than {LONGEST:.0f} seconds: ask for less, or for a shorter window")


@contextmanager
def limited(duck: duckdb.DuckDBPyConnection, seconds: float = LONGEST) -> Iterator[None]:
    """What a connection does in the block ends after so many seconds.

    Raises:
        DefinitionError: it was ended.
    """
    timer = threading.Timer(seconds, duck.interrupt)
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        raise _TOO_LONG from None
    finally:
        timer.cancel()


def execute(duck: duckdb.DuckDBPyConnection, statement: Select[Any]) -> list[Any]:
    """The rows of a statement in DuckDB; its parameters stay parameters."""
    rows: list[Any] = duck.execute(*rendered(statement)).fetchall()
    return rows


def _columnar(
    duck: duckdb.DuckDBPyConnection, catalogue: Catalogue, condition: Condition, as_of: datetime | None, started: float
) -> Preview:
    now = (as_of or catalogue.as_of).astimezone(UTC)
    compiler = Compiler(Columnar(catalogue.attributes), now, {name: i for i, name in enumerate(catalogue.segments)})
    lists = {"source": catalogue.sources, "channel": catalogue.channels, "segment": catalogue.segments}
    sums: list[Any] = [literal_column(_bit_count(name, i)) for name, names in lists.items() for i in range(len(names))]
    inside = compiler.people(condition).cte("matched")
    source = "person p join matched m on m.profile_id = p.profile_id"
    statement = select(literal_column("count(*)"), literal_column(f"min_by(p.uuid, hash(p.profile_id), {SAMPLE})"), *sums).select_from(
        text(source)
    )
    statement = statement.add_cte(inside)
    row = execute(duck, statement)[0]
    counts = iter(row[2:])
    found = {name: {word: int(next(counts) or 0) for word in names} for name, names in lists.items()}
    found["segment"].pop("", None)
    total = duck.execute("select count(*) from person").fetchone()
    assert total is not None
    sample = tuple(sorted(as_uuid(value) for value in row[1] or ()))
    took = (time.monotonic() - started) * 1000
    return Preview(row[0], total[0], sample, found["source"], found["channel"], found["segment"], catalogue.as_of, "columnar", took)


def _bit_count(name: str, position: int) -> str:
    return f"sum((p.{name}_{position // BITS} >> {position % BITS}) & 1)"


def _live(engine: Engine, condition: Condition, as_of: datetime | None, started: float) -> Preview:
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    with engine.connect() as connection:
        connection.execute(text("set local timezone = 'UTC'"))
        connection.execute(text(f"set local jit = off; set local statement_timeout = {LONGEST * 1000:.0f}"))
        known = {name: s.id for name, s in segments(connection).items()}
        people = Compiler(Live(types(connection)), now, known).people(condition)
        connection.execute(text("create temporary table segment_preview (profile_id uuid primary key) on commit drop"))
        connection.execute(insert(_MATCHED).from_select(["profile_id"], people))
        count = connection.execute(text("select count(*) from segment_preview")).scalar_one()
        total = connection.execute(text("select count(*) from profile where merged_into is null and retired_at is null")).scalar_one()
        sample = (
            connection.execute(text(f"select profile_id from segment_preview order by md5(profile_id::text) limit {SAMPLE}"))
            .scalars()
            .all()
        )
        parts = {name: {word: n for word, n in connection.execute(text(query))} for name, query in _PARTS.items()}
        overlap = dict.fromkeys(known, 0) | parts["overlap"]
    took = (time.monotonic() - started) * 1000
    return Preview(count, total, tuple(sorted(sample)), parts["source"], parts["channel"], overlap, now, "live", took)


_WORDS = """select w, count(*) from segment_preview s join person p on p.profile_id = s.profile_id
    cross join lateral unnest(string_to_array(trim(p.{list}, chr(31)), chr(31))) as w group by w order by w"""
_PARTS = {
    "source": _WORDS.format(list="sources"),
    "channel": _WORDS.format(list="channels"),
    "overlap": """select s.name, count(*) from segment_preview p join segment_member m using (profile_id)
        join segment s on s.id = m.segment_id where s.deleted_at is null group by s.name""",
}
