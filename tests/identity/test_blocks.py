"""Blocks: which pairs of rows they make, whatever the ranges."""

from __future__ import annotations

import numpy as np
import pytest

from cdp.identity import blocks as module
from cdp.identity.arrays import ascending
from cdp.identity.blocks import Blocks, Part

FEW = 1_000


def part(*keyed: tuple[int, int], alone: bool = True) -> Part:
    """Rows of (key, row), ordered so."""
    keys, rows = np.array(sorted(keyed)).T
    return Part.of("k", rows.astype(np.int64), keys.astype(np.uint64), alone)


def people(rows: int, *parts: Part) -> Blocks:
    return Blocks.of(rows, np.ones(rows, bool), parts)


def met(blocks: Blocks, batch: int = 1_000_000) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for span in blocks.ranges(batch) for x, y in zip(*blocks.pairs(*span)[:2], strict=True)]


def strong_and_weak() -> tuple[Part, Part, Part]:
    """Blocks of two rows each: 0 and 1 meet in a strong one, 2 and 3 in two weak ones, all later ones in one weak block only."""
    pairs = [(row // 2, row) for row in range(4, 2 * FEW)]
    return part((0, 0), (0, 1)), part((1, 2), (1, 3), *pairs, alone=False), part((1, 2), (1, 3), alone=False)


@pytest.mark.parametrize("batch", [1, 7, 1_000])
def test_ranges_do_not_change_the_pairs(batch: int) -> None:
    blocks = people(6, part((1, 0), (1, 3), (1, 5), (2, 1), (2, 3), (3, 2), (3, 4), (3, 5)))
    assert met(blocks, batch) == [(0, 3), (0, 5), (1, 3), (2, 4), (2, 5), (3, 5), (4, 5)]


def test_a_small_set_loses_no_pair() -> None:
    blocks = people(2 * FEW, *strong_and_weak())
    assert (len(met(blocks)), blocks.one_in) == (FEW, 1)


def test_of_a_large_set_pairs_of_one_weak_coincidence_are_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", FEW // 8)
    blocks = people(2 * FEW, *strong_and_weak())
    a, b, drawn = blocks.pairs(0, 2 * FEW)
    assert {(0, 1), (2, 3)} <= set(zip(a[~drawn].tolist(), b[~drawn].tolist(), strict=True))
    assert (len(a) - drawn.sum(), blocks.one_in) == (2, 8)
    assert 0.7 * FEW < drawn.sum() * blocks.one_in < 1.3 * FEW


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_ranges_do_not_change_the_sample(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(module, "SAMPLE", FEW // 8)
    blocks = people(2 * FEW, *strong_and_weak())
    assert met(blocks, batch) == met(blocks)


def test_people_and_organisations_do_not_meet() -> None:
    person = np.array([True, True, False])
    assert met(Blocks.of(3, person, [part((1, 0), (1, 1), (1, 2))])) == [(0, 1)]


@pytest.mark.parametrize("top", [3, 2**20, 2**45, 2**62])
def test_numbers_of_any_width_are_put_in_order_and_equal_ones_stay(top: int) -> None:
    numbers = np.random.default_rng(top).integers(0, top, 2_000)
    numbers[::3] = numbers[0]
    numbers[1::3] = numbers[1] ^ (numbers[1::3] % 2 << top.bit_length() // 2 - 2)
    assert np.array_equal(ascending(numbers), np.argsort(numbers, kind="stable"))
