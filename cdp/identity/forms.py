"""Short and foreign forms of given names are learned from the set itself: Sasha is Aleksandr where people called so share far more than
chance allows.

Two given names are forms of one if, among pairs of records with one family name and one contact point, home or birthday, they meet again
and again, in unlike families, and far more often than couples or siblings would: those meet in all combinations.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.arrays import in_threads
from cdp.identity.compared import SLICE, Compared
from cdp.identity.features import Features
from cdp.identity.fields import Field
from cdp.identity.levels import ALIKE, DIFFER
from cdp.identity.similarity import contains, word_keys

FAMILIES = 3
"""Unlike family names in which two forms must meet."""
LIFT = 10.0
"""How much more often than by chance they must meet."""
LOYALTY = 0.12
"""Share of the rarer name's meetings that must be with the other."""


def name_forms(fields: tuple[Field, ...], features: Features, found: Compared) -> tuple[tuple[str, str], ...]:
    """Pairs of given names that are forms of one name, as far as candidate pairs tell."""
    at = {field.name: i for i, field in enumerate(fields)}

    def reached(name: str, *wanted: int) -> npt.NDArray[np.bool_]:
        return np.asarray(np.isin(found.patterns[:, at[name]], wanted), bool)

    together = reached("email", 1, 2) | reached("phone", 1, 2) | reached("birth_date", 1) | reached("address", 1, 2, 4)
    telling = reached("given_name", ALIKE, DIFFER) & reached("family_name", *range(1, ALIKE)) & together
    a, b = found.of(np.asarray(telling, bool))
    u, v = features.given.first[a], features.given.first[b]
    low, high = np.minimum(u, v).astype(np.int64), np.maximum(u, v).astype(np.int64)
    met = pd.DataFrame({"low": low, "high": high, "family": features.family.first[a]})
    met = met[(met.low >= 0) & (met.high >= 0)].drop_duplicates()
    if met.empty:
        return ()
    meetings = pd.concat([met.low, met.high]).value_counts()
    pairs = met.groupby(["low", "high"]).size().reset_index(name="families")
    pairs = pairs[pairs.families >= FAMILIES]
    own, other = meetings.loc[pairs.low].to_numpy(), meetings.loc[pairs.high].to_numpy()
    lift = pairs.families * 2 * len(met) / (own * other)
    kept = pairs[(lift >= LIFT) & (pairs.families >= LOYALTY * np.minimum(own, other))]
    words = features.given.words
    named = [(str(words[int(x)]), str(words[int(y)])) for x, y in zip(kept.low, kept.high, strict=True)]
    return tuple(sorted((min(p), max(p)) for p in named if min(len(p[0]), len(p[1])) > 1))


def touched(features: Features, found: Compared, forms: tuple[tuple[str, str], ...]) -> npt.NDArray[np.int64]:
    """Numbers of the pairs whose given names, or family names in their place, are two of `forms`: all that knowing them can change."""
    keys = word_keys(forms, features.given.words)
    involved = np.zeros(len(features.given) + 1, bool)
    involved[keys >> 32] = involved[keys & 0xFFFFFFFF] = True
    names = np.concatenate([features.given.codes, features.family.codes], axis=1)  # they have one dictionary
    names = np.where(involved[names], names, -1)
    rows = np.asarray((names >= 0).any(axis=1))

    def hits(start: int) -> npt.NDArray[np.int64]:
        part = slice(start, start + SLICE)
        pairs = start + np.flatnonzero(rows[found.a[part]] & rows[found.b[part]])
        return pairs[_meet(names[found.a[pairs]], names[found.b[pairs]], keys)]

    return np.concatenate(in_threads(hits, range(0, len(found.a), SLICE)) or [np.zeros(0, np.int64)])


def _meet(a: npt.NDArray[np.int32], b: npt.NDArray[np.int32], keys: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether any name of the one and any of the other are among the keys."""
    hit = np.zeros(len(a), bool)
    for u, v in product(a.T, b.T):
        unlike = np.flatnonzero((u >= 0) & (v >= 0) & (u != v))
        hit[unlike] |= contains(keys, u[unlike].astype(np.int64), v[unlike].astype(np.int64))
    return hit
