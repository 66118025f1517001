"""A person is surer the better its worst links are, and less sure for each other person who may be the same."""

from __future__ import annotations

import numpy as np
import pytest

from cdp.identity.confidence import confidence
from cdp.identity.fields import Kind
from cdp.identity.weighed import Weighed

Links = list[tuple[int, int, float]]


def weighed(links: Links, candidates: int | None = None) -> Weighed:
    posterior = np.zeros((len(links), len(Kind)))
    posterior[:, Kind.SAME] = [p for _, _, p in links]
    a, b = (np.array([link[place] for link in links], np.int32) for place in (0, 1))
    nothing = np.zeros((len(links), 1), np.uint8)
    return Weighed(a, b, np.arange(len(links), dtype=np.int32), nothing, np.zeros(len(links)), posterior, candidates or len(links))


def sure(
    label: list[int], links: list[tuple[int, int, float]], candidates: int | None = None, decided: tuple[int, ...] = ()
) -> list[float]:
    pairs = weighed(links, candidates)
    marked = np.isin(np.arange(len(label)), decided)
    return [round(float(x), 6) for x in confidence(np.array(label), pairs, pairs.probability, marked)]


@pytest.mark.parametrize(
    ("label", "links", "expected"),
    [
        ([0], [], [1.0]),
        ([0, 0], [(0, 1, 0.81)], [0.81]),
        ([0, 0, 0], [(0, 1, 1.0), (1, 2, 0.512), (0, 2, 0.1)], [0.8]),
        ([0, 1], [(0, 1, 0.4)], [0.8, 0.8]),
        ([0, 1, 2], [(0, 1, 0.4), (0, 2, 0.2)], [0.72, 0.8, 0.9]),
        ([0, 0, 1, 1], [(0, 1, 1.0), (2, 3, 1.0), (0, 2, 0.4), (1, 2, 0.3), (1, 3, 0.4)], [0.8, 0.8]),
    ],
)
def test_confidence(label: list[int], links: list[tuple[int, int, float]], expected: list[float]) -> None:
    assert sure(label, links) == pytest.approx(expected)


def test_a_pair_that_only_others_bring_together_raises_no_doubt() -> None:
    assert sure([0, 0, 1], [(0, 1, 0.9), (1, 2, 0.4)], candidates=1) == [0.9, 1.0]


def test_what_people_decided_is_certain() -> None:
    assert sure([0, 0], [(0, 1, 0.3)], decided=(0, 1)) == [1.0]
