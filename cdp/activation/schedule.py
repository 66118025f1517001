"""A destination is due when its own schedule says so, or, where it has none, when what it is made of changed since its last delivery.

A delivery that did not end well stays due: the destination is behind until one does. Where it wants no call before a moment, it is due
from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from croniter import croniter
from sqlalchemy import Connection, text

from cdp.activation.definition import Destination, destinations

COMPUTED = "*"
"""Stands beside the names of segments, none of which is called so."""


def next_at(schedule: str, after: datetime) -> datetime:
    """When a schedule comes next after a moment (UTC)."""
    found: datetime = croniter(schedule, after.astimezone(UTC)).get_next(datetime)
    return found


def due(connection: Connection, now: datetime | None = None) -> list[Destination]:
    """The destinations to send to now, by name."""
    moment = now or datetime.now(UTC)
    changed = _changed(connection)
    last = {row.destination_id: row for row in connection.execute(text(_LAST))}
    return [one for one in destinations(connection) if one.enabled and _is_due(one, last.get(one.id), changed, moment)]


_LAST = """select distinct on (destination_id) destination_id, started_at, status,
    (report ->> 'not_before')::timestamptz as not_before from delivery order by destination_id, id desc"""


def _is_due(one: Destination, last: Any, changed: Mapping[str | None, datetime], now: datetime) -> bool:
    if last is not None and last.not_before is not None and now < last.not_before:
        return False
    schedule = one.document.get("schedule")
    if schedule is not None:
        return next_at(schedule, one.changed_at if last is None else last.started_at) <= now
    if last is None or last.status != "done" or one.changed_at > last.started_at:
        return True
    concerns = {None, one.segment, *([COMPUTED] if one.attributes else [])}
    return any(moment > last.started_at for name, moment in changed.items() if name in concerns)


def _changed(connection: Connection) -> Mapping[str | None, datetime]:
    """When a segment's members moved last, by its name; under None when a profile changed last, under COMPUTED an attribute's value."""
    found: dict[str | None, datetime] = {
        row.name: row.at
        for row in connection.execute(
            text("""select s.name, c.at from segment s cross join lateral
                    (select at from segment_change where segment_id = s.id order by id desc limit 1) c""")
        )
    }
    for key, latest in ((None, "max(updated_at) from golden"), (COMPUTED, "max(computed_at) from profile_attribute")):
        moment = connection.execute(text(f"select {latest}")).scalar_one()
        if moment is not None:
            found[key] = moment
    return found
