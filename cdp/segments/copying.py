"""A copy that was brought up to date equals one made anew: whoever changed is read again, whoever is gone leaves, nobody else is touched.

Work goes on in a clone of the newest copy (or an empty one) that gets its name when it is complete; readers keep the one they have open.
The members of segments are brought up to date by `cdp.segments.deciding`, segment by segment, from what `segment_change` says.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from sqlalchemy import Connection, Engine, text

from cdp.attributes import rates, types
from cdp.attributes.fields import GOLDEN_DATES, GOLDEN_TEXTS, LISTS, PERSON_FIELDS
from cdp.attributes.language.tree import Type
from cdp.db import copy_table, held_lock
from cdp.segments.columnar import BITS, DIRECT, EVENT_TYPES, FORMAT

COPYING = "columnar copy"
"""The lock of whoever makes a copy."""
_ABANDONED = 6 * 3600
"""Seconds after which a build that has not ended never will."""
_MOST = 0.3
"""If a larger share of the people changed, or of the rows was replaced, all is made anew."""
_MARGIN = timedelta(minutes=1)
_DUCK = {Type.NUMBER: "double", Type.TIME: "timestamptz", Type.BOOLEAN: "boolean"}


_SESSION = "set local timezone = 'UTC'; set local jit = off; set local random_page_cost = 1.1"


@dataclass(frozen=True)
class Draft:
    """A copy in the making: people and events as they were at `read_at`; `loaded` of them were read again."""

    duck: duckdb.DuckDBPyConnection
    work: Path
    attributes: Mapping[str, Type]
    as_of: datetime
    read_at: datetime
    loaded: int


@contextmanager
def draft(engine: Engine, folder: Path, as_of: datetime, changed: Iterable[UUID] = ()) -> Iterator[Draft]:
    """A copy of the present state to work on; it is published when the block ends without an error.

    One at a time. `changed` are profiles to read again besides those that say themselves when they changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
    try:
        with held_lock(engine, COPYING):
            target = work / "copy.duckdb"
            with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
                connection.execute(text(_SESSION))
                made = _read(connection, folder, target, as_of, set(changed))
            try:
                yield made
                made.duck.execute("update meta set as_of = ?", [as_of])
            finally:
                made.duck.close()
            os.replace(target, folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.duckdb")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for old in sorted(folder.glob("*.duckdb"))[:-2]:
        old.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what builds that were killed left behind."""
    for left in folder.glob("building-*"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)


def _read(connection: Connection, folder: Path, target: Path, as_of: datetime, changed: set[UUID]) -> Draft:
    known = types(connection)
    mark = repr((sorted((name, kind.value) for name, kind in known.items()), sorted(rates(connection).items())))
    read_at: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    begun: datetime = connection.execute(text(_BEGUN)).scalar_one()
    newest = max(folder.glob("*.duckdb"), default=None)
    duck, loaded = None, None
    if newest is not None:
        shutil.copyfile(newest, target)
        duck = _open(target)
        if _usable(duck, mark):
            loaded = _renew(connection, duck, target.parent, known, changed)
    if duck is None or loaded is None:
        if duck is not None:
            duck.close()
        target.unlink(missing_ok=True)
        duck = _open(target)
        loaded = _fill(connection, duck, target.parent, known, mark)
    duck.execute("update meta set since = ?", [begun - _MARGIN])
    return Draft(duck, target.parent, known, as_of, read_at, loaded)


_BEGUN = """select least(now(), min(xact_start)) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend'"""
"""What is not to be seen yet was begun after this moment, and bears a later time."""


def _open(target: Path) -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect(str(target), config={"memory_limit": "2GB", "temp_directory": str(target.parent / "spill")})
    duck.execute("set timezone = 'UTC'; set preserve_insertion_order = true")
    return duck


def _usable(duck: duckdb.DuckDBPyConnection, mark: str) -> bool:
    """Whether the copy has this format, and was made under the same definitions and rates."""
    columns = {row[0] for row in duck.execute("select column_name from duckdb_columns() where table_name = 'meta'").fetchall()}
    if "format" not in columns:
        return False
    return duck.execute("select format, mark from meta").fetchone() == (FORMAT, mark)


# --- all of it


def _fill(connection: Connection, duck: duckdb.DuckDBPyConnection, work: Path, known: Mapping[str, Type], mark: str) -> int:
    duck.execute("create table meta (as_of timestamptz, since timestamptz, format integer, mark varchar, replaced bigint)")
    duck.execute("insert into meta values (null, null, ?, ?, 0)", [FORMAT, mark])
    duck.execute("create table vocabulary (list varchar, position integer, name varchar)")
    duck.execute("create table stay (position integer, segment_id smallint, last_change bigint)")
    duck.execute("create table attribute (name varchar, type varchar)")
    duck.execute("create table home (uuid uuid, n integer)")
    duck.execute("create table dead (uuid uuid, n integer)")
    duck.execute("create table segment_member (profile_id integer, segment_id integer)")
    duck.execute(f"create table person (uuid uuid, {_columns(_person_types(known))})")
    duck.execute(f"create table event ({_columns(EVENT_TYPES)})")
    for name, kind in known.items():
        duck.execute("insert into attribute values (?, ?)", [name, kind.value])
    events = work / "raw_event.csv"
    with _beside(connection) as other, ThreadPoolExecutor(1) as pool:
        spilt = pool.submit(_spill, other, f"select {', '.join(EVENT_TYPES)} from event", events)
        load(connection, duck, work, "raw_person", _people(known), _person_types(known) | {"profile_id": "uuid", "household_id": "uuid"})
        spilt.result()
    duck.execute("create temp table alive as select profile_id as uuid, household_id as home, confidence from raw_person")
    _take_in(duck, "raw_event", events, EVENT_TYPES | {"profile_id": "uuid"})
    return _arrange(duck)


@contextmanager
def _beside(connection: Connection) -> Iterator[Connection]:
    """A second connection that sees what `connection` sees: PostgreSQL makes people and events at the same time, one core each."""
    snapshot = connection.execute(text("select pg_export_snapshot()")).scalar_one()
    with connection.engine.connect().execution_options(isolation_level="REPEATABLE READ") as other, other.begin():
        other.execute(text(f"set transaction snapshot '{snapshot}'"))
        other.execute(text(_SESSION))
        yield other


def _columns(types_: Mapping[str, str]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in types_.items())


def _people(known: Mapping[str, Type]) -> str:
    """The query whose rows are the people of a copy; the names in it are checked ones."""
    golden = [f"\"values\" -> '{name}' ->> 'value' as {name}" for name in (*GOLDEN_TEXTS, *GOLDEN_DATES)]
    custom = (
        """(select jsonb_object_agg(c.key, c.value ->> 'value') from jsonb_each("values") as c where c.key like 'attributes.%') as custom"""
    )
    columns = ["profile_id", "household_id", "bucket", "granted", "denied", custom, *DIRECT, *LISTS.values(), *golden, *_values(known)]
    return f"select {', '.join(columns)} from person"


def _values(known: Mapping[str, Type]) -> list[str]:
    """The columns of attributes, from a document `attributes`."""
    made = []
    for name, kind in known.items():
        if kind is Type.LIST:
            joined = "chr(31) || string_agg(lower(e), chr(31)) || chr(31)"
            made.append(f"(select {joined} from jsonb_array_elements_text(attributes -> '{name}') as e) as a_{name}")
        else:
            made.append(f"attributes ->> '{name}' as a_{name}")
    return made


def _person_types(known: Mapping[str, Type]) -> dict[str, str]:
    kinds = {"profile_id": "integer", "household_id": "integer", "bucket": "smallint"}
    kinds |= dict.fromkeys(("granted", "denied", "custom"), "varchar")
    kinds |= {name: _DUCK.get(PERSON_FIELDS[name], "varchar") for name in DIRECT}
    kinds |= dict.fromkeys((*LISTS.values(), *GOLDEN_TEXTS, *GOLDEN_DATES), "varchar")
    return kinds | _value_types(known)


def _value_types(known: Mapping[str, Type]) -> dict[str, str]:
    return {f"a_{name}": _DUCK.get(kind, "varchar") for name, kind in known.items()}


_CSV = "header = false, nullstr = '', quote = '\"', escape = '\"', delim = ',', auto_detect = false, strict_mode = false, parallel = false"
"""One reader and not several: those lose their place in quoted texts beyond ASCII (DuckDB 2.0), and take more CPU (docs/decisions.md)."""


def load(connection: Connection, duck: duckdb.DuckDBPyConnection, work: Path, name: str, query: str, columns: Mapping[str, str]) -> None:
    """The rows of a query of PostgreSQL as a temporary table of DuckDB, by way of a file: memory stays flat."""
    file = work / f"{name}.csv"
    _spill(connection, query, file)
    _take_in(duck, name, file, columns)


def _spill(connection: Connection, query: str, file: Path) -> None:
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, file.open("wb") as out, cursor.copy(f"copy ({query}) to stdout (format csv, null '')") as copy:
        for block in copy:
            out.write(block)


def _take_in(duck: duckdb.DuckDBPyConnection, name: str, file: Path, columns: Mapping[str, str]) -> None:
    listed = ", ".join(f"'{field}': '{kind}'" for field, kind in columns.items())
    duck.execute(f"create or replace temp table {name} as select * from read_csv(?, columns = {{{listed}}}, {_CSV})", [str(file)])
    file.unlink()


# --- what changed of it

_STALE = """select profile_id from golden where updated_at >= '{since}'
    union select profile_id from interaction where changed_at >= '{since}' and profile_id is not null
    union select profile_id from profile_journal where at >= '{since}'
    union select from_profile_id from profile_journal where at >= '{since}' and from_profile_id is not null"""
_VALUES = """select profile_id, {columns} from (select profile_id, "values" as attributes from profile_attribute
    where computed_at >= '{since}') as v"""
_ALIVE = "select id, household_id, confidence from profile where merged_into is null and retired_at is null"


def _renew(
    connection: Connection, duck: duckdb.DuckDBPyConnection, work: Path, known: Mapping[str, Type], changed: set[UUID]
) -> int | None:
    """Bring the clone up to date; null, with the clone spoilt, where making all anew is less work."""
    since, replaced = duck.execute("select since, replaced from meta").fetchall()[0]
    load(connection, duck, work, "alive", _ALIVE, {"uuid": "uuid", "home": "uuid", "confidence": "double"})
    moment = f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00"
    load(connection, duck, work, "stale", _STALE.format(since=moment), {"uuid": "uuid"})
    duck.execute("insert into stale select unnest(?::uuid[])", [[str(profile_id) for profile_id in changed]])
    duck.execute("""create temp table wanted as select distinct a.uuid from alive a
        where a.uuid in (select uuid from stale) or a.uuid not in (select uuid from person)""")
    wanted, people = duck.execute("select (select count(*) from wanted), (select count(*) from alive)").fetchall()[0]
    if wanted + replaced > people * _MOST + 1000:
        return None
    duck.execute("update meta set replaced = replaced + ?", [wanted])
    if known:
        values = _VALUES.format(columns=", ".join(_values(known)), since=moment)
        load(connection, duck, work, "raw_value", values, {"profile_id": "uuid"} | _value_types(known))
        duck.execute(_REVALUED.format(columns=", ".join(_value_types(known))))
    connection.execute(text("create temporary table copy_wanted (profile_id uuid primary key) on commit drop"))
    copy_table(connection, duck.sql("select uuid::varchar as profile_id from wanted").to_arrow_table(), "copy_wanted")
    connection.execute(text("analyze copy_wanted"))
    people_types = _person_types(known) | {"profile_id": "uuid", "household_id": "uuid"}
    load(connection, duck, work, "raw_person", f"{_people(known)} where profile_id in (select profile_id from copy_wanted)", people_types)
    events = f"select {', '.join(EVENT_TYPES)} from event where profile_id in (select profile_id from copy_wanted)"
    load(connection, duck, work, "raw_event", events, EVENT_TYPES | {"profile_id": "uuid"})
    return _arrange(duck)


_REVALUED = """
create or replace temp table revalued as select p.* exclude ({columns}), v.* exclude (profile_id) from person p
    join raw_value v on v.profile_id = p.uuid where p.uuid not in (select uuid from wanted);
delete from person where profile_id in (select profile_id from revalued);
insert into person by name select * from revalued order by profile_id;
drop table revalued; drop table raw_value"""
"""Whose attributes changed and nothing else has only these read again."""


def _arrange(duck: duckdb.DuckDBPyConnection) -> int:
    """Number who is new, replace who was read again, drop who lives no more, and turn lists into bits; how many were read.

    Leaves the temporary tables `number` (uuid, n), those who are gone included, and `moved` (n), those who were read.
    """
    duck.execute("create or replace temp table number as select uuid, profile_id as n from person union all select uuid, n from dead")
    duck.execute("""create or replace temp table gone as
        select n from number where uuid not in (select uuid from alive) or uuid in (select profile_id from raw_person)""")
    duck.execute("""insert into number select profile_id, top + row_number() over (order by profile_id)
        from raw_person, (select coalesce(max(n), -1) as top from number) where profile_id not in (select uuid from number)""")
    duck.execute("""insert into home select home, bottom - row_number() over (order by home)
        from (select distinct home from alive where home is not null and home not in (select uuid from home)),
            (select coalesce(min(n), 0) as bottom from home)""")
    masks = "".join(_masks(duck, name, widen(duck, name, _distinct(duck, f"{name}s"))) for name in ("source", "channel"))
    duck.execute("delete from dead where uuid in (select uuid from alive)")
    duck.execute("insert into dead select uuid, profile_id from person where uuid not in (select uuid from alive)")
    duck.execute("delete from person where profile_id in (select n from gone)")
    duck.execute("delete from event where profile_id in (select n from gone)")
    duck.execute(f"""insert into person by name select r.profile_id as uuid, number.n as profile_id, null::integer as household_id,
        r.* exclude (profile_id, household_id){masks} from raw_person r join number on number.uuid = r.profile_id order by number.n""")
    duck.execute("""update person set household_id = m.n from (select p.profile_id as p, h.n from person p join alive a on a.uuid = p.uuid
        left join home h on h.uuid = a.home where p.household_id is distinct from h.n) m where person.profile_id = m.p""")
    duck.execute("""update person set confidence = a.confidence from alive a
        where a.uuid = person.uuid and person.confidence is distinct from a.confidence""")
    duck.execute("""insert into event by name select number.n as profile_id, e.* exclude (profile_id)
        from raw_event e join number on number.uuid = e.profile_id order by e.kind, e.at""")
    duck.execute("create or replace temp table moved as select n from number where uuid in (select profile_id from raw_person)")
    duck.execute("drop table raw_event; drop table raw_person; drop table alive")
    return int(duck.execute("select count(*) from moved").fetchall()[0][0])


def _distinct(duck: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    rows = duck.execute(
        f"select distinct unnest(string_split(trim({name}, chr(31)), chr(31))) as v from raw_person where {name} is not null order by v"
    )
    return [row[0] for row in rows.fetchall()]


def widen(duck: duckdb.DuckDBPyConnection, name: str, words: Iterable[str]) -> dict[str, int]:
    """Give each new word of a list a position (one that is free, or the next) and its bit; all words with their positions."""
    rows = duck.execute("select name, position from vocabulary where list = ? order by position", [name]).fetchall()
    known = {word: position for word, position in rows if word}
    free = iter([position for word, position in rows if not word])
    following = len(rows)
    for word in words:
        if word in known:
            continue
        known[word] = next(free, following)
        if known[word] == following:
            following += 1
        else:
            duck.execute("delete from vocabulary where list = ? and position = ?", [name, known[word]])
        duck.execute("insert into vocabulary values (?, ?, ?)", [name, known[word], word])
    for group in range((following + BITS - 1) // BITS):
        duck.execute(f"alter table person add column if not exists {name}_{group} bigint default 0")
    return known


def _masks(duck: duckdb.DuckDBPyConnection, name: str, positions: Mapping[str, int]) -> str:
    """Columns of bits that say which words of the list are in a text."""
    groups: dict[int, list[str]] = {}
    for word, position in positions.items():
        quoted = word.replace("'", "''")
        part = f"(case when strpos({name}s, chr(31) || '{quoted}' || chr(31)) > 0 then {1 << (position % BITS)} else 0 end)::bigint"
        groups.setdefault(position // BITS, []).append(part)
    return "".join(f", coalesce({' + '.join(parts)}, 0) as {name}_{group}" for group, parts in groups.items())
