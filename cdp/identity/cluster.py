"""People are found by joining the two closest clusters first, as long as the evidence between them speaks for one person and nothing
forbids it.

Average linkage over log-odds, in which a pair that tells more counts more. Mutually nearest clusters join in rounds, all at once, which
gives what joining one pair at a time gives (average linkage is reducible, weighted or not: Bruynooghe 1977, Murtagh 1983). A forbidden
pair (a decision, two records of a source without duplicates) holds whatever the evidence.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from cdp.identity.arrays import ascending, changes, in_bits

Rows = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


def components(rows: int, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> Rows:
    """The connected component of each row, numbered by its first row."""
    if rows == 0:
        return np.zeros(0, np.int64)
    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(rows, rows))
    label = connected_components(graph, directed=False)[1]
    return numbered(label)


def numbered(label: npt.NDArray[np.integer]) -> Rows:
    """Labels renumbered 0, 1, … in the order of their first row."""
    if not len(label):
        return label.astype(np.int64)
    low, rows = int(label.min()), np.arange(len(label))
    first = np.full(int(label.max()) - low + 1, len(label), np.int64)
    first[label[::-1] - low] = rows[::-1]
    leads = first[label - low] == rows
    return np.asarray(np.cumsum(leads)[first[label - low]] - 1, np.int64)


def agglomerate(
    rows: int,
    a: Ints,
    b: Ints,
    weight: Floats,
    counts: Floats,
    forbidden: npt.NDArray[np.bool_],
    marks: npt.NDArray[np.uint64],
    decided: npt.NDArray[np.bool_],
) -> Rows:
    """Cluster of each row.

    Args:
        counts: how much each pair counts in the mean between two clusters.
        marks: a bit for each source free of duplicates; clusters that share a bit do not join.
        decided: rows that stand for records which people joined by their word. Who fits one of these fits their person: that they do not
            fit each other is known, so the best evidence to their cluster counts and not the mean.
    """
    label = np.arange(rows, dtype=np.int32)
    marks, decided = marks.copy(), decided.copy()
    use = np.flatnonzero(_alive(rows, a, b, weight > 0))
    low, high, size, never = np.minimum(a[use], b[use]), np.maximum(a[use], b[use]), counts[use].astype(float), forbidden[use]
    low, high, total, size, never = _added(low, high, weight[use] * size, size, never, decided)
    while True:
        fine = (total > 0) & ~never & ((marks[low] & marks[high]) == 0)
        if not fine.any():
            return numbered(label)
        keep = _alive(rows, low, high, fine)
        low, high, total, size, never, fine = low[keep], high[keep], total[keep], size[keep], never[keep], fine[keep]
        joined = _mutual(rows, low[fine], high[fine], total[fine] / size[fine])
        into = np.arange(rows, dtype=np.int32)
        into[joined[1]] = joined[0]
        marks[joined[0]] |= marks[joined[1]]
        decided[joined[0]] |= decided[joined[1]]
        label = into[label]
        low, high = into[low], into[high]
        apart = low != high
        low, high = np.minimum(low[apart], high[apart]), np.maximum(low[apart], high[apart])
        low, high, total, size, never = _added(low, high, total[apart], size[apart], never[apart], decided)


def _alive(rows: int, low: Ints, high: Ints, fine: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The edges between clusters that still have an edge to join by."""
    touched = np.zeros(rows, bool)
    touched[low[fine]] = touched[high[fine]] = True
    return np.asarray(touched[low] & touched[high])


def _added(
    low: Ints, high: Ints, total: Floats, size: Floats, never: npt.NDArray[np.bool_], decided: npt.NDArray[np.bool_]
) -> tuple[Ints, Ints, Floats, Floats, npt.NDArray[np.bool_]]:
    """Edges between the same two clusters become one: their sum, or the best of them where one of the clusters is of decided records."""
    if not len(low):
        return low, high, total, size, never
    keys = low.astype(np.int64) * len(decided) + high
    order = ascending(keys)
    starts = np.flatnonzero(changes(keys[order]))
    firsts = order[starts]
    low, high, never = low[firsts], high[firsts], np.logical_or.reduceat(never[order], starts)
    sums, sizes = np.add.reduceat(total[order], starts), np.add.reduceat(size[order], starts)
    best = decided[low] | decided[high]
    if best.any():
        means = np.divide(total, size, out=np.zeros(len(total)), where=size > 0)  # a pair that compares nothing counts nothing
        sums = np.where(best, np.maximum.reduceat(means[order], starts), sums)
        sizes = np.where(best, 1.0, sizes)
    return low, high, sums, sizes, never


def _mutual(rows: int, low: Ints, high: Ints, score: Floats) -> tuple[Ints, Ints]:
    """Pairs of clusters that are each other's nearest; among equal scores a scramble of the numbers decides, so that ties join everywhere
    at once. No two edges of a cluster have the same scramble."""
    near = in_bits(np.round(score, 9))
    scramble = (low.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ (high.astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9))
    turn = (scramble ^ np.uint64(1 << 63)).view(np.int64)  # the same order with a sign
    best, first = np.zeros(rows, np.int64), np.full(rows, np.iinfo(np.int64).max)
    ends = low.astype(np.intp), high.astype(np.intp)  # by numbers of any other width `at` is ten times slower
    for end in ends:
        np.maximum.at(best, end, near)
    nearest = [np.flatnonzero(near == best[end]) for end in ends]
    for end, edges in zip(ends, nearest, strict=True):
        np.minimum.at(first, end[edges], turn[edges])
    edges = nearest[0]
    edges = edges[near[edges] == best[high[edges]]]
    edges = edges[(first[low[edges]] == turn[edges]) & (first[high[edges]] == turn[edges])]
    return low[edges], high[edges]
