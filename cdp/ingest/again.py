"""Whatever waits in quarantine is tried again in one way: events by the door they came through, rows by the mapping of their stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from cdp.ingest.events import replay as events
from cdp.ingest.replay import ReplayReport, replay
from cdp.settings import Settings


def again(
    engine: Engine, settings: Settings, ids: Sequence[int] | None = None, corrections: Mapping[int, Mapping[str, Any]] | None = None
) -> ReplayReport:
    """Try what waits again: the entries of `ids`, or all.

    Args:
        corrections: quarantine id -> the row or event as a person corrected it.

    Raises:
        PlatformError: one of `ids` does not wait; nothing is tried then.
    """
    with engine.begin() as connection:
        numbers = events.waiting(connection, ids)
    rest = None if ids is None else [number for number in ids if number not in numbers]
    rows = ReplayReport() if rest == [] else replay(engine, settings, rest, corrections)
    with engine.begin() as connection:
        done = events.replay(connection, numbers, corrections)
    return ReplayReport(rows.landed + done.accepted, rows.waiting + done.waiting, [*rows.reasons, *done.reasons])
