"""A sync reads every stream of the sources it is asked for, and one that fails stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, Row, text
from sqlalchemy.exc import DBAPIError

from cdp.db import DatabaseUnavailable
from cdp.ingest.connectors import open_source
from cdp.ingest.definition import registered
from cdp.ingest.faults import FAULTS, told
from cdp.ingest.landing import Counts
from cdp.ingest.runs import finish_run, start_run
from cdp.ingest.stream import Progress, StreamPlan, StreamReport, StreamSync, defaults_of
from cdp.ingest.workers import worker_pool
from cdp.records import Mapping, MappingError
from cdp.records.source import SourceError, Throttled
from cdp.settings import Settings


@dataclass(frozen=True)
class SyncReport:
    """What a sync did."""

    streams: Sequence[StreamReport] = field(default_factory=tuple)
    unmapped_streams: Sequence[tuple[str, str]] = ()

    @property
    def ok(self) -> bool:
        """True where every stream was read to its end."""
        return all(stream.error is None for stream in self.streams)


def sync(engine: Engine, settings: Settings, names: Sequence[str] | None = None, progress: Progress | None = None) -> SyncReport:
    """Pull the named sources, or every enabled one, and land what is new.

    A source or stream that fails is reported and does not stop the others.

    Raises:
        UnknownSource: a name that is not registered.
        DatabaseUnavailable: the database went away; what was committed stays, and the next run goes on behind it.
    """
    with engine.connect() as connection:
        sources = registered(connection, names)
    reports: list[StreamReport] = []
    unmapped: list[tuple[str, str]] = []
    with worker_pool(settings.workers) as pool:
        for row in sources:
            try:
                found, missing = _sync_source(engine, settings, row, pool, progress)
            except DBAPIError as error:
                if error.connection_invalidated or (isinstance(error.orig, Exception) and "connection" in str(error.orig).lower()):
                    raise DatabaseUnavailable(
                        f"the database went away while {row.name} was landing; pages committed so far stay, run `cdp sync` again to go on"
                    ) from error
                raise
            reports += found
            unmapped += [(row.name, stream) for stream in missing]
    _analyse(engine, reports)
    return SyncReport(tuple(reports), tuple(unmapped))


def _analyse(engine: Engine, reports: Sequence[StreamReport]) -> None:
    """Tell the query planner what has come in."""
    if any(stream.counts.added or stream.counts.changed for stream in reports):
        with engine.begin() as connection:
            connection.execute(text("analyze record, interaction"))


def _sync_source(
    engine: Engine, settings: Settings, row: Row[Any], pool: Executor | None, progress: Progress | None
) -> tuple[list[StreamReport], list[str]]:
    try:
        mapping = Mapping.load(row.mapping)
        source = open_source(row.name, row.connector, row.config)
        streams = source.streams()
    except (SourceError, MappingError, *FAULTS) as error:
        reason = error if isinstance(error, MappingError) else told(error, row.name)
        with engine.connect() as connection:
            finish_run(connection, start_run(connection, "sync", row.id), "failed", {}, str(reason))
            connection.commit()
        until = error.until.isoformat() if isinstance(error, Throttled) else None
        return [StreamReport(row.name, "", Counts(), str(reason), until)], []
    names = {stream.name for stream in mapping.streams} if "streams" in mapping.document else {stream.name for stream in streams}
    mapped = [stream for stream in streams if stream.name in names]
    reports = []
    for stream in sorted(mapped, key=lambda s: mapping.stream(s.name).kind):  # customers before their interactions
        plan = StreamPlan(row, stream, mapping.stream(stream.name), mapping.digest(stream.name), defaults_of(settings), settings.workers)
        reports.append(StreamSync(engine, source, plan, pool, progress).run())
    known = ", ".join(stream.name for stream in streams) or "none"
    absent = sorted(names - {stream.name for stream in streams})
    reports += [
        StreamReport(row.name, name, Counts(), f"the mapping names the stream {name!r}; {row.name} has: {known}") for name in absent
    ]
    return reports, [stream.name for stream in streams if stream.name not in names]
