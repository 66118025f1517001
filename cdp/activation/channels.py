"""A channel carries rows to one place. What `deliver` returned without error was taken there, but for the rows it says were refused.

A channel that is `whole` shows nothing until `finish`: its delivery happens entirely or not at all. Any other is committed call by call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from cdp.activation.formats import Columns


class Change(StrEnum):
    """What happens to a person at a destination."""

    ADDED = "added"
    UPDATED = "updated"
    REMOVED = "removed"


@dataclass(frozen=True)
class Part:
    """Which call of a row of calls with one change this is.

    Attributes:
        total: rows of all these calls together.
    """

    number: int = 1
    last: bool = True
    total: int = 0


@dataclass(frozen=True)
class Rows:
    """Rows of one change; a removal carries only the columns that the destination knows a person by."""

    change: Change
    profiles: Sequence[str]
    columns: Columns
    part: Part = Part()

    def named(self, header: str) -> list[list[str]]:
        """For each row the values of a column, which may repeat."""
        found: list[list[str]] = [[] for _ in self.profiles]
        for name, column in self.columns:
            if name == header:
                for values, value in zip(found, column.to_pylist(), strict=True):
                    if value is not None:
                        values.append(value)
        return found

    def one(self, header: str) -> list[str | None]:
        """For each row the value of a column that does not repeat."""
        return [values[0] if values else None for values in self.named(header)]


class Channel(Protocol):
    """A way to one place."""

    whole: bool
    batch: int

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """Carry the rows; the numbers of those that were refused, with the reason.

        Raises:
            Undelivered: none of them was taken.
        """
        ...

    def finish(self) -> Sequence[str]:
        """Make what was carried visible; where it is."""
        ...

    def abandon(self) -> None:
        """Leave nothing half-made behind."""
        ...


@runtime_checkable
class Listing(Protocol):
    """A channel to a place that can say who is there."""

    def there(self) -> Iterator[str]:
        """What each person there is known by: the first key column as it was sent."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What became of a call that a destination worked off after it had answered.

    Attributes:
        state: done | waiting | failed.
        refused: reason -> rows.
    """

    receipt: str
    state: str
    refused: Mapping[str, int]


@runtime_checkable
class Settling(Protocol):
    """A channel to a place that answers first and works afterwards."""

    receipts: list[str]

    def settled(self, receipts: Sequence[str]) -> Sequence[Outcome]:
        """What became of the calls with these receipts."""
        ...
