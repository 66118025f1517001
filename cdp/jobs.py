"""The platform's recurring work as functions without state: Airflow, `cdp run` and a person's script call the same ones.

Each reads the settings that apply, does its stage, and returns counts and ids only: what it returns may lie in a scheduler's
database, and no person's data may. Each is safe to run twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from sqlalchemy import Engine, text

from cdp import attributes, segments
from cdp.activation import DestinationConfig, Forbidden, Throttled, due, send
from cdp.activation.firings import send_firings
from cdp.db import connect
from cdp.errors import PlatformError
from cdp.housekeeping import keep_house
from cdp.ingest.definition import registered
from cdp.ingest.runs import finish_run, start_run
from cdp.ingest.stream import StreamReport
from cdp.ingest.sweep import sweep
from cdp.ingest.sync import sync
from cdp.monthly import Month, write_month
from cdp.profiles import refresh, resolve_profiles
from cdp.segments.pipeline import changed_since, last_refresh
from cdp.settings import Settings, load

Counts = dict[str, Any]
SWEEP = timedelta(days=7)


class JobFailed(PlatformError):
    """A stage did part of its work or none; what it did is committed, and running it again goes on behind that."""


class Later(JobFailed):
    """A vendor wants no request before `until`: nothing waits for it, a scheduler comes back then."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class ToMend(JobFailed):
    """Trying again is no use: a person has to mend the definition, or what it names."""


@cache
def _settings() -> Settings:
    return load()


@cache
def _engine() -> Engine:
    return connect(_settings())


# --- sources -----------------------------------------------------------------------------------------------------------------


def connectors_in_use() -> list[str]:
    """Names of the connectors that any source is pulled by."""
    with _engine().connect() as connection:
        return sorted({row.connector for row in registered(connection)})


def source_names(connector: str | None = None) -> list[str]:
    """Names of the sources that are pulled now, or of those of one connector: not of those that asked for a pause which is not over."""
    with _engine().connect() as connection:
        paused = set(connection.execute(text(_PAUSED)).scalars())
        return [row.name for row in registered(connection) if connector in (None, row.connector) and row.id not in paused]


_PAUSED = """select distinct source_id from run
    where stage = 'sync' and started_at > now() - interval '7 days' and (report ->> 'retry_at')::timestamptz > now()"""


def sync_source(name: str) -> Counts:
    """Pull what is new from one source, and once a week compare the keys of streams that do not tell deletions; counts by stream.

    Raises:
        Later: the source wants no request now.
        JobFailed: a stream was not read to its end.
    """
    report = sync(_engine(), _settings(), [name])
    failed = [stream for stream in report.streams if stream.error]
    if failed:
        _raise(name, failed)
    counts: Counts = {stream.stream: {key: value for key, value in asdict(stream.counts).items() if value} for stream in report.streams}
    for swept in sweep(_engine(), [name], due=SWEEP):
        counts.setdefault(swept.stream, {})["swept"] = swept.error or swept.deleted
    return counts


def _raise(name: str, failed: list[StreamReport]) -> None:
    message = f"{name} was not read to its end. {'; '.join(f'{stream.stream or name}: {stream.error}' for stream in failed)}"
    times = [datetime.fromisoformat(stream.retry_at) for stream in failed if stream.retry_at]
    if len(times) == len(failed):
        raise Later(message, max(times))
    raise JobFailed(message)


# --- profiles, attributes, segments -----------------------------------------------------------------------------------------


def resolve() -> Counts:
    """Decide who is who; counts."""
    report = asdict(resolve_profiles(_engine(), _settings()))
    return {key: report[key] for key in ("records", "profiles", "created", "merged", "split", "doubtful")}


def refresh_profiles() -> Counts:
    """Choose the values of profiles with anything new, and decide them at once where they are few; counts."""
    started = datetime.now(UTC)
    report = asdict(refresh(_engine(), _settings()))
    segments.refresh_since(_engine(), started)
    return {key: report[key] for key in ("profiles", "changed", "removed")}


def refresh_attributes() -> Counts:
    """Compute the attributes of whoever changed since the last time; counts."""
    with _engine().connect() as connection:
        last = last_refresh(connection)
        changed = None if last is None else changed_since(connection, last)
    report = attributes.refresh(_engine(), changed)
    return {"profiles": report.profiles}


def refresh_segments() -> Counts:
    """Decide who is in which segment, and fire monitors for whoever changed since the last time; counts."""

    def decide(_: int) -> Counts:
        report, fired = segments.decide(_engine(), _settings().lake)
        calls = send_firings(_engine(), _settings())
        entered = sum(segment.entered for segment in report.segments)
        left = sum(segment.left for segment in report.segments)
        return {"segments": len(report.segments), "entered": entered, "left": left, "fired": fired, "called": calls.called}

    return _noted("segments", decide)


