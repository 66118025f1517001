"""Everybody is decided in the columnar copy, and only who enters and who leaves is written to PostgreSQL; the copy then says the same.

A copy's members of a segment are those of PostgreSQL as of the segment's last change that was read; before a segment is decided, under its
lock, the changes since are read. Whoever changed after the copy was read is left to the refresh that looks at that change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from cdp.db import copy_table, is_locked, lock
from cdp.segments import membership
from cdp.segments.check import in_order
from cdp.segments.columnar import BITS, Columnar, rendered
from cdp.segments.compile import Compiler
from cdp.segments.copying import COPYING, Draft, draft, load, widen
from cdp.segments.membership import SegmentReport, SegmentsReport, apply_difference, difference_tables, record, withdraw
from cdp.segments.store import Segment, segments

Progress = Callable[[int, int], None]


def refresh_in_copy(
    engine: Engine,
    folder: Path,
    *,
    names: Collection[str] | None = None,
    as_of: datetime | None = None,
    changed: Iterable[UUID] = (),
    progress: Progress | None = None,
) -> SegmentsReport:
    """Decide the members of all segments, or of those named, by way of a copy that is brought up to date and then published in `folder`.

    `changed` are profiles to read again besides those whose rows say that they changed since the copy before.

    Attributes come first. Safe to run twice, and beside a refresh of some people.
    """
    started = time.monotonic()
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    with engine.begin() as connection:
        withdraw(connection)
    reports: list[SegmentReport] = []
    with draft(engine, folder, now, changed) as made:
        with engine.connect() as connection:
            known = segments(connection)
        positions = _positions(made.duck, known)
        order = in_order({name: one.condition for name, one in known.items()})
        for done, name in enumerate(order, 1):
            with engine.begin() as connection:
                lock(connection, f"segment {name}")
                if names is None or name in names:
                    reports.append(_decide(connection, made, known[name], positions))
                else:
                    _follow(connection, made, known[name].id, positions[name])
            if progress:
                progress(done, len(order))
        _set_bits(made.duck)
    return SegmentsReport(now, tuple(reports), time.monotonic() - started)


def refresh_saved(engine: Engine, folder: Path, name: str) -> SegmentsReport:
    """Decide one segment now, in the copy where there is one: the next preview knows its members. Nobody waits for a refresh of all."""
    with engine.connect() as connection:
        busy = is_locked(connection, COPYING)
    if busy or not any(folder.glob("*.duckdb")):
        return membership.refresh(engine, names=[name])
    return refresh_in_copy(engine, folder, names=[name])


def build(engine: Engine, folder: Path, as_of: datetime | None = None) -> Path:
    """A copy of the present state, members as PostgreSQL has them; its path. Brings the newest one up to date where there is one."""
    moment = (as_of or datetime.now(UTC)).astimezone(UTC)
    with draft(engine, folder, moment) as made:
        with engine.connect() as connection:
            known = segments(connection)
        positions = _positions(made.duck, known)
        for name, one in known.items():
            with engine.begin() as connection:
                lock(connection, f"segment {name}")
                _follow(connection, made, one.id, positions[name])
        _set_bits(made.duck)
    return max(folder.glob("*.duckdb"))


def _positions(duck: duckdb.DuckDBPyConnection, known: dict[str, Segment]) -> dict[str, int]:
    """Segment -> its position; segments that are gone give theirs back."""
    ids = {one.id for one in known.values()}
    for position, segment_id in duck.execute("select position, segment_id from stay").fetchall():
        if segment_id not in ids:
            duck.execute("delete from segment_member where segment_id = ?", [position])
            duck.execute("delete from stay where position = ?", [position])
            duck.execute("update vocabulary set name = '' where list = 'segment' and position = ?", [position])
            duck.execute(f"update person set segment_{position // BITS} = segment_{position // BITS} & ~(1::bigint << {position % BITS})")
    positions = widen(duck, "segment", known)
    held = {row[0] for row in duck.execute("select segment_id from stay").fetchall()}
    for name, one in known.items():
        if one.id not in held:
            duck.execute("insert into stay values (?, ?, 0)", [positions[name], one.id])
    return positions


def _follow(connection: Connection, made: Draft, segment_id: int, position: int) -> None:
    """Take over what happened to the members of a segment since the copy last looked; all members where it never did."""
    duck = made.duck
    last = duck.execute("select last_change from stay where position = ?", [position]).fetchall()[0][0]
    newest = connection.execute(
        text("select coalesce(max(id), 0) from segment_change where segment_id = :s"), {"s": segment_id}
    ).scalar_one()
    if last == newest:
        return
    query = (_CHANGES if last else _MEMBERS).format(segment=int(segment_id), last=int(last))
    load(connection, duck, made.work, "replay", query, {"profile_id": "uuid", "change": "varchar"})
    duck.execute("create or replace temp table told as select n, change from replay join number on number.uuid = replay.profile_id")
    duck.execute("delete from segment_member where segment_id = ? and profile_id in (select n from told)", [position])
    duck.execute("insert into segment_member select n, ? from told where change = 'entered' order by n", [position])
    duck.execute("insert into moved select n from told")
    duck.execute("update stay set last_change = ? where position = ?", [newest, position])


_NEWEST = "select coalesce(max(id), 0) from segment_change where segment_id = :segment"
_CHANGES = """select distinct on (profile_id) profile_id, change from segment_change
    where segment_id = {segment} and id > {last} order by profile_id, id desc"""
_MEMBERS = "select profile_id, 'entered' from segment_member where segment_id = {segment}"


def _decide(connection: Connection, made: Draft, found: Segment, positions: dict[str, int]) -> SegmentReport:
    started = time.monotonic()
    duck, position = made.duck, positions[found.name]
    _follow(connection, made, found.id, position)
    duck.execute("create or replace temp table decided (n integer)")
    people = Compiler(Columnar(made.attributes), made.as_of, positions).people(found.condition)
    query, values = rendered(people)
    duck.execute(f"insert into decided {query}", values)
    entering, leaving = (duck.sql(query, params=[position]).to_arrow_table() for query in (_ENTERING, _LEAVING))
    entered = left = 0
    if entering.num_rows or leaving.num_rows:
        entered, left = _write(connection, made, found, entering, leaving)
        _follow(connection, made, found.id, position)
    seconds = time.monotonic() - started
    members = record(connection, found, entered - left, made.as_of, seconds, full=True)
    return SegmentReport(found.name, members, entered, left, None, seconds)


def _write(connection: Connection, made: Draft, found: Segment, entering: pa.Table, leaving: pa.Table) -> tuple[int, int]:
    """Write who enters and who leaves, without those to whom something happened since the copy was read; how many did."""
    connection.execute(text("set local timezone = 'UTC'; set local jit = off"))
    difference_tables(connection)
    for rows, name in ((entering, "segment_now"), (leaving, "segment_scope")):
        copy_table(connection, rows, name)
        connection.execute(text(_LATER.format(table=name)), {"read_at": made.read_at})
        connection.execute(text(f"analyze {name}"))
    return apply_difference(connection, found, made.as_of)


_ENTERING = """select number.uuid::varchar as profile_id from decided join number using (n)
    where n not in (select profile_id from segment_member where segment_id = ?)"""
_LEAVING = """select number.uuid::varchar as profile_id, true as wanted from segment_member m join number on number.n = m.profile_id
    where m.segment_id = ? and m.profile_id not in (select n from decided)"""
_LATER = "delete from {table} using golden g where g.profile_id = {table}.profile_id and g.updated_at > :read_at"


def _set_bits(duck: duckdb.DuckDBPyConnection) -> None:
    """Set the bits of whoever moved or was read again."""
    groups = [row[0] for row in duck.execute("select distinct position // ? from vocabulary where list = 'segment'", [BITS]).fetchall()]
    for group in groups:
        duck.execute(
            f"""update person set segment_{group} = b.bits from (
                select t.n, coalesce(sum(1::bigint << (m.segment_id % {BITS})::integer), 0)::bigint as bits
                from (select distinct n from moved) t left join segment_member m on m.profile_id = t.n and m.segment_id // {BITS} = {group}
                group by t.n) b where person.profile_id = b.n and person.segment_{group} is distinct from b.bits"""
        )
