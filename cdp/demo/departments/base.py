"""What every department hands over: rows by stream, and which person each customer row is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from cdp.demo.sightings import Sighting

Row = dict[str, Any]


@dataclass(frozen=True)
class Department:
    """Everything one department wrote down.

    Attributes:
        name: of its source.
        customer_stream: the stream whose rows are customers.
        records: its customer records, with their keys.
        streams: stream -> rows, in the order in which they are written.
    """

    name: str
    customer_stream: str
    records: tuple[Sighting, ...]
    streams: dict[str, list[Row]]


@dataclass(frozen=True)
class Complaint:
    """Something that a customer of the shop is angry about, and whom support will hear it from."""

    person: int
    at: datetime
    order: str
    product: str
    returned: bool


def numbered(records: Sequence[Sighting], key: Callable[[int], str]) -> tuple[Sighting, ...]:
    """The records in order of their days, each with its key."""
    ordered = sorted(records, key=lambda record: (record.day, record.person.id, record.email or ""))
    return tuple(replace(record, key=key(number)) for number, record in enumerate(ordered, 1))


def iso(day: date | None) -> str | None:
    """YYYY-MM-DD, or None."""
    return day.isoformat() if day else None
