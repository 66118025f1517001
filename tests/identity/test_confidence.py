"""A person is surer the better its worst links are, and less sure for each other person who may be the same."""

from __future__ import annotations

import numpy as np
import pytest

from cdp.identity.confidence import confidence, lost, settled
from cdp.identity.features import Features, features
from cdp.identity.fields import Kind
from cdp.identity.weighed import Weighed

from .people import r, t

Links = list[tuple[int, int, float]]


def weighed(links: Links, candidates: int | None = None) -> Weighed:
    posterior = np.zeros((len(links), len(Kind)))
    posterior[:, Kind.SAME] = [p for _, _, p in links]
    a, b = (np.array([link[place] for link in links], np.int32) for place in (0, 1))
    nothing = np.zeros((len(links), 1), np.uint8)
    return Weighed(a, b, np.arange(len(links), dtype=np.int32), nothing, np.zeros(len(links)), posterior, candidates or len(links))


def sure(
    label: list[int],
    links: list[tuple[int, int, float]],
    candidates: int | None = None,
    decided: tuple[int, ...] = (),
    alone: dict[int, float] | None = None,
) -> list[float]:
    pairs = weighed(links, candidates)
    marked = np.isin(np.arange(len(label)), decided)
    gone = np.array([(alone or {}).get(row, 0.0) for row in range(len(label))])
    return [round(float(x), 6) for x in confidence(np.array(label), pairs, pairs.probability, marked, gone)]


@pytest.mark.parametrize(
    ("label", "links", "expected"),
    [
        ([0], [], [1.0]),
        ([0, 0], [(0, 1, 0.81)], [0.81]),
        ([0, 0, 0], [(0, 1, 1.0), (1, 2, 0.512), (0, 2, 0.1)], [0.8]),
        ([0, 1], [(0, 1, 0.4)], [0.4, 0.4]),
        ([0, 1], [(0, 1, 0.8)], [0.05, 0.05]),
        ([0, 1, 2], [(0, 1, 0.4), (0, 2, 0.2)], [0.28, 0.4, 0.7]),
        ([0, 0, 1], [(0, 1, 1.0), (0, 2, 0.4)], [0.7, 0.7]),
        ([0, 0, 1, 1], [(0, 1, 1.0), (2, 3, 1.0), (0, 2, 0.4), (1, 2, 0.3), (1, 3, 0.4)], [0.925, 0.925]),
    ],
)
def test_confidence(label: list[int], links: list[tuple[int, int, float]], expected: list[float]) -> None:
    assert sure(label, links) == pytest.approx(expected)


def test_a_record_that_tells_too_little_to_be_found_makes_itself_and_all_others_less_sure() -> None:
    assert sure([0, 1, 1, 2, 2], [(1, 2, 1.0), (3, 4, 1.0)], alone={0: 0.6}) == [0.4, 0.8, 0.8]


def people(linked: int, alone: int, start: int = 0) -> list[int]:
    """Labels of records that are two to a person, and of records that stand alone."""
    return [*np.repeat(np.arange(linked // 2), 2) + start, *np.arange(alone) + start + linked // 2]


def told(much: int, little: int) -> Features:
    """Records of one source; some tell name, birth date and e-mail, some only an e-mail."""
    name = [{"given_name": "Ann", "family_name": "Lee", "birth_date": "1970-01-01"}] * much + [{}] * little
    return features(t(*(r(n, "", "crm", emails=[f"m{n}@mail.example"], **one) for n, one in enumerate(name))))


def test_records_that_tell_little_are_lost_as_often_as_those_that_tell_much_are_linked() -> None:
    label = np.array([*people(900, 100), *people(200, 800, start=2000)])
    chance = lost(label, told(1000, 1000))
    assert not chance[:900].any()
    assert not chance[900:1000].any()
    assert not chance[1000:1200].any()
    shown, found = (900 + 200 * 0.55) / 1200, (200 + 200 * 0.55) / 1200
    assert chance[1200:] == pytest.approx((shown - found) / (1 - found))


def test_few_records_show_nothing_of_what_could_be_linked() -> None:
    assert not lost(np.array(people(60, 40)), told(90, 10)).any()


def test_a_pair_that_only_others_bring_together_raises_no_doubt() -> None:
    assert sure([0, 0, 1], [(0, 1, 0.9), (1, 2, 0.4)], candidates=1) == [0.9, 1.0]


def test_what_people_decided_is_certain() -> None:
    assert sure([0, 0], [(0, 1, 0.3)], decided=(0, 1)) == [1.0]


@pytest.mark.parametrize(
    ("label", "links", "expected"),
    [
        ([0, 0], [(0, 1, 0.5)], [0.7]),
        ([0, 0, 0], [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 0.1)], [1.0, 1.0, 0.82]),
        ([0, 1], [(0, 1, 0.4)], [0.6]),
        ([0, 0, 1], [(0, 1, 1.0), (0, 2, 0.4)], [1.0, 0.3]),
        ([0, 0, 1, 1], [(0, 1, 1.0), (2, 3, 1.0), (0, 2, 0.4)], [1.0, 1.0, 0.075]),
    ],
)
def test_a_pair_is_judged_again_when_people_are_found(label: list[int], links: Links, expected: list[float]) -> None:
    assert settled(np.array(label), weighed(links)) == pytest.approx(expected)
