"""Scores compare two partitions of the same records; pair scores count pairs, B-cubed counts records, exact counts people."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Score:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Evaluation:
    """How well found people agree with the true ones."""

    pairs: Score
    b_cubed: Score
    people: int
    exact: int
    found: int
    largest: int

    def to_document(self) -> dict[str, object]:
        """As JSON."""
        document = asdict(self)
        document["pairs"]["f1"], document["b_cubed"]["f1"] = self.pairs.f1, self.b_cubed.f1
        document["exact_share"] = self.exact / self.people if self.people else 1.0
        return document


def evaluate(cluster: npt.NDArray[np.int64], truth: npt.ArrayLike) -> Evaluation:
    """Scores of `cluster` (a label for each record) against `truth` (likewise)."""
    _, found = np.unique(np.asarray(cluster), return_inverse=True)
    _, true = np.unique(np.asarray(truth), return_inverse=True)
    if not len(found):
        return Evaluation(Score(1.0, 1.0), Score(1.0, 1.0), 0, 0, 0, 0)
    width = int(true.max()) + 1
    cells, inside = np.unique(found.astype(np.int64) * width + true, return_counts=True)
    found_size, true_size = np.bincount(found), np.bincount(true)
    of_found, of_true = found_size[cells // width], true_size[cells % width]
    hits, claimed, real = _pairs(inside), _pairs(found_size), _pairs(true_size)
    exact = int(((inside == of_found) & (inside == of_true)).sum())
    records = len(found)
    b_cubed = Score(float((inside**2 / of_found).sum() / records), float((inside**2 / of_true).sum() / records))
    return Evaluation(
        Score(hits / claimed if claimed else 1.0, hits / real if real else 1.0),
        b_cubed,
        width,
        exact,
        len(found_size),
        int(found_size.max()),
    )


def exactly(cluster: npt.NDArray[np.int64], truth: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether each cluster (0, 1, …) holds all records of one entity and no others."""
    _, true = np.unique(np.asarray(truth), return_inverse=True)
    if not len(cluster):
        return np.zeros(0, bool)
    of_found, of_true = np.bincount(cluster), np.bincount(true)
    first = np.zeros(len(of_found), np.int64)
    first[cluster] = true
    one = np.ones(len(of_found), bool)
    one[cluster[true != first[cluster]]] = False
    return np.asarray(one & (of_found == of_true[first]))


def _pairs(sizes: npt.NDArray[np.int64]) -> float:
    wide = sizes.astype(np.float64)
    return float((wide * (wide - 1) / 2).sum())


def calibration(probability: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error: how far stated probability and truth lie apart, on average (Naeini et al. 2015)."""
    if not len(probability):
        return 0.0
    place = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    stated, true = np.bincount(place, probability, bins), np.bincount(place, right.astype(float), bins)
    return float(np.abs(stated - true).sum() / count.sum())
