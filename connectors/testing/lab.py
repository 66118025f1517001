"""What the platform does with a connector, in memory: land rows by key, keep the bookmark of the last page, apply deletions and merges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

import pyarrow as pa

from connectors.contract import Json, Page, Refused, Source, Stream, Sweepable
from connectors.paths import at
from connectors.testing.clock import ManualClock
from connectors.testing.fake import FakeVendor
from connectors.testing.system import System

Opens = Callable[..., Source]
"""A connector class; one that speaks HTTP takes a clock."""


@dataclass
class Landed:
    """What is stored of one stream."""

    rows: dict[str, Any] = field(default_factory=dict)
    bookmark: Json = None
    changes: int = 0
    pages: int = 0
    given: int = 0
    merged: dict[str, str] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


class Lab:
    """A connector, the system it reads (a fake, or the real thing), one stream, and what landed."""

    def __init__(self, opens: Opens, fake: System, stream: str) -> None:
        self.fake = fake
        self.stream = stream
        self.landed = Landed()
        self._opens = opens

    def source(self, **changed: Any) -> Source:
        """A fresh connector, as every run has it."""
        return self.fake.open(self._opens, {**self.fake.config(), **changed})

    @property
    def config_schema(self) -> Mapping[str, Any]:
        """That of the connector class; a function that makes connectors has none of its own."""
        schema: Mapping[str, Any] = getattr(self._opens, "config_schema", None) or type(self.source()).config_schema
        return schema

    @property
    def vendor(self) -> FakeVendor:
        """The system, which speaks HTTP."""
        assert isinstance(self.fake, FakeVendor)
        return self.fake

    def able(self) -> frozenset[str]:
        """What system and connector can, of this stream; a check runs where they can what it needs."""
        found = self.fake.able(self.stream) | self.fake.nature
        found |= {"incremental"} if not self.described().complete else frozenset()
        return found | ({"sweep"} if self.sweeps() else frozenset())

    def asked(self) -> int:
        """What was asked of the system so far: requests where they are counted, else rows that came."""
        return len(self.fake.requests) if "requests" in self.fake.able(self.stream) | self.fake.nature else self.landed.given

    def described(self, source: Source | None = None) -> Stream:
        return next(stream for stream in (source or self.source()).streams() if stream.name == self.stream)

    def sweeps(self) -> bool:
        """Whether the connector lists the keys of the stream."""
        source = self.source()
        return isinstance(source, Sweepable) and source.keys(self.stream) is not None

    def keys(self) -> list[str]:
        """The keys that the connector lists."""
        source = self.source()
        assert isinstance(source, Sweepable)
        present = source.keys(self.stream)
        assert present is not None
        return [key for page in present.pages for key in page]

    def fill(self, count: int, first: int = 1, days_ago: float = 0) -> None:
        """Write rows, the newest first in the order of the keys, so that a list by key is not a list by time."""

        for number in range(first, first + count):
            self.fake.put(self.stream, str(number), self.fake.clock.now() - timedelta(days=days_ago, minutes=10 * (number - first)))

    def sync(self, stop_after: int | None = None) -> Landed:
        """Read behind the bookmark; killed after `stop_after` pages, if set."""
        source, landed = self.source(), self.landed
        stream = self.described(source)
        whole, seen = True, list[str]()
        reading = source.read(self.stream, json.loads(json.dumps(landed.bookmark)))
        for number, page in enumerate(reading, 1):
            for row in rows_of(page):
                landed.given += 1
                key = str(at(row, stream.key or "id"))
                seen.append(key)
                landed.changes += landed.rows.get(key) != row
                landed.rows[key] = row
            for key in page.deleted:
                landed.changes += landed.rows.pop(key, None) is not None
            for loser, winner in page.merged:
                landed.rows.pop(loser, None)
                landed.merged[loser] = winner
            landed.refused.extend(page.refused)
            landed.bookmark = json.loads(json.dumps(page.bookmark))
            landed.pages += 1
            whole = whole and not page.unchanged
            if number == stop_after:
                return landed
        landed.repeated = [key for key in set(seen) if seen.count(key) > 1]
        if stream.complete and whole:
            for key in set(landed.rows) - set(seen):
                del landed.rows[key]
                landed.changes += 1
        return landed

    def agrees(self) -> bool:
        """Whether what landed is what the source has."""
        return self.landed.rows == self.fake.truth(self.stream)

    def difference(self) -> str:
        """How what landed differs from what the source has, by keys."""
        truth = self.fake.truth(self.stream)
        missing, extra = sorted(set(truth) - set(self.landed.rows)), sorted(set(self.landed.rows) - set(truth))
        other = sorted(key for key in set(truth) & set(self.landed.rows) if truth[key] != self.landed.rows[key])
        return f"missing {missing}, too many {extra}, different {other}"


def rows_of(page: Page) -> list[Any]:
    """The rows of a page as JSON; the times of a table as text."""
    if not isinstance(page.rows, pa.Table):
        return list(page.rows)
    return [{name: _plain(value) for name, value in row.items()} for row in page.rows.to_pylist()]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, time)) else value


@contextmanager
def lab(opens: Opens, makes: Callable[[ManualClock], System], stream: str) -> Iterator[Lab]:
    """A laboratory with a fresh system that is there while it is open."""
    with makes(ManualClock()).serve() as fake:
        yield Lab(opens, fake, stream)
