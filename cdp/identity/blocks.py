"""Blocks are sorted once, and the pairs of any range of rows come from them without the rest: pairs are never all in memory.

A pair belongs to the range of its smaller row, so ranges share none, and neither the ranges nor who works on them changes the pairs.
Pairs that only one weak coincidence brings together are many and hardly ever one person: of a large set a sample of them is drawn.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cdp.identity.arrays import changes

Rows = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
BATCH = 600_000
"""Pairs in a range, about; one key's repeats of another's pairs included."""
SAMPLE = 500_000
"""Pairs of one weak coincidence that are compared, about, and at most twice as many; a set that has fewer loses none."""


@dataclass(frozen=True)
class Part:
    """Blocks of one key, one after the other.

    Attributes:
        rows: the members, ascending within a block.
        behind: how many members of its block come after each.
        place: positions in `rows`, in the order of the rows.
        alone: whether sharing one of these blocks is enough; else a pair must share another block too.
    """

    name: str
    rows: Ints
    behind: npt.NDArray[np.unsignedinteger]
    place: Ints
    alone: bool = True

    @classmethod
    def of(cls, name: str, rows: Rows, keys: npt.NDArray[np.uint64], alone: bool = True) -> Part:
        """Rows sorted by key, then row."""
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
        size = np.diff(np.r_[starts, len(keys)])
        behind = np.repeat(starts + size, size) - np.arange(len(keys)) - 1
        leads = np.flatnonzero(behind)
        packed = np.sort((rows[leads] << 32) | leads)
        narrow = behind.astype(np.min_scalar_type(int(size.max(initial=1))))
        return cls(name, rows.astype(np.int32), narrow, (packed & 0xFFFFFFFF).astype(np.int32), alone)

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
    person: Flags
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, rows: int, person: Flags, parts: Iterable[Part]) -> Blocks:
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

    @cached_property
    def one_in(self) -> int:
        """Of so many pairs that one weak coincidence brings together, one is compared and stands for the others in training."""
        weak = sum(part.count for part in self.parts if not part.alone)
        return 1 << max(0, (weak // SAMPLE).bit_length() - 1)

    def pairs(self, low: int, high: int) -> tuple[Rows, Rows, Flags]:
        """Pairs (a[i], b[i]) with a < b and a in the range, each once, ascending; and which of them were drawn to stand for others."""
        met = np.concatenate([part.pairs(low, high) << 1 | part.alone for part in self.parts] or [np.zeros(0, np.int64)])
        met.sort()
        found = met >> 1
        first = changes(found)
        last = np.append(first[1:], True)[: len(found)]
        weak = first & last & (met & 1 == 0)  # met once only
        drawn = (found.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40) & np.uint64(self.one_in - 1) == 0
        a, b = found >> 32, found & 0xFFFFFFFF
        kept = first & (~weak | drawn) & (self.person[a] == self.person[b])
        return a[kept], b[kept], weak[kept]
