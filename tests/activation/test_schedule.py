"""A destination is due by its own schedule, or when what it is made of changed; one that is behind stays due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

import schemas
from cdp import vendors
from cdp.activation import DestinationConfig, Throttled, disable, due, register, send, ways
from cdp.activation.channels import Rows
from cdp.settings import Settings
from tests.activation.conftest import Definition, World

Add = Callable[..., None]


@pytest.fixture
def add(engine: Engine, definition: Definition, tmp_path: Path) -> Add:
    def make(**changes: Any) -> None:
        with engine.begin() as connection:
            register(connection, definition({"files": {"path": str(tmp_path / "out")}}, **changes), "test")

    return make


def names(engine: Engine, now: datetime | None = None) -> list[str]:
    with engine.connect() as connection:
        return [destination.name for destination in due(connection, now)]


def test_without_a_schedule_it_is_due_when_something_changed(engine: Engine, settings: Settings, world: World, add: Add) -> None:
    add()
    world.person(1, email="a@example.org")
    assert names(engine) == ["ads"]
    send(engine, settings, "ads")
    assert names(engine) == []
    world.person(1, email="b@example.org")
    assert names(engine) == ["ads"]
    send(engine, settings, "ads")
    with engine.begin() as connection:
        connection.execute(text("update segment set name = 'others'"))
        change = """insert into segment_change (segment_id, profile_id, change, cause, at)
            select id, gen_random_uuid(), 'entered', 'condition', clock_timestamp() from segment"""
        connection.execute(text(change))
    assert names(engine) == [], "another segment's change is nothing to it"
    with engine.begin() as connection:
        connection.execute(text("update segment set name = 'buyers'"))
    assert names(engine) == ["ads"]


def test_a_schedule_decides_alone(engine: Engine, settings: Settings, world: World, add: Add) -> None:
    add(schedule="0 6 * * *")
    world.person(1, email="a@example.org")
    now = datetime.now(UTC)
    six = now.replace(hour=6, minute=0, second=0, microsecond=0)
    following = six if six > now else six + timedelta(days=1)
    assert names(engine, following - timedelta(minutes=1)) == []
    assert names(engine, following) == ["ads"]
    send(engine, settings, "ads")
    world.person(2, email="b@example.org")
    assert names(engine, datetime.now(UTC)) == []


def test_what_did_not_end_well_stays_due_and_what_is_disabled_is_not(engine: Engine, settings: Settings, world: World, add: Add) -> None:
    add()
    send(engine, settings, "ads")
    assert names(engine) == []
    with engine.begin() as connection:
        connection.execute(text("update delivery set status = 'partial'"))
    assert names(engine) == ["ads"]
    with engine.begin() as connection:
        disable(connection, "ads")
    assert names(engine) == []


def test_who_wants_no_call_before_a_moment_is_due_from_then_on(engine: Engine, settings: Settings, world: World, add: Add) -> None:
    until = datetime.now(UTC) + timedelta(hours=2)

    class Busy(ways.FileChannel):
        def deliver(self, rows: Rows) -> Mapping[int, str]:
            raise Throttled("busy", until)

    add()
    world.person(1, email="a@example.org")
    with pytest.raises(Throttled):
        send(engine, settings, "ads", channel=Busy({"path": "memory://x"}, "ads", 1, True))
    assert names(engine) == []
    assert names(engine, until) == ["ads"]
    send(engine, settings, "ads")
    assert names(engine) == []


def test_a_schedule_that_never_comes_is_refused(add: Add) -> None:
    with pytest.raises(DestinationConfig, match="no schedule"):
        add(schedule="0 25 * * *")


def test_every_kind_of_place_has_a_pool() -> None:
    places = schemas.load("destination")["properties"]["to"]["oneOf"]
    assert {place["required"][0] for place in places} == set(vendors.KINDS) == set(ways._WAYS)
