"""In a large set, what hardly ever makes a link is not compared: how often each way to meet does is seen in the pairs of the first rows.

Rows are in an order that has nothing to do with who they are, so the first ranges are a fair sample. A pair's meeting is the set of
blocks that bring it together: a house and an initial, an e-mail that spells the other's name, eight keys at once. Pairs of a barren
meeting are drawn like weak ones, so that training still knows how many there are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cdp.identity.arrays import at_once, in_threads
from cdp.identity.blocks import Blocks, Flags, Meetings
from cdp.identity.compare import Comparer
from cdp.identity.fields import Kind
from cdp.identity.model import Model
from cdp.identity.similarity import Bytes
from cdp.identity.training import counted

LOOK = 4
"""Ranges of rows that are looked at."""
LARGE = 32
"""Ranges from which on a set is large."""
WORTH = 1 / 400
"""What comparing a pair must gain on the mean: 1 for a link that is sure, nothing for one as probable as not."""
Judge = Callable[[Bytes, npt.NDArray[np.int64]], Model]
"""A model for patterns and how many pairs have each."""


def without_barren(blocks: Blocks, comparer: Comparer, judge: Judge) -> Blocks:
    """The blocks, with the meetings named that are barren; a set that is not large has none."""
    ranges, _ = at_once(blocks.ranges, comparer.ready)
    if len(ranges) < LARGE:
        return blocks
    looked = in_threads(lambda span: _look(blocks, comparer, *span), ranges[:LOOK])
    patterns, counts, which = counted(np.concatenate([patterns for patterns, _, _ in looked]))
    meeting, weak = (np.concatenate(parts) for parts in zip(*((m, w) for _, m, w in looked), strict=True))
    model = judge(patterns, counts + (blocks.one_in - 1) * np.bincount(which[weak], minlength=len(counts)))
    gain = np.maximum(2 * model.posterior(patterns)[:, Kind.SAME] - 1, 0.0)[which]
    kinds, place = np.unique(meeting[~weak], return_inverse=True)
    pairs, gained = np.bincount(place), np.bincount(place, gain[~weak])
    barren = (gained + 1) / pairs < WORTH
    return blocks.knowing(kinds[barren], int(pairs[barren].sum()) * len(ranges) // LOOK)


def _look(blocks: Blocks, comparer: Comparer, low: int, high: int) -> tuple[Bytes, Meetings, Flags]:
    """Pattern and meeting of each pair of a range, and whether it was drawn to stand for others."""
    met = blocks.met(low, high)
    chosen = blocks.chosen(met)
    return comparer(*met.rows(chosen)), met.meeting[chosen], met.weak[chosen]
