"""How well clusters reproduce the truth, from counts alone: a record counts once, a pair once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scores:
    """Pair-wise and B-cubed figures, the share of people reproduced exactly, and the largest cluster."""

    precision: float
    recall: float
    f1: float
    b_cubed: float
    exact: float
    largest: int


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def score(cluster: np.ndarray, entity: np.ndarray) -> Scores:
    """`cluster` and `entity` of each record, in the same order, of any type."""
    _, found = np.unique(cluster, return_inverse=True)
    _, true = np.unique(entity, return_inverse=True)
    _, first, both = np.unique(found * (int(true.max()) + 1) + true, return_index=True, return_counts=True)
    found_size, true_size = np.bincount(found), np.bincount(true)
    pairs = [float((sizes * (sizes - 1.0) / 2).sum()) for sizes in (both, found_size, true_size)]
    precision = pairs[0] / pairs[1] if pairs[1] else 1.0
    recall = pairs[0] / pairs[2] if pairs[2] else 1.0
    squares = both.astype(float) ** 2
    b_precision = (squares / found_size[found[first]]).sum() / len(found)
    b_recall = (squares / true_size[true[first]]).sum() / len(found)
    exact = ((both == found_size[found[first]]) & (both == true_size[true[first]])).sum() / len(true_size)
    return Scores(precision, recall, _f1(precision, recall), _f1(b_precision, b_recall), float(exact), int(found_size.max()))
