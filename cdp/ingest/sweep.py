"""A sweep compares the keys that a source has now with the rows that are stored: what the source has no more, it deleted.

It is for streams whose source does not tell deletions, and it is careful: nothing is deleted before the whole list was read, nor where
it came in after the sweep began, nor where most of a stream would go, which is a lost permission sooner than a clearance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine, Row, text

from cdp.db import copy_table
from cdp.ingest.connectors import open_source
from cdp.ingest.definition import registered
from cdp.ingest.runs import finish_run, start_run
from cdp.records import Mapping, MappingError, StreamMapping
from cdp.records.source import Present, SourceError, Stream, Sweepable

_FEW = 50
"""So many rows may go, whatever share of the stream they are."""


@dataclass(frozen=True)
class Swept:
    """What a sweep of one stream found.

    Attributes:
        keys: that the source has now.
        deleted: rows that the source has no more, now marked as deleted.
        error: why nothing was deleted.
    """

    source: str
    stream: str
    keys: int = 0
    deleted: int = 0
    error: str | None = None


def sweep(engine: Engine, names: Sequence[str] | None = None, *, force: bool = False, due: timedelta | None = None) -> list[Swept]:
    """Sweep the streams, of the named sources or of all, that do not tell deletions; a stream that fails stops no other.

    Args:
        force: delete although most of a stream goes.
        due: leave out sources that were swept within this time, or for a day where the sweep did not end well.

    Raises:
        UnknownSource: a name that is not registered.
    """
    with engine.connect() as connection:
        sources = [row for row in registered(connection, names) if due is None or not _swept_within(connection, row.id, due)]
    return [swept for row in sources for swept in _sweep_source(engine, row, force)]


def _swept_within(connection: Connection, source_id: int, due: timedelta) -> bool:
    query = """select exists (select from run where stage = 'sweep' and source_id = :id
               and started_at > now() - case when status = 'done' then :due else least(:due, interval '1 day') end)"""
    return bool(connection.execute(text(query), {"id": source_id, "due": due}).scalar_one())


def _sweep_source(engine: Engine, row: Row[Any], force: bool) -> list[Swept]:
    try:
        mapping = Mapping.load(row.mapping)
        source = open_source(row.name, row.connector, row.config)
        if not isinstance(source, Sweepable):
            return []
        streams = [stream for stream in source.streams() if _mapped(mapping, stream.name)]
        lists = [(stream, listed) for stream in streams if (listed := _listed(source, row, stream.name)) is not None]
    except (SourceError, MappingError) as error:
        return [Swept(row.name, "", error=str(error))]
    if not lists:
        return []
    with engine.connect() as connection:
        run_id = start_run(connection, "sweep", row.id)
        found = [
            listed if isinstance(listed, Swept) else _guarded(connection, row, stream, mapping.stream(stream.name), listed, run_id, force)
            for stream, listed in lists
        ]
        trouble = "; ".join(swept.error for swept in found if swept.error) or None
        finish_run(connection, run_id, "partial" if trouble else "done", {swept.stream: asdict(swept) for swept in found}, trouble)
        connection.commit()
    return found


def _listed(source: Sweepable, row: Row[Any], stream: str) -> Present | Swept | None:
    """The keys of a stream, or why it lists none; None where nothing needs it."""
    try:
        return source.keys(stream)
    except SourceError as error:
        return Swept(row.name, stream, error=str(error))


def _mapped(mapping: Mapping, stream: str) -> bool:
    return "streams" not in mapping.document or any(found.name == stream for found in mapping.streams)


def _guarded(
    connection: Connection, row: Row[Any], stream: Stream, mapping: StreamMapping, present: Present, run_id: int, force: bool
) -> Swept:
    record = mapping.customer if mapping.kind == "customer" else mapping.interaction
    key = [value.fields for value in record.values("source_key")] if record else []
    if present.member is None and key != [(stream.key,)]:
        reason = f"{stream.name}: its key is mapped to something else than {stream.key}, so its rows cannot be compared"
        return Swept(row.name, stream.name, error=reason)
    try:
        with connection.begin():
            return _sweep_stream(connection, row, stream.name, mapping.kind, present, run_id, force)
    except SourceError as error:
        return Swept(row.name, stream.name, error=str(error))


def _sweep_stream(connection: Connection, row: Row[Any], stream: str, kind: str, present: Present, run_id: int, force: bool) -> Swept:
    began: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    connection.execute(text("create temp table swept (key text) on commit drop"))
    count = 0
    for keys in present.pages:
        count += copy_table(connection, pa.table({"key": pa.array(list(keys), pa.string())}), "swept")
    connection.execute(text("analyze swept"))
    table = "record" if kind == "customer" else "interaction"
    own = "t.source_key" if present.member is None else "t.raw ->> :member"
    gone = f"""t.source_id = :source and t.stream = :stream and t.deleted_at is null and t.changed_at < :began
               and {own} is not null and not exists (select from swept s where s.key = {own})"""
    params = {"source": row.id, "stream": stream, "began": began, "run": run_id} | ({"member": present.member} if present.member else {})
    going, there = connection.execute(
        text(f"""select count(*) filter (where {gone}), count(*) from {table} t
                 where t.source_id = :source and t.stream = :stream and t.deleted_at is null"""),
        params,
    ).one()
    if going > _FEW and going * 2 > there and not force:
        error = (
            f"{stream}: {going:,} of {there:,} rows would go, so nothing was deleted. Look whether "
            "the credentials still see everything; if the source was cleared, run `cdp connectors sweep --force`"
        )
        return Swept(row.name, stream, count, error=error)
    marked = connection.execute(text(f"update {table} t set deleted_at = now(), changed_at = now(), run_id = :run where {gone}"), params)
    return Swept(row.name, stream, count, int(marked.rowcount))
