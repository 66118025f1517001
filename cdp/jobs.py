"""The platform's recurring work as functions without state: Airflow, `cdp run` and a person's script call the same ones.

Each reads the settings that apply, does its stage, and returns counts and ids only: what it returns may lie in a scheduler's
database, and no person's data may. Each is safe to run twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from typing import Any

from sqlalchemy import Engine

from cdp.activation import destinations, send
from cdp.db import connect
from cdp.errors import PlatformError
from cdp.ingest.definition import registered
from cdp.ingest.sync import sync
from cdp.profiles import refresh, resolve_profiles
from cdp.segments import refresh_changed
from cdp.settings import Settings, load


class JobFailed(PlatformError):
    """A stage did part of its work or none; what it did is committed, and running it again goes on behind that."""


@cache
def _settings() -> Settings:
    return load()


@cache
def _engine() -> Engine:
    return connect(_settings())


def source_names() -> list[str]:
    """Names of the sources that are pulled."""
    with _engine().connect() as connection:
        return [row.name for row in registered(connection)]


def sync_source(name: str) -> dict[str, Any]:
    """Pull what is new from one source; counts by stream.

    Raises:
        JobFailed: a stream was not read to its end.
    """
    report = sync(_engine(), _settings(), [name])
    failures = [f"{stream.stream or name}: {stream.error}" for stream in report.streams if stream.error]
    if failures:
        raise JobFailed(f"{name} was not read to its end. {'; '.join(failures)}")
    return {stream.stream: {key: value for key, value in asdict(stream.counts).items() if value} for stream in report.streams}


def resolve() -> dict[str, Any]:
    """Decide who is who; counts."""
    report = asdict(resolve_profiles(_engine(), _settings()))
    return {key: report[key] for key in ("records", "profiles", "created", "merged", "split", "doubtful")}


def refresh_profiles() -> dict[str, Any]:
    """Choose the values of profiles with anything new; counts."""
    report = asdict(refresh(_engine(), _settings()))
    return {key: report[key] for key in ("profiles", "changed", "removed")}


def refresh_segments() -> dict[str, Any]:
    """Compute attributes, decide membership and fire monitors for whoever changed since the last time; counts."""
    report = refresh_changed(_engine(), lake=_settings().lake)
    entered = sum(segment.entered for segment in report.segments.segments)
    left = sum(segment.left for segment in report.segments.segments)
    return {"profiles": report.attributes.profiles, "entered": entered, "left": left, "fired": report.fired}


def destination_names() -> list[str]:
    """Names of the destinations that audiences are sent to."""
    with _engine().connect() as connection:
        return [destination.name for destination in destinations(connection) if destination.enabled]


def send_audience(name: str) -> dict[str, Any]:
    """Bring one destination up to date with its audience; counts."""
    report = send(_engine(), _settings(), name)
    return {"added": report.added, "updated": report.updated, "removed": report.removed, "failing": sum(report.failing.values())}


def retrain() -> dict[str, Any]:
    """Learn identity anew from today's records and say what it would change; nothing is changed."""
    report = asdict(resolve_profiles(_engine(), _settings(), dry_run=True, pinned=False))
    return {key: report[key] for key in ("records", "profiles", "created", "merged", "split", "doubtful")}


def stages() -> list[tuple[str, Callable[[], dict[str, Any]]]]:
    """All recurring work in its order, each with what to call it: what `cdp run` does, and what the DAGs do side by side."""
    pulls = [(f"sync {name}", partial(sync_source, name)) for name in source_names()]
    sends = [(f"send {name}", partial(send_audience, name)) for name in destination_names()]
    return [*pulls, ("resolve", resolve), ("profiles", refresh_profiles), ("segments", refresh_segments), *sends]
