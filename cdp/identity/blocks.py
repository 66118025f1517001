"""Blocks are sorted once, and the pairs of any range of rows come from them without the rest: pairs are never all in memory.

A pair belongs to the range of its smaller row, so ranges share none, and neither the ranges nor who works on them changes the pairs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cdp.identity.arrays import unique

Rows = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
BATCH = 1_500_000
"""Pairs in a range, about; one key's repeats of another's pairs included."""


@dataclass(frozen=True)
class Part:
    """Blocks of one key, one after the other.

    Attributes:
        rows: the members, ascending within a block.
        behind: how many members of its block come after each.
        place: positions in `rows`, in the order of the rows.
    """

    name: str
    rows: Ints
    behind: npt.NDArray[np.unsignedinteger]
    place: Ints

    @classmethod
    def of(cls, name: str, rows: Rows, keys: npt.NDArray[np.uint64]) -> Part:
        """Rows sorted by key, then row."""
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
        size = np.diff(np.r_[starts, len(keys)])
        behind = np.repeat(starts + size, size) - np.arange(len(keys)) - 1
        leads = np.flatnonzero(behind)
        packed = np.sort((rows[leads] << 32) | leads)
        return cls(
            name, rows.astype(np.int32), behind.astype(np.min_scalar_type(int(size.max(initial=1)))), (packed & 0xFFFFFFFF).astype(np.int32)
        )

    @property
    def count(self) -> int:
        """Pairs, those of other keys included."""
        return int(self.behind.sum(dtype=np.int64))

    def pairs(self, low: int, high: int) -> Rows:
        """Pairs whose smaller row is in low … high-1, as `smaller << 32 | larger`."""
        first, last = (bisect_left(self.place, row, key=lambda at: int(self.rows[at])) for row in (low, high))
        lead = self.place[first:last]
        behind = self.behind[lead].astype(np.int64)
        begin = np.cumsum(behind) - behind
        right = np.repeat(lead.astype(np.int64) + 1 - begin, behind) + np.arange(int(behind.sum()))
        return (np.repeat(self.rows[lead].astype(np.int64), behind) << 32) | self.rows[right]


@dataclass(frozen=True)
class Blocks:
    """All blocks of a prepared set of `rows` records; pairs of a person and an organisation are left out."""

    rows: int
    person: npt.NDArray[np.bool_]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, rows: int, person: npt.NDArray[np.bool_], parts: Iterable[Part]) -> Blocks:
        return cls(rows, person, tuple(part for part in parts if len(part.place)))

    @cached_property
    def by_key(self) -> dict[str, int]:
        """How many pairs each key makes."""
        made: dict[str, int] = {}
        for part in self.parts:
            made[part.name] = made.get(part.name, 0) + part.count
        return made

    def ranges(self, batch: int = BATCH) -> list[tuple[int, int]]:
        """Ranges of rows with about `batch` pairs each."""
        load = np.zeros(self.rows, np.int64)
        for part in self.parts:
            load += np.bincount(part.rows, part.behind, minlength=self.rows).astype(np.int64)
        total = np.cumsum(load)
        if not len(total) or not total[-1]:
            return []
        cuts = np.searchsorted(total, np.arange(batch, int(total[-1]), batch)) + 1
        return list(pairwise(sorted({0, *cuts.tolist(), self.rows})))

    def pairs(self, low: int, high: int) -> tuple[Rows, Rows]:
        """Pairs (a[i], b[i]) with a < b and a in the range, each once, ascending."""
        found = unique(np.concatenate([part.pairs(low, high) for part in self.parts] or [np.zeros(0, np.int64)]))
        a, b = found >> 32, found & 0xFFFFFFFF
        same_kind = self.person[a] == self.person[b]
        return a[same_kind], b[same_kind]

    def __iter__(self) -> Iterator[tuple[Rows, Rows]]:
        """All pairs, range after range."""
        for low, high in self.ranges():
            yield self.pairs(low, high)
