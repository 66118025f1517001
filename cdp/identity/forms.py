"""Short and foreign forms of given names are learned from the set itself: Sasha is Aleksandr where people called so share far more than chance allows.

Two given names are forms of one if, among pairs of records with one family name and one contact point, home or birthday, they meet again and again, in
unlike families, and far more often than couples or siblings would: those meet in all combinations.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.features import Features
from cdp.identity.fields import Field
from cdp.identity.similarity import Bytes

FAMILIES = 3
"""Unlike family names in which two forms must meet."""
LIFT = 10.0
"""How much more often than by chance they must meet."""
LOYALTY = 0.12
"""Share of the rarer name's meetings that must be with the other."""


def name_forms(fields: tuple[Field, ...], features: Features, a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], patterns: Bytes) -> tuple[tuple[str, str], ...]:
    """Pairs of given names that are forms of one name, as far as candidate pairs tell."""
    at = {field.name: i for i, field in enumerate(fields)}

    def reached(name: str, *wanted: int) -> npt.NDArray[np.bool_]:
        return np.isin(patterns[:, at[name]], wanted)

    together = reached("email", 1, 2) | reached("phone", 1, 2) | reached("birth_date", 1) | reached("address", 1, 2, 4)
    rows = np.flatnonzero(reached("given_name", 6, 8) & reached("family_name", 1, 2, 3, 4, 5) & together)
    u, v = features.given.first[a[rows]], features.given.first[b[rows]]
    low, high = np.minimum(u, v).astype(np.int64), np.maximum(u, v).astype(np.int64)
    met = pd.DataFrame({"low": low, "high": high, "family": features.family.first[a[rows]]})
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
