"""The confidence of a person is how probable it is that the records are one person, and that no other person found is the same."""

from __future__ import annotations

import numpy as np

from cdp.identity.arrays import ascending, changes, in_bits
from cdp.identity.blocks import Flags, Rows
from cdp.identity.model import Floats
from cdp.identity.weighed import Weighed

REJECTED = 0.5
"""What a link still counts that the evidence of all records together has rejected."""
LEAST = 1e-3
"""The least probability that a link counts with, so that one bad link leaves the others something to say."""


def confidence(label: Rows, pairs: Weighed, probability: Floats, decided: Flags) -> Floats:
    """For each person: the geometric mean over its records of their best link, times the chance that each other person is another.

    Args:
        label: the person of each row, 0, 1, …
        decided: rows that people joined by their word; their links are certain.

    Returns:
        (people,) probabilities. A person of one record has no link that could be wrong.
    """
    if not len(label):
        return np.zeros(0)
    kept = label[pairs.a] == label[pairs.b]
    size = np.bincount(label)
    best = np.zeros(len(label), np.int64)
    for rows in (pairs.a, pairs.b):
        np.maximum.at(best, rows[kept].astype(np.intp), in_bits(probability[kept]))
    inside = best.view(np.float64)
    inside[decided | (size[label] == 1)] = 1.0
    one = np.bincount(label, np.log(np.maximum(inside, LEAST))) / size
    return np.asarray(np.exp(one + _no_other(label, pairs, probability, ~kept & pairs.candidate & (probability > LEAST), len(size))))


def _no_other(label: Rows, pairs: Weighed, probability: Floats, left: Flags, people: int) -> Floats:
    """Log of the chance that each person is none of the other people found: the best link to each of these is in doubt."""
    one, other, chance = label[pairs.a[left]], label[pairs.b[left]], probability[left]
    key = np.minimum(one, other) * people + np.maximum(one, other)
    order = ascending(key)
    starts = np.flatnonzero(changes(key[order])) if len(order) else order
    doubt = np.log1p(-REJECTED * np.maximum.reduceat(chance[order], starts)) if len(order) else chance
    two = np.divmod(key[order][starts], people)
    return np.asarray(sum(np.bincount(of, doubt, minlength=people) for of in two), np.float64)
