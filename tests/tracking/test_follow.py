"""The follower shows events at once; what is derived from them comes after, and never in their way."""

from __future__ import annotations

import sys
import threading
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from cdp.ingest.events.follow import Look, Pace, Refresher
from cdp.ingest.events.process import BATCH
from cdp.profiles.refresh import refresh_named
from tests.tracking.conftest import World, following
from tests.waiting import eventually


def test_a_slow_refresh_delays_no_event(world: World) -> None:
    go_on = threading.Event()

    def slow(_: list[UUID]) -> bool:
        return go_on.wait()

    with following(world, slow):
        try:
            for number in range(3):
                world.send("identify", userId=f"u{number}", messageId=f"m{number}")
                assert eventually(lambda n=number: world.rows("select from profile_update where message_id = :m", m=f"m{n}"))
        finally:
            go_on.set()


def test_what_cannot_be_refreshed_now_is_refreshed_later() -> None:
    asked: list[list[UUID]] = []

    def second_time(ids: list[UUID]) -> bool:
        asked.append(ids)
        return len(asked) > 1

    refresher = Refresher(second_time)
    refresher.start()
    refresher.note({UUID(int=1)}, {UUID(int=1), UUID(int=2)})
    eventually(lambda: len(asked) == 3)
    refresher.end()
    assert asked == [[UUID(int=1)], [UUID(int=1)], [UUID(int=2)]], "records that changed come before new interactions"


def test_profiles_that_cannot_be_refreshed_keep_no_other_waiting() -> None:
    asked: list[list[UUID]] = []

    def first_breaks(ids: list[UUID]) -> bool:
        asked.append(ids)
        return len(asked) > 1 or bool(1 / 0)

    refresher = Refresher(first_breaks)
    refresher.start()
    refresher.note({UUID(int=1)}, set())
    eventually(lambda: asked)
    refresher.note({UUID(int=2)}, set())
    eventually(lambda: len(asked) == 2)
    refresher.end()
    assert asked[1:] == [[UUID(int=2)]]


def test_the_end_leaves_no_changed_profile_behind() -> None:
    asked: list[UUID] = []
    refresher = Refresher(lambda ids: bool(asked.extend(ids)) or True)
    refresher.start()
    refresher.note({UUID(int=1)}, set())
    eventually(lambda: asked)
    refresher.note({UUID(int=2)}, set())
    refresher.end()
    assert asked == [UUID(int=1), UUID(int=2)]


def test_an_identifier_that_an_event_adds_during_a_refresh_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.send("identify", userId="u", messageId="1")
    world.process()
    (profile,) = (row.profile_id for row in world.rows("select profile_id from record"))
    refreshing = sys.modules["cdp.profiles.refresh"]
    real = refreshing._records

    def with_an_event_between(connection: Connection, params: dict[str, Any]) -> Any:
        found = real(connection, params)
        world.send("identify", userId="u", anonymousId="A", messageId="2")
        world.process()
        return found

    monkeypatch.setattr(refreshing, "_records", with_an_event_between)
    assert refresh_named(world.engine, world.settings, [profile])
    assert "A" in {row.value for row in world.rows("select value from identifier")}


def rests(came: int, *took: float, waits: float = 10.0) -> list[float]:
    """Before each of some full batches of ten rows, while so many rows come in a second."""
    pace, at, found = Pace(), 0.0, list[float]()
    for number, seconds in enumerate((*took, 0.0)):
        found.append(pace.before(Look(10 + 10 * number, 10**6 + round(came * at), waits, at)))
        assert pace.after(BATCH, seconds) == 0.0
        at += seconds
    return found[1:]


def test_whoever_is_given_far_more_than_it_can_process_rests_as_long_as_it_works() -> None:
    assert rests(100, 1.0, 0.5) == [1.0, 0.5]
    assert rests(100, 3.0) == [1.0], "but never for long: what waits is processed, too"
    assert rests(100, 1.0, waits=1.0) == [0.0], "events can still be shown soon"


def test_who_has_fallen_behind_for_a_moment_does_not_rest() -> None:
    assert rests(15, 1.0, 5.0, 1.0) == [0.0, 0.0, 0.0], "others had the machine: the same number comes as was processed before"
    assert rests(0, 1.0, 5.0) == [0.0, 0.0], "no more come: what waits is processed at full speed"


def test_small_batches_are_far_apart_in_measure() -> None:
    pace = Pace()
    assert [pace.after(1, took) for took in (0.001, 0.05, 0.2)] == [0.1, 0.25, 0.4]
