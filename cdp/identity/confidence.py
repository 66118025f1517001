"""The confidence of a person is how probable it is that the records are one person, and that no other record is of the same.

Three things are in doubt: the links within, the links to other people that were not enough to join them, and records that tell so little
that nothing could find their others. How many of these there are shows in the set itself: of the records of one source, those that tell
much are linked more often than those that tell little.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.arrays import ascending, changes, in_bits
from cdp.identity.blocks import Flags, Rows
from cdp.identity.features import Features
from cdp.identity.model import Floats
from cdp.identity.weighed import Weighed

ALONE, UNLINKED = 3.0, 0.5
"""The chance of the best link between two people is so much larger for what records lack, and halved for each pair of their records: those
have failed to make them one. Measured on eleven labelled and generated sets (docs/decisions.md)."""
SUPPORT = 0.8
"""How much the best links of two records of one person, the weaker of these, speak for the pair of them."""
MOST = 0.95
"""The most that a link counts which did not make two people one."""
HELD, ENOUGH, PART = 200.0, 100, 0.02
"""So many records of a source's usual weigh in the share that is linked of those which tell the same facts; and so many of them, and such a
part of the source, show what share could be linked."""
LEAST = 1e-3
"""The least probability that a link counts with, so that one bad link leaves the others something to say."""


def settled(label: Rows, pairs: Weighed) -> Floats:
    """How probable it is that each pair is one person, now that people are found: a pair within one is borne by its records' other links,
    one between two people is spoken against by every pair of records that did not join them."""
    probability, (one, other) = pairs.probability, (label[pairs.a], label[pairs.b])
    if not len(label):
        return probability
    best, size = _best(label, pairs, probability), np.bincount(label)
    borne = 1 - (1 - probability) * (1 - SUPPORT * np.minimum(best[pairs.a], best[pairs.b]))
    return np.asarray(np.where(one == other, borne, apart(probability, size[one], size[other])))


def confidence(label: Rows, pairs: Weighed, probability: Floats, decided: Flags, lost: Floats) -> Floats:
    """For each person: the geometric mean over its records of their best link, times the chance that no other is the same.

    Args:
        label: the person of each row, 0, 1, …
        decided: rows that people joined by their word; their links are certain.
        lost: for each row the chance that it is of a person whom nothing found (`lost`).

    Returns:
        (people,) probabilities. A person of one record has no link that could be wrong.
    """
    if not len(label):
        return np.zeros(0)
    kept = label[pairs.a] == label[pairs.b]
    size = np.bincount(label)
    inside = _best(label, pairs, probability)
    inside[decided | (size[label] == 1)] = 1.0
    one = np.bincount(label, np.log(np.maximum(inside, LEAST))) / size
    unfound = np.bincount(label, lost)  # only records that stand alone can be lost
    one += np.log1p(-np.where(size == 1, unfound, min(MOST, unfound.mean())))
    return np.asarray(np.exp(one + _no_other(label, pairs, probability, ~kept & pairs.candidate & (probability > LEAST), size)))


def apart(chance: Floats, one: Rows, other: Rows) -> Floats:
    """The chance that two people of so many records are one after all, from that of a pair of these."""
    return np.asarray(np.minimum(MOST, ALONE * UNLINKED ** (one * other).astype(float) * chance))


def lost(label: Rows, features: Features) -> Floats:
    """The chance that a row which stands alone has others of its person that nothing found; none for the rest.

    Who has others does not hang on what a record tells of him, so the facts whose records are linked most often show how many of a source
    have them (Horvitz, Thompson 1952, with the chance to be found taken from the set).
    """
    if not len(label):
        return np.zeros(0)
    linked = np.bincount(label)[label] > 1
    source = features.source.astype(np.int64) * 2 + features.person
    group, kinds = pd.factorize(_facts(features) << 32 | source)
    of = np.asarray(kinds) & 0xFFFFFFFF
    many, found = np.bincount(group), np.bincount(group, linked)
    all_of, found_of = np.bincount(of, many), np.bincount(of, found)
    usual = found_of / np.maximum(all_of, 1)
    share = (found + HELD * usual[of]) / (many + HELD)
    could, telling = np.zeros(len(usual)), (many >= ENOUGH) & (many >= PART * all_of[of])
    for kind in np.flatnonzero(telling):
        could[of[kind]] = max(could[of[kind]], share[kind])
    chance = np.clip((could[of] - share) / np.maximum(1 - share, LEAST), 0.0, MOST)
    return np.asarray(np.where(linked, 0.0, chance[group]))


def _facts(x: Features) -> npt.NDArray[np.int64]:
    """A bit for each field that a row tells."""
    fields = (x.given, x.family, x.birth, x.email, x.phone, x.address, x.place, x.job, x.employer, *x.identifiers.values())
    told = np.zeros(x.rows, np.int64)
    for number, values in enumerate(fields):
        told |= (values.first >= 0).astype(np.int64) << min(number, 30)
    return told


def _best(label: Rows, pairs: Weighed, probability: Floats) -> Floats:
    """The probability of each row's best link within its person."""
    kept = label[pairs.a] == label[pairs.b]
    best = np.zeros(len(label), np.int64)
    for rows in (pairs.a, pairs.b):
        np.maximum.at(best, rows[kept].astype(np.intp), in_bits(probability[kept]))
    return best.view(np.float64)


def _no_other(label: Rows, pairs: Weighed, probability: Floats, left: Flags, size: Rows) -> Floats:
    """Log of the chance that each person is none of the other people found: the best link to each of these is in doubt."""
    people = len(size)
    one, other, chance = label[pairs.a[left]], label[pairs.b[left]], probability[left]
    if not len(one):
        return np.zeros(people)
    key = np.minimum(one, other) * people + np.maximum(one, other)
    order = ascending(key)
    starts = np.flatnonzero(changes(key[order]))
    two = np.divmod(key[order][starts], people)
    doubt = np.log1p(-apart(np.maximum.reduceat(chance[order], starts), size[two[0]], size[two[1]]))
    return np.asarray(sum(np.bincount(of, doubt, minlength=people) for of in two), np.float64)
