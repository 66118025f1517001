"""Candidate pairs hold the number of their pattern: thirteen bytes a pair, however many fields there are.

Ranges of rows are compared by themselves, by threads here or by Spark elsewhere; their pieces are put together in the order of the ranges,
so that it does not matter who compared them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cdp.identity.arrays import in_threads, release
from cdp.identity.blocks import Blocks, Flags, Ints, Rows
from cdp.identity.cluster import components
from cdp.identity.compare import Comparer
from cdp.identity.fields import Kind
from cdp.identity.pieces import Piece, Pieces, room
from cdp.identity.similarity import Bytes
from cdp.identity.training import counted

Floats = npt.NDArray[np.float64]
FAINT = 0.01
"""A pair below this probability matters only where others connect its records."""
SLICE = 500_000
"""Pairs looked at in one go."""


@dataclass(frozen=True)
class Compared:
    """Pairs (a[i], b[i]) with a < b, ascending; `patterns[pattern[i]]` is what comparing them gave, and `counts` how often each occurs.

    Pairs that were `drawn` stand for `one_in` pairs each; `counts` counts those.
    """

    a: Ints
    b: Ints
    pattern: Ints
    drawn: Flags
    one_in: int
    patterns: Bytes

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many candidate pairs have each pattern, those included that were not compared but stood for."""
        counts = np.zeros(len(self.patterns), np.int64)
        for start, part in self._slices():
            counts += np.bincount(part, minlength=len(counts))
            counts += (self.one_in - 1) * np.bincount(part[self.drawn[start : start + SLICE]], minlength=len(counts))
        return counts

    def revised(self, pairs: Rows, patterns: Bytes) -> Compared:
        """The same with other patterns for some of the pairs."""
        new, _, which = counted(patterns)
        pattern = room(len(self.pattern), np.int32)
        pattern[:] = self.pattern
        pattern[pairs] = len(self.patterns) + which
        every, _, where = counted(np.concatenate([self.patterns, new]))
        for start in range(0, len(pattern), SLICE):
            pattern[start : start + SLICE] = where[pattern[start : start + SLICE]]
        return replace(self, pattern=pattern, patterns=every)

    def matter(self, rows: int, evidence: Floats, posterior: Floats, same: Rows) -> Rows:
        """Numbers of the pairs that can change the answer.

        Those are pairs whose records other pairs (or the decisions `same`) connect, and pairs that are not improbable.
        `evidence` and `posterior` are by pattern.
        """
        linked = np.concatenate([start + np.flatnonzero(evidence[part] > 0) for start, part in self._slices()] or [np.zeros(0, np.int64)])
        label = components(rows, np.r_[self.a[linked], same[:, 0]], np.r_[self.b[linked], same[:, 1]]).astype(np.int32)
        telling = posterior[:, Kind.SAME] > FAINT

        def kept(slice_: tuple[int, Ints]) -> Rows:
            start, pattern = slice_
            part = slice(start, start + len(pattern))
            return start + np.flatnonzero(telling[pattern] | (label[self.a[part]] == label[self.b[part]]))

        return np.concatenate(in_threads(kept, self._slices()) or [np.zeros(0, np.int64)])

    def of(self, patterns: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """The pairs with one of the patterns."""
        pairs = np.concatenate([start + np.flatnonzero(patterns[part]) for start, part in self._slices()] or [np.zeros(0, np.int64)])
        return self.a[pairs], self.b[pairs]

    def _slices(self) -> list[tuple[int, Ints]]:
        return [(start, self.pattern[start : start + SLICE]) for start in range(0, len(self.pattern), SLICE)]


Engine = Callable[[Blocks, Comparer], Compared]
"""Who compares every pair of some blocks."""


def compare_range(blocks: Blocks, comparer: Comparer, low: int, high: int) -> Piece:
    """The kernel that every engine runs: the pairs of a range of rows, compared."""
    a, b, drawn = blocks.pairs(low, high)
    patterns, _, which = counted(comparer(a, b))
    return Piece(a.astype(np.int32), b.astype(np.int32), which.astype(np.int32), drawn, patterns)


def compare_all(blocks: Blocks, comparer: Comparer) -> Compared:
    """Every pair of `blocks`, compared by a few threads of this process."""
    comparer.ready()
    pieces = Pieces()
    in_threads(lambda span: pieces.put(span[0], compare_range(blocks, comparer, *span)), blocks.ranges())
    return together(pieces, len(comparer.fields), blocks.one_in)


def together(pieces: Pieces, fields: int, one_in: int = 1) -> Compared:
    """Pieces in the order of their ranges as one; patterns are numbered alike whatever the ranges were.

    The pieces are taken away on the way, so that no pair is in memory twice.
    """
    patterns, _, where = counted(np.concatenate(pieces.patterns() or [np.zeros((0, fields), np.uint8)]))
    end, seen = pieces.pairs(), len(where)
    a, b, pattern = (room(end, np.int32) for _ in range(3))
    drawn = room(end, bool)
    while pieces:
        piece = pieces.taken()
        if len(pieces) % 16 == 0:
            release()
        seen -= len(piece.patterns)
        part = slice(end - len(piece.a), end)
        a[part], b[part], pattern[part], drawn[part] = piece.a, piece.b, where[seen + piece.which], piece.drawn
        end = part.start
    return Compared(a, b, pattern, drawn, one_in, patterns)
