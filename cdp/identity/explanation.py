"""An explanation is the sum it explains: its parts add up to the evidence of the pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cdp.identity.compare import Comparer
from cdp.identity.features import features
from cdp.identity.fields import MISSING, Kind
from cdp.identity.model import Model
from cdp.identity.prepared import prepare


@dataclass(frozen=True)
class Part:
    """One field's share: the level it reached, what that says, and its evidence in nats (positive speaks for one person)."""

    field: str
    level: str
    says: str
    evidence: float


@dataclass(frozen=True)
class Explanation:
    """Why two records are taken for one person, or not. `start` is the evidence before any field: how rare persons are among candidates."""

    start: float
    parts: tuple[Part, ...]
    evidence: float
    probability: float
    most_likely: Kind

    def lines(self) -> list[str]:
        """As text, one line a part."""
        out = [f"{self.start:+7.2f}  before any field"]
        out += [f"{p.evidence:+7.2f}  {p.field}: {p.says}" for p in self.parts]
        return [*out, f"{self.evidence:+7.2f}  in all: {self.probability:.1%} one person; most likely: {self.most_likely.name.lower()}"]


def explain_pattern(model: Model, pattern: Sequence[int]) -> Explanation:
    """The sum of a pattern, field by field.

    The classes other than one person are weighed together, so a field's part depends on those before it; the order is that of the model.
    """
    levels = np.asarray(pattern, np.uint8)
    blank, before = np.zeros((1, len(model.fields)), np.uint8), model.before(levels[None])
    total = start = float(model.evidence(blank, before)[0])
    parts = []
    for column, field in enumerate(model.fields):
        if levels[column] == MISSING:
            continue
        blank[0, column] = levels[column]
        now = float(model.evidence(blank, before)[0])
        level = field.levels[levels[column] - 1]
        parts.append(Part(field.name, level.name, level.says, now - total))
        total = now
    shares = model.posterior(blank)[0]
    return Explanation(start, tuple(parts), total, float(shares[Kind.SAME]), Kind(int(shares.argmax())))


def explain(model: Model, customers: pa.Table, a: int, b: int) -> Explanation:
    """Why rows `a` and `b` of `customers` are one person, or not; the other rows tell how frequent their values are."""
    comparer = Comparer(prepare(features(customers, model.family_first), model.known), model.fields, model.forms)
    return explain_pattern(model, comparer(np.array([a]), np.array([b]))[0].tolist())
