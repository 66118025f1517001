"""Precision and recall without labels: a person sorts a small random sample of clusters, and the answers weigh as the sample was drawn.

Records are drawn, each with equal chance, and the whole clusters they are in; with each cluster come the records outside that are nearest
to it. An estimate is a ratio of sums over clusters weighed by one over their size (Binette et al. 2022, arXiv 2210.01230), its interval a
bootstrap over clusters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cdp.errors import PlatformError
from cdp.identity.resolution import Resolution

NEAR = 3
"""Records from outside shown beside a cluster, at most."""
RESAMPLES = 2000


class ReviewError(PlatformError):
    """Answers that cannot be used."""


@dataclass(frozen=True)
class Estimate:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Review:
    """What the answers say of all pairs of records judged one person, and of all pairs that truly are."""

    clusters: int
    precision: Estimate
    recall: Estimate


def sample(found: Resolution, customers: pa.Table, clusters: int = 50, seed: int = 0) -> list[dict[str, Any]]:
    """Rows to sort: `cluster`, `inside` (yes or no), the record, and an empty `person`.

    Records of a cluster that are one person get the same word under `person`; a record from outside gets that word too where it belongs
    to them.
    """
    size = len(found.cluster)
    if not size:
        return []
    order = np.random.default_rng(seed).permutation(size)
    chosen = list(dict.fromkeys(int(found.cluster[row]) for row in order))[:clusters]
    near = _near(found)
    rows = customers.drop_columns([c for c in ("issues", "attributes", "consents") if c in customers.column_names])
    out = []
    for label in sorted(chosen):
        inside = np.flatnonzero(found.cluster == label)
        for row, is_inside in [(int(i), True) for i in inside] + [(i, False) for i in near.get(label, [])]:
            told = {k: v for k, v in rows.slice(row, 1).to_pylist()[0].items() if v is not None}
            out.append({"cluster": label, "inside": "yes" if is_inside else "no", "person": "", **told})
    return out


def _near(found: Resolution) -> dict[int, list[int]]:
    """The records outside each cluster that most nearly belong to it."""
    near: dict[int, list[int]] = defaultdict(list)
    pairs = found.doubtful.sort_by([("probability", "descending")])
    for a, b in zip(pairs["row_a"].to_pylist(), pairs["row_b"].to_pylist(), strict=True):
        for inside, outside in ((a, b), (b, a)):
            label = int(found.cluster[inside])
            if found.cluster[outside] != label and outside not in near[label] and len(near[label]) < NEAR:
                near[label].append(outside)
    return near


def review(answers: Iterable[Mapping[str, Any]], seed: int = 0) -> Review:
    """Precision and recall of pairs, from sorted rows of `sample`.

    Raises:
        ReviewError: rows without `person`.
    """
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for number, answer in enumerate(answers, 2):
        if not str(answer.get("person") or "").strip():
            raise ReviewError(f"row {number} has no person: give the records of one person the same word, then run this again")
        groups[str(answer.get("cluster"))].append(answer)
    missing = {"cluster", "inside"} - {name for rows in groups.values() for row in rows for name in row}
    if missing and groups:
        raise ReviewError(f"the answers lack the column {min(missing)}; sort the file that review-sample wrote, and keep its columns")
    if not groups:
        raise ReviewError("there are no answers: draw a sample, sort it, and give the file with the column `person` filled")
    counted = np.array([_count(rows) for rows in groups.values()], float)
    weight = 1 / counted[:, 0]
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(counted), (RESAMPLES, len(counted)))
    return Review(
        len(groups),
        _ratio(counted[:, 1], counted[:, 2], weight, draws),
        _ratio(counted[:, 1], counted[:, 1] + counted[:, 3] / 2, weight, draws),
    )


def _count(rows: Sequence[Mapping[str, Any]]) -> tuple[int, int, int, int]:
    """Records, right pairs and pairs within a cluster, and right pairs across its border."""
    inside = [str(row["person"]).strip() for row in rows if row["inside"] == "yes"]
    outside = [str(row["person"]).strip() for row in rows if row["inside"] != "yes"]
    right = sum(x == y for x, y in combinations(inside, 2))
    return len(inside), right, len(inside) * (len(inside) - 1) // 2, sum(x == y for x in inside for y in outside)


def _ratio(
    top: npt.NDArray[np.float64], bottom: npt.NDArray[np.float64], weight: npt.NDArray[np.float64], draws: npt.NDArray[np.int64]
) -> Estimate:
    def share(chosen: npt.NDArray[np.int64] | slice) -> float:
        whole = float((bottom[chosen] * weight[chosen]).sum())
        return float((top[chosen] * weight[chosen]).sum()) / whole if whole else 1.0

    low, high = np.quantile([share(draw) for draw in draws], (0.025, 0.975))
    return Estimate(share(slice(None)), float(low), float(high))
