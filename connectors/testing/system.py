"""A system that a connector reads, in the hand of a check: rows are put, deleted and merged in it, and it fails on demand.

Where the real thing is at hand (a folder of files, a database file, a process), the system is that; `FakeVendor` is one over HTTP. A
system says what it can, and of what it cannot, why: a check that does not apply is told with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar, Self

from connectors.contract import Source
from connectors.testing.clock import ManualClock


@dataclass
class Row:
    """One row of the system: `data` is `name`, `email` and whatever a check adds."""

    key: str
    changed: datetime
    data: dict[str, Any] = field(default_factory=dict)
    created: datetime | None = None
    deleted: bool = False
    merged_into: str | None = None
    swallowed: list[str] = field(default_factory=list)


LACKS: Mapping[str, str] = {
    "incremental": "the stream is read whole each time",
    "sweep": "the connector lists no keys of this stream",
    "delete": "reading this stream does not tell what was deleted",
    "merge": "the source merges no rows, or does not tell it",
    "empty_page": "the source gives no page without rows before the last",
    "repeat": "the source has no page token that could repeat",
    "zones": "the source writes all times in one offset",
    "renew": "the credentials do not expire",
    "broken_row": "the fake of this vendor writes no element that is no row",
}
"""What a system may lack -> why a check that needs it does not apply, where the system has no better word for it."""


class System:
    """Base of systems. A subclass names its `streams`, what of the following it `can`, and why it lacks the rest.

    `can` may hold: delete, merge, empty_page, repeat (tokens can be made to repeat), zones (times carry an offset), renew (tokens
    expire and can be renewed), broken_row (something that is no row lies among the rows), keyless (a row may lack its key, and the
    connector is the one who sees it), credentials, tokens (credentials go with each request), requests (they are counted), spoil, break,
    http (it throttles, and may answer with what is no answer).
    """

    streams: ClassVar[Sequence[str]] = ()
    can: ClassVar[frozenset[str]] = frozenset()
    nature: ClassVar[frozenset[str]] = frozenset()
    """What every system of this kind can, besides `can`."""
    lacks: ClassVar[Mapping[str, str]] = {}
    lag: ClassVar[float] = 60.0
    """Seconds that a row may commit late."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in self.streams}
        self.secret = "fake-secret-7f3a9c"  # noqa: S105  of the fake only
        self.page_size = 100
        self.empty_page = False
        self.repeat = False
        self.zones = False
        self.revoked = False
        self.requests: list[str] = []

    def serve(self) -> AbstractContextManager[Self]:
        """The system, running while the context is open."""
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """A configuration that lets in."""
        raise NotImplementedError

    def open(self, kind: Any, config: Mapping[str, Any]) -> Source:
        """A connector of this class on the system."""
        source: Source = kind(config)
        return source

    def able(self, stream: str) -> frozenset[str]:
        """What the system has of `can`, for one stream."""
        return self.can

    def why(self, stream: str, need: str) -> str:
        """Why it lacks something."""
        return self.lacks.get(need) or LACKS.get(need, f"the system lacks: {need}")

    # --- what a check does in the system ---

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        """Write a row, now or at `changed`."""
        table, time = self.tables[stream], changed or self.clock.now()
        known = table.get(key)
        defaults = {"name": f"Name {key}", "email": f"person{key}@example.org"}
        table[key] = Row(key, time, {**(known.data if known else defaults), **data}, known.created if known else time)

    def delete(self, stream: str, key: str) -> None:
        """Delete a row, as the system does."""
        row = self.tables[stream][key]
        row.deleted, row.changed = True, self.clock.now()

    def merge(self, stream: str, loser: str, winner: str) -> None:
        """Merge one row into another, as the system does."""
        self.delete(stream, loser)
        self.tables[stream][loser].merged_into = winner
        kept = self.tables[stream][winner]
        kept.swallowed.append(loser)
        kept.changed = self.clock.now()

    def wide(self, stream: str) -> tuple[int, int]:
        """How many rows, of how many bytes, are far more than the connector reads ahead: by them memory is measured."""
        return 27, 100_000

    def put_broken(self, stream: str) -> None:
        """Write something among the rows that is none."""
        raise NotImplementedError

    def truth(self, stream: str) -> dict[str, Any]:
        """Key -> row, as a perfect reader would have them now."""
        return {key: self.show(stream, row) for key, row in self.tables[stream].items() if not row.deleted and key}

    def show(self, stream: str, row: Row) -> Any:
        """A row as the system writes it."""
        raise NotImplementedError

    def stamp(self, time: datetime, index: int = 0) -> str:
        """A time as text; with `zones`, in an offset that differs from row to row."""
        return self.zoned(time, index).isoformat(timespec="seconds").replace("+00:00", "Z")

    def zoned(self, time: datetime, index: int = 0) -> datetime:
        """A time; with `zones`, in an offset that differs from row to row."""
        return time.astimezone(timezone(timedelta(hours=(14, -10, 0)[index % 3])) if self.zones else UTC)

    # --- the system at its worst ---

    def spoil(self, stream: str) -> None:
        """From now on a read of the stream meets what is no data."""
        raise NotImplementedError

    def break_off(self, stream: str) -> None:
        """From now on a read of the stream breaks off."""
        raise NotImplementedError

    def mend(self) -> None:
        """End what `spoil` and `break_off` began."""
        raise NotImplementedError

    def troubles(self, stream: str) -> Iterator[None]:
        """One trouble after another, there while the iteration stands at it; a system that speaks tells an address and the secret."""
        for need, begin in (("spoil", self.spoil), ("break", self.break_off)):
            if need in self.able(stream) | self.nature:
                begin(stream)
                yield
                self.mend()
