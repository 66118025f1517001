"""Two records that tell much and contradict each other are no one person for the sake of records that tell little and fit both."""

from __future__ import annotations

import numpy as np
import pytest

from cdp.identity.cluster import agglomerate

FATHER, SON, ONE, OTHER = range(4)


@pytest.mark.parametrize(("telling", "people"), [(16.0, 2), (1.0, 1)])
def test_the_pair_that_tells_more_counts_more(telling: float, people: int) -> None:
    a = np.array([FATHER, FATHER, FATHER, SON, SON, ONE], np.int32)
    b = np.array([SON, ONE, OTHER, ONE, OTHER, OTHER], np.int32)
    weight = np.array([-2.2, 1.9, 2.0, 1.9, 1.9, 1.9])
    counts = np.array([telling, *[9.0 if telling > 1 else 1.0] * 5])
    nothing = np.zeros(4, bool)
    found = agglomerate(4, a, b, weight, counts, np.zeros(6, bool), np.zeros(4, np.uint64), nothing)
    assert len(set(found.tolist())) == people
    assert (found[FATHER] != found[SON]) == (people == 2)


def test_a_pair_that_compares_nothing_keeps_nobody_from_a_decided_person() -> None:
    a, b = np.array([0, 0], np.int32), np.array([1, 1], np.int32)
    decided = np.array([True, False])
    found = agglomerate(2, a, b, np.array([0.0, 3.0]), np.array([0.0, 9.0]), np.zeros(2, bool), np.zeros(2, np.uint64), decided)
    assert found.tolist() == [0, 0]
