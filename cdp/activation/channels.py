"""A channel carries rows to one place. What `deliver` returned without error was taken there, but for the rows it says were refused.

A channel that is `whole` shows nothing until `finish`: its delivery happens entirely or not at all. Any other is committed call by call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cdp.activation.formats import Columns


class Change(StrEnum):
    """What happens to a person at a destination."""

    ADDED = "added"
    UPDATED = "updated"
    REMOVED = "removed"


@dataclass(frozen=True)
class Rows:
    """Rows of one change; a removal carries only the columns that the destination knows a person by."""

    change: Change
    profiles: Sequence[str]
    columns: Columns


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