# --- audiences -----------------------------------------------------------------------------------------------------------------


def kinds_due() -> list[str]:
    """Kinds of destinations of which any is due."""
    with _engine().connect() as connection:
        return sorted({destination.kind for destination in due(connection)})


def destinations_due(kind: str | None = None) -> list[str]:
    """Names of the destinations (of one kind) that are due: by their own schedule, or because their audience changed."""
    with _engine().connect() as connection:
        return [destination.name for destination in due(connection) if kind in (None, destination.kind)]


def send_audience(name: str) -> Counts:
    """Bring one destination up to date with its audience; counts.

    Raises:
        Later: the destination wants no call now; what it took is recorded.
        ToMend: it cannot be used as it is defined.
        ActivationError: it stopped.
    """
    try:
        report = send(_engine(), _settings(), name)
    except Throttled as error:
        raise Later(str(error), error.until) from error
    except (DestinationConfig, Forbidden) as error:
        raise ToMend(str(error)) from error
    counts = {"added": report.added, "updated": report.updated, "removed": report.removed}
    return counts | {"failing": sum(report.failing.values()), "refused": sum(report.refused.values())}


# --- now and then ----------------------------------------------------------------------------------------------------------------


def retrain() -> Counts:
    """Learn identity anew from today's records and say what it would change; nothing is changed."""

    def learn(_: int) -> Counts:
        report = asdict(resolve_profiles(_engine(), _settings(), dry_run=True, pinned=False))
        return {key: report[key] for key in ("records", "profiles", "created", "merged", "split", "doubtful")}

    return _noted("retrain", learn)


def monthly_report(month: str | None = None) -> Counts:
    """Write the report of a month (`2026-10`; the last whole one where none is named); the files."""
    wanted = Month.parse(month) if month else Month.of(datetime.now(UTC)).before

    def write(_: int) -> Counts:
        return {"month": str(wanted), "files": [path.name for path in write_month(_engine(), _settings().home / "reports", wanted)]}

    return _noted("monthly", write)


def housekeeping() -> Counts:
    """Forget what is old, refresh statistics, back up once a day; counts."""
    return _noted("housekeeping", lambda _: asdict(keep_house(_engine(), _settings())))


def _noted(stage: str, work: Callable[[int], Counts]) -> Counts:
    """Do the work of a stage whose room does not write its own run into the journal."""
    with _engine().connect() as connection:
        run_id = start_run(connection, stage)
        try:
            counts = work(run_id)
        except BaseException as error:
            reason = str(error) if isinstance(error, PlatformError) else type(error).__name__
            finish_run(connection, run_id, "failed", {}, reason)
            connection.commit()
            raise
        finish_run(connection, run_id, "done", counts)
        connection.commit()
    return counts


# --- all of it, without a scheduler ------------------------------------------------------------------------------------------------

Stage = tuple[str, Callable[[], Counts]]
_OCCASIONAL: tuple[tuple[str, timedelta, Callable[[], Counts]], ...] = (
    ("retrain", timedelta(days=7), retrain),
    ("housekeeping", timedelta(days=1), housekeeping),
)


def stages() -> list[Stage]:
    """What a cycle does before audiences are sent, in order: what the DAGs do side by side."""
    pulls: list[Stage] = [(f"sync {name}", partial(sync_source, name)) for name in source_names()]
    derived: list[Stage] = [
        ("resolve", resolve),
        ("profiles", refresh_profiles),
        ("attributes", refresh_attributes),
        ("segments", refresh_segments),
    ]
    return [*pulls, *derived]


def sends() -> list[Stage]:
    """What is due once segments are fresh."""
    return [(f"send {name}", partial(send_audience, name)) for name in destinations_due()]


def occasional(now: datetime | None = None) -> list[Stage]:
    """What is done now and then and is due: retraining weekly, the report of a month once it is over, housekeeping daily."""
    moment = now or datetime.now(UTC)
    query = text("select stage, max(started_at) as at, max(report ->> 'month') as month from run where status = 'done' group by stage")
    with _engine().connect() as connection:
        last = {row.stage: row for row in connection.execute(query)}
    found: list[Stage] = [(name, work) for name, period, work in _OCCASIONAL if name not in last or moment - last[name].at >= period]
    month = str(Month.of(moment).before)
    if "monthly" not in last or (last["monthly"].month or "") < month:
        found.append(("monthly", partial(monthly_report, month)))
    return found
