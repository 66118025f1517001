from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from cdp.attributes import DefinitionError
from cdp.segments.monitor import run_monitors, save_monitor
from tests.attributes.people import ago, event, person, uid


def fire(engine: Engine, days: float) -> list[int]:
    return [one.profile_id.int & 0xFFFF for one in run_monitors(engine, [uid(1), uid(2)], as_of=ago(-days))]


@pytest.mark.parametrize(
    ("fires", "expected"), [("once", [[1], [], [], []]), ("monthly", [[1], [], [], [1]]), ("each", [[1], [], [1], [1]])]
)
def test_a_monitor_fires_when_its_condition_begins_to_hold(engine: Engine, fires: str, expected: list[list[int]]) -> None:
    with engine.begin() as c:
        person(c, 1)
        person(c, 2)
        event(c, 1, "order", 1, amount=500)
        save_monitor(c, "gold", {"condition": "orders.sum(amount) in last 3 days >= 400", "fires": fires}, "test")
    found = [fire(engine, 0), fire(engine, 1)]
    with engine.begin() as c:
        event(c, 1, "order", -7, amount=450)
        event(c, 1, "order", -40, amount=450)
    fire(engine, 5)
    found += [fire(engine, 8), (fire(engine, 20), fire(engine, 41))[1]]
    assert found == expected
    with engine.connect() as c:
        why = c.execute(text("select why from monitor_firing order by id limit 1")).scalar_one()
    assert (why["seen"], why["holds"]) == ("500", True)


def test_an_unknown_rhythm_is_refused(engine: Engine) -> None:
    with engine.begin() as c, pytest.raises(DefinitionError, match="'hourly' is not one of"):
        save_monitor(c, "x", {"condition": "everyone", "fires": "hourly"}, "test")
