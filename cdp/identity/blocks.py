"""Blocks are sorted once, and the pairs of any range of rows come from them without the rest: pairs are never all in memory.

A pair belongs to the range of its smaller row, so ranges share none, and neither the ranges nor who works on them changes the pairs.
Pairs that only one weak coincidence brings together are many and hardly ever one person: of a large set a sample of them is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cdp.identity.arrays import changes, in_threads

Rows = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Meetings = npt.NDArray[np.uint64]
"""For each pair one number for the kinds of blocks that bring it together."""
BATCH = 600_000
"""Pairs in a range, about; one key's repeats of another's pairs included."""
TOP = np.uint64(48)
WIDEST = 1 << 22
"""Rows in a range at most, so that a pair and the number of its part are one 64-bit number."""
SAMPLE = 500_000
"""Pairs of one weak coincidence that are compared, about, and at most twice as many; a set that has fewer loses none."""


@dataclass(frozen=True)
class Part:
    """Blocks of one key, one after the other.

    Attributes:
        rows: the members, ascending within a block.
        place: positions in `rows` of those with members behind them in their block, in the order of the rows.
        behind: how many members come after each of `place`.
        alone: whether sharing one of these blocks is enough; else a pair must share another block too.
    """

    name: str
    rows: Ints
    place: Ints
    behind: npt.NDArray[np.unsignedinteger]
    alone: bool = True

    @classmethod
    def of(cls, name: str, rows: Rows, keys: npt.NDArray[np.uint64], alone: bool = True) -> Part:
        """Rows sorted by key, then row."""
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
        size = np.diff(np.r_[starts, len(keys)])
        behind = np.repeat(starts + size, size) - np.arange(len(keys)) - 1
        leads = np.flatnonzero(behind)
        packed = np.sort((rows[leads] << 32) | leads)
        place = (packed & 0xFFFFFFFF).astype(np.int32)
        narrow = behind[place].astype(np.min_scalar_type(int(size.max(initial=1))))
        return cls(name, rows.astype(np.int32), place, narrow, alone)

    @property
    def count(self) -> int:
        """Pairs, those of other keys included."""
        return int(self.behind.sum(dtype=np.int64))

    def pairs(self, leads: slice, low: int = 0, bits: int = 0, mark: int = 0) -> Rows:
        """Pairs of some members in the order of the rows with those behind them.

        Returns:
            `smaller - low << 32 | larger`, moved up by so many bits, and a mark in these.
        """
        lead = self.place[leads]
        behind = self.behind[leads].astype(np.int64)
        begin = np.cumsum(behind) - behind
        right = np.repeat(lead + 1 - begin, behind)
        right += np.arange(len(right))
        out = self.rows[right].astype(np.int64)
        out <<= bits
        out |= np.repeat(((self.rows[lead].astype(np.int64) - low) << (32 + bits)) | mark, behind)
        return np.asarray(out, np.int64)

    def leads(self, rows: Rows) -> Rows:
        """How many members come before each of some rows: a search for all of them in one go."""
        begin, end = np.zeros(len(rows), np.int64), np.full(len(rows), len(self.place))
        for _ in range(len(self.place).bit_length()):
            searched = begin < end
            middle = (begin + end) >> 1
            before = self.rows[self.place[np.minimum(middle, len(self.place) - 1)]] < rows
            begin, end = np.where(searched & before, middle + 1, begin), np.where(searched & ~before, middle, end)
        return np.asarray(begin, np.int64)


@dataclass(frozen=True)
class Met:
    """Pairs, each once, ascending: the smaller row in the upper half of a number, the larger one in the lower.

    Those that are `weak` share one weak block and nothing else.
    """

    packed: Rows
    weak: Flags
    meeting: Meetings

    def rows(self, chosen: Flags) -> tuple[Rows, Rows]:
        """Smaller and larger row of some of the pairs."""
        found = self.packed[chosen]
        return found >> 32, found & 0xFFFFFFFF


@dataclass(frozen=True)
class Blocks:
    """All blocks of a prepared set of `rows` records; pairs of a person and an organisation are left out.

    Attributes:
        barren: meetings that hardly ever make a link, ascending: their pairs are drawn like weak ones.
        thinned: how many pairs these meetings bring together, about.
    """

    rows: int
    person: Flags
    parts: tuple[Part, ...]
    barren: Meetings = field(default_factory=lambda: np.zeros(0, np.uint64))
    thinned: int = 0

    @classmethod
    def of(cls, rows: int, person: Flags, parts: Iterable[Part]) -> Blocks:
        return cls(rows, person, tuple(part for part in parts if len(part.place)))

    def knowing(self, barren: Meetings, thinned: int) -> Blocks:
        """The same blocks, with these meetings known for barren."""
        other = replace(self, barren=barren, thinned=thinned)
        other.__dict__.update(_load=self._load, _leads=self._leads)
        return other

    @cached_property
    def by_key(self) -> dict[str, int]:
        """How many pairs each key makes."""
        made: dict[str, int] = {}
        for part in self.parts:
            made[part.name] = made.get(part.name, 0) + part.count
        return made

    def ranges(self, batch: int = BATCH) -> list[tuple[int, int]]:
        """Ranges of rows with about `batch` pairs each."""
        total = self._load
        if not len(total) or not total[-1]:
            return []
        cuts = np.searchsorted(total, np.arange(batch, int(total[-1]), batch)) + 1
        return list(pairwise(sorted({*cuts.tolist(), *range(0, self.rows, WIDEST), self.rows})))

    @cached_property
    def _load(self) -> Rows:
        """Pairs of each row and those before it, a key's repeats of another's pairs included."""
        loads = in_threads(self._loaded, [self.parts[::2], self.parts[1::2]])
        return np.cumsum(sum(loads)).astype(np.int64)

    def _loaded(self, parts: tuple[Part, ...]) -> Floats:
        """Pairs of each row in some parts."""
        load = np.zeros(self.rows)
        for part in parts:
            load += np.bincount(part.rows[part.place], part.behind, minlength=self.rows)
        return load

    def _leads_before(self, row: int) -> list[int]:
        """How many members of each part come before a row."""
        return self._leads.get(row) or [int(part.leads(np.array([row]))[0]) for part in self.parts]

    @cached_property
    def _leads(self) -> dict[int, list[int]]:
        """The same for each row that a range begins or ends with."""
        rows = np.array(sorted({row for span in self.ranges() for row in span}), np.int64)
        found = np.array([part.leads(rows) for part in self.parts], np.int64).reshape(len(self.parts), len(rows))
        return dict(zip(rows.tolist(), found.T.tolist(), strict=True))

    @cached_property
    def one_in(self) -> int:
        """Of so many pairs that a weak coincidence or a barren meeting brings together, one is compared, and stands for all in training."""
        weak = sum(part.count for part in self.parts if not part.alone) + self.thinned
        return 1 << max(0, (weak // SAMPLE).bit_length() - 1)

    @cached_property
    def _marks(self) -> Meetings:
        """A number for each part, the same for the same kind of block."""
        names = (f"{part.name} {part.alone}".encode() for part in self.parts)
        return np.array([int.from_bytes(blake2b(name, digest_size=8).digest(), "big") for name in names], np.uint64)

    @cached_property
    def _barren(self) -> Meetings:
        """The barren meetings by their first sixteen bits; of two that begin alike one is not known."""
        table = np.zeros(1 << 16, np.uint64)
        table[self.barren >> TOP] = self.barren
        return table

    def met(self, low: int, high: int) -> Met:
        """The pairs with the smaller row in the range, and how they meet."""
        bits = len(self.parts).bit_length()
        spans = zip(self.parts, *(self._leads_before(row) for row in (low, high)), strict=True)
        by_part = [part.pairs(slice(first, last), low, bits, number) for number, (part, first, last) in enumerate(spans)]
        met = np.concatenate(by_part or [np.zeros(0, np.int64)])
        met.sort()
        part, met = met & ((1 << bits) - 1), met >> bits
        starts = np.flatnonzero(changes(met))
        once = np.diff(starts, append=len(met)) == 1
        weak = once & ~np.array([part.alone for part in self.parts], bool)[part[starts]]
        found = met[starts] + (low << 32)
        alike = self.person[found >> 32] == self.person[found & 0xFFFFFFFF]
        marks = np.append(np.uint64(0), np.cumsum(self._marks[part]))
        meeting = np.diff(marks[np.append(starts, len(met))])
        return Met(found[alike], weak[alike], meeting[alike])

    def chosen(self, met: Met) -> Flags:
        """Which pairs are compared: all but the weak ones that are not drawn."""
        number = met.packed.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return np.asarray(~met.weak | (number >> np.uint64(40) & np.uint64(self.one_in - 1) == 0))

    def pairs(self, low: int, high: int) -> tuple[Rows, Rows, Flags]:
        """The pairs of a range that are compared, and which of them were drawn to stand for others."""
        met = self.met(low, high)
        if len(self.barren):
            met = replace(met, weak=met.weak | (self._barren[met.meeting >> TOP] == met.meeting))
        kept = self.chosen(met)
        return *met.rows(kept), met.weak[kept]
