"""A saved segment is decided in the copy, so that what a preview says and who its members are agree at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from cdp.db import held_lock
from cdp.segments import Copy, build, checked, get, preview, refresh_saved, save
from cdp.segments.copying import COPYING
from tests.attributes.people import NOW, event, person


def _before(now: datetime, days: float) -> float:
    """Days before `NOW` of what happened so many days before the present."""
    return (NOW - now) / timedelta(days=1) + days


def test_a_preview_knows_the_members_of_a_segment_that_was_just_saved(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as c:
        for n in range(1, 6):
            person(c, n)
            event(c, n, "order", _before(datetime.now(UTC), n))
    build(engine, tmp_path)
    condition = "orders.count >= 1"
    with engine.begin() as c:
        save(c, "buyers", condition, "test")
    refresh_saved(engine, tmp_path, "buyers")
    with engine.connect() as c:
        assert get(c, "buyers").members == 5
        found = preview(engine, checked(c, condition), Copy(tmp_path), as_of=datetime.now(UTC))
    assert (found.engine, found.count, found.overlap) == ("columnar", 5, {"buyers": 5})


def test_nobody_who_saves_waits_for_a_copy_in_the_making(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as c:
        person(c, 1)
        save(c, "all_of_them", "everyone", "test")
    build(engine, tmp_path)
    with held_lock(engine, COPYING):
        refresh_saved(engine, tmp_path, "all_of_them")
    with engine.connect() as c:
        assert get(c, "all_of_them").members == 1


def test_windows_of_a_preview_end_when_it_is_asked_and_it_says_how_old_the_copy_is(engine: Engine, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with engine.begin() as c:
        person(c, 1)
        event(c, 1, "order", _before(now, 20))
    build(engine, tmp_path, now - timedelta(days=15))
    with engine.connect() as c:
        condition = checked(c, "orders.count in last 10 days >= 1")
    found = preview(engine, condition, Copy(tmp_path), as_of=now)
    assert (found.count, found.as_of) == (0, now - timedelta(days=15))
    assert preview(engine, condition, Copy(tmp_path)).count == 1
