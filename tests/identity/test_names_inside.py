"""A name within a name is a short form only where people use it so: Anna is not Annabelle, Jess is Jessica."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cdp.identity.levels import ALIKE, DIFFER, PART, VARIANT, Names, Spelt


@pytest.mark.parametrize(
    ("one", "other", "known", "level"),
    [
        ("anna", "annabelle", False, DIFFER),
        ("jess", "jessica", False, VARIANT),
        ("jess", "jessicr", False, PART),
        ("wolf", "wolfram", False, PART),
        ("wolf", "wolfram", True, ALIKE),
        ("paul", "paula", True, ALIKE),
    ],
)
def test_level_of_a_name_that_begins_another(one: str, other: str, known: bool, level: int) -> None:
    words = pa.array([one, other])
    spelt = Spelt(words)
    names = Names(spelt, np.zeros(2, np.uint8), np.array([known, known]), spelt.nicknames)
    assert names(np.array([0]), np.array([1])).tolist() == [level]
    assert names(np.array([1]), np.array([0])).tolist() == [level]
