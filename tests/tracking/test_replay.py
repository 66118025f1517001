"""An event that is replayed is the message that was sent: same id, same time, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from cdp.errors import PlatformError
from cdp.ingest.again import again
from tests.tracking.conftest import World

SENT = {"timestamp": "2026-11-20T10:00:00Z", "sentAt": "2026-11-20T10:00:05Z"}
FIXED = {"type": "track", "userId": "u", "event": "F"}


@pytest.fixture
def held(world: World) -> World:
    """An event without a name waits since the 20th; its clock was right."""
    world.send("track", userId="u", messageId="m", **SENT)
    with world.engine.begin() as connection:
        connection.execute(text("update quarantine set created_at = '2026-11-20T10:00:05Z'"))
    return world


def number(world: World) -> int:
    return int(world.rows("select max(id) as id from quarantine")[0].id)


@pytest.mark.parametrize("correction", [FIXED, {**FIXED, **SENT}])
def test_it_keeps_its_id_and_its_time(held: World, correction: dict[str, Any]) -> None:
    assert again(held.engine, held.settings, [number(held)], {number(held): correction}).landed == 1
    held.process()
    (row,) = held.rows("select source_key, at from interaction")
    assert (row.source_key, row.at) == ("m", datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert held.receipt("m").status == "processed"


def test_a_correction_that_is_wrong_waits_on_and_says_why(held: World) -> None:
    report = again(held.engine, held.settings, [number(held)], {number(held): {"type": "track", "event": "E"}})
    assert (report.landed, report.waiting) == (0, 1)
    assert "names nobody" in report.reasons[0]


def test_a_message_that_came_in_good_meanwhile_is_not_lost_in_silence(held: World) -> None:
    held.send("track", userId="u", messageId="m", event="E", **SENT)
    held.process()
    report = again(held.engine, held.settings, None, {number(held): FIXED})
    assert (report.landed, report.waiting) == (0, 1)
    assert "has been taken" in report.reasons[0]
    assert again(held.engine, held.settings, None, {number(held): {**FIXED, "messageId": "n"}}).landed == 1
    held.process()
    assert [row.name for row in held.rows("select name from interaction order by id")] == ["E", "F"]


def test_nothing_is_tried_where_a_number_does_not_wait(held: World) -> None:
    with pytest.raises(PlatformError, match="under the number 99"):
        again(held.engine, held.settings, [number(held), 99])
    assert held.rows("select status from quarantine")[0].status == "open"
