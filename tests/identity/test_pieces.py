"""Pairs that go to disk are the pairs that stay in memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cdp.identity import pieces, resolve
from cdp.identity.compared import together
from cdp.identity.pieces import PAIR, Piece, Pieces, room

from .people import crowd, t


def piece(start: int, pairs: int) -> Piece:
    """Pairs of a range that begins with a row; the patterns tell the range."""
    a = np.arange(start, start + pairs, dtype=np.int32)
    which = (np.arange(pairs) % 2).astype(np.int32)
    return Piece(a, a + 1, which, a % 3 == 0, np.array([[1, start % 5 + 1], [2, start % 5 + 1]], np.uint8))


@pytest.mark.parametrize("budget", [0, 7 * PAIR, 1 << 28])
def test_pieces_come_in_the_order_of_their_ranges_wherever_they_waited(budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "BUDGET", budget)
    waiting = Pieces()
    for start, pairs in ((20, 4), (0, 6), (10, 0), (12, 8)):
        waiting.put(start, piece(start, pairs))
    found = together(waiting, 2)
    assert found.a.tolist() == [*range(6), *range(12, 24)]
    assert (found.b == found.a + 1).all()
    assert (found.drawn == (found.a % 3 == 0)).all()
    told = found.patterns[found.pattern]
    assert told[:, 0].tolist() == [1, 2] * 9
    assert told[:, 1].tolist() == [1] * 6 + [3] * 8 + [1] * 4
    assert not len(waiting)


def test_what_is_too_much_for_memory_is_mapped_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "BUDGET", 100)
    assert room(7, np.int32).base is None
    assert isinstance(room(8, np.int32).base, np.memmap)


def test_a_resolution_that_spills_finds_the_same_people(monkeypatch: pytest.MonkeyPatch) -> None:
    table: pa.Table = t(*crowd(600))
    held = resolve(table)
    monkeypatch.setattr(pieces, "BUDGET", 0)
    spilled = resolve(table)
    assert np.array_equal(held.cluster, spilled.cluster)
    assert held.links.equals(spilled.links)
    assert held.links.num_rows > 100
