"""Compared pairs stay in memory up to a budget; beyond it they go to files without a name, which end with the process.

What ranges of rows gave waits here until all ranges are there. The files lie where `TMPDIR` says, thirteen bytes a pair.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from cdp.identity.blocks import Flags, Ints
from cdp.identity.similarity import Bytes

BUDGET = 1 << 28
"""Bytes of pairs in memory: those of some six million records."""
PAIR = 13
"""Bytes of a pair: both rows, its pattern's number, whether it was drawn."""


@dataclass(frozen=True)
class Piece:
    """What comparing the pairs of one range of rows gave; `which` is by pair, an index into `patterns`."""

    a: Ints
    b: Ints
    which: Ints
    drawn: Flags
    patterns: Bytes


@dataclass(frozen=True)
class _Spilled:
    """A piece whose pairs are in the file, from byte `start` on."""

    start: int
    pairs: int
    patterns: Bytes


class Pieces:
    """The pieces of ranges, by the number of the range; several threads may put theirs at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._file = TemporaryFile(prefix="cdp-pairs-", buffering=0)  # noqa: SIM115 - it lives as long as the pieces do
        self._held: dict[int, Piece | _Spilled] = {}
        self._left, self._spilled = BUDGET, 0

    def put(self, number: int, piece: Piece) -> None:
        size = PAIR * len(piece.a)
        with self._lock:
            fits = size <= self._left
            start = self._spilled
            if fits:
                self._left -= size
            else:
                self._spilled += size
        if not fits:
            written = b"".join(np.ascontiguousarray(part).tobytes() for part in (piece.a, piece.b, piece.which, piece.drawn))
            _write(self._file.fileno(), written, start)
        self._held[number] = piece if fits else _Spilled(start, len(piece.a), piece.patterns)

    def patterns(self) -> list[Bytes]:
        """Those of each piece, in the order of the ranges."""
        return [self._held[number].patterns for number in sorted(self._held)]

    def pairs(self) -> int:
        """How many there are."""
        return sum(held.pairs if isinstance(held, _Spilled) else len(held.a) for held in self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    def taken(self) -> Piece:
        """The last piece, which is no more among these then."""
        held = self._held.pop(max(self._held))
        return self._read(held) if isinstance(held, _Spilled) else held

    def _read(self, held: _Spilled) -> Piece:
        raw, n = _read(self._file.fileno(), PAIR * held.pairs, held.start), held.pairs
        a, b, which = np.frombuffer(raw, np.int32, 3 * n).reshape(3, n)
        return Piece(a, b, which, np.frombuffer(raw, bool, n, 12 * n), held.patterns)


def room(length: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array to be filled: in memory, or mapped from a file where the pairs it tells of are too many."""
    if PAIR * length <= BUDGET:
        return np.empty(length, kind)
    with TemporaryFile(prefix="cdp-pairs-") as file:
        return np.asarray(np.memmap(file, kind, "w+", shape=(length,)))


def _write(file: int, data: bytes, start: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(file, left, start)
        left, start = left[written:], start + written


def _read(file: int, size: int, start: int) -> bytes:
    parts = []
    while size:
        part = os.pread(file, size, start)
        parts.append(part)
        size, start = size - len(part), start + len(part)
    return b"".join(parts)
