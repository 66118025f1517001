"""What happens when, and how often: the laws of chance that all departments share. The same `Random` gives the same happenings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from cdp.demo.people import FIRST_DAY, LAST_DAY, Person, Temper
from cdp.demo.sightings import Sighting

ACTIVITY = {Temper.LOYAL: 2.4, Temper.REGULAR: 1.0, Temper.OCCASIONAL: 0.35, Temper.LEAVER: 1.0}
"""How much more than a regular customer somebody does."""
_MONTHS = (4, 4, 5, 6, 8, 7, 6, 6, 5, 5, 10, 12)
"""How busy each month is, January first."""
_DAY_HOURS = tuple(range(9, 19))
_WEB_HOURS = (0, 1, 1, 1, 1, 1, 1, 3, 5, 5, 5, 6, 8, 6, 5, 5, 6, 7, 9, 11, 12, 11, 6, 3)


def poisson(random: Random, mean: float) -> int:
    """A count whose mean is `mean` (Knuth, The Art of Computer Programming 2, 3.4.1)."""
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def span(records: Sequence[Sighting]) -> tuple[date, date]:
    """The days on which the person of `records` can do something in this department."""
    first, last = records[0].person.active
    return max(first, records[0].day), last


def days(random: Random, records: Sequence[Sighting], yearly: float) -> list[date]:
    """Days of something that a regular customer does `yearly` times, more often in busy months; sorted."""
    first, last = span(records)
    length = (last - first).days
    if length <= 0:
        return []
    count = poisson(random, yearly * ACTIVITY[records[0].person.temper] * length / 365)
    return sorted(_busy_day(random, first, length) for _ in range(count))


def _busy_day(random: Random, first: date, length: int) -> date:
    for _ in range(12):
        day = first + timedelta(days=random.randrange(length))
        if random.random() * 12 < _MONTHS[day.month - 1]:
            break
    return day


def record_on(records: Sequence[Sighting], day: date) -> Sighting:
    """The record that the person goes by on `day`: the latest made by then."""
    known = [record for record in records if record.day <= day]
    return known[-1] if known else records[0]


def by_day(random: Random, day: date) -> datetime:
    """A moment of `day` in office hours."""
    return datetime.combine(day, time(random.choice(_DAY_HOURS), random.randrange(60), random.randrange(60)), UTC)


def online(random: Random, day: date) -> datetime:
    """A moment of `day` when people are at their screens."""
    hour = random.choices(range(24), _WEB_HOURS)[0]
    return datetime.combine(day, time(hour, random.randrange(60), random.randrange(60)), UTC)


def within(moment: datetime) -> bool:
    """Whether it happened before the company's last day ended."""
    return FIRST_DAY <= moment.date() <= LAST_DAY


def stamp(moment: datetime) -> str:
    """ISO 8601 with Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def people_of(records: Sequence[Sighting]) -> list[tuple[Person, list[Sighting]]]:
    """Each person with its records of one department, oldest first."""
    found: dict[int, list[Sighting]] = {}
    for record in records:
        found.setdefault(record.person.id, []).append(record)
    return [(group[0].person, sorted(group, key=lambda record: record.day)) for group in found.values()]
