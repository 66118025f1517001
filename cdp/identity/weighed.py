"""Pairs to find people by: what a pattern is worth stands once, a pair holds its number.

Candidate pairs that can change the answer come first, then every other pair within what they connect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cdp.identity.arrays import among, ascending, in_threads
from cdp.identity.blocks import Flags, Ints, Part, Rows
from cdp.identity.cluster import components
from cdp.identity.compare import Comparer
from cdp.identity.fields import Kind
from cdp.identity.model import Floats, Model
from cdp.identity.similarity import Bytes
from cdp.identity.training import counted

INDIRECT = 0.5
"""What evidence counts between records that only others bring together: it repeats in part what those have said."""
PART = 100_000
"""Pairs that a thread compares in one go."""
COMPLETE, COMPLETED_EACH = 1000, 20
"""Components up to this size have all their pairs compared, not only candidates; and so many pairs for each record at most."""


@dataclass(frozen=True)
class Weighed:
    """Pairs (a[i], b[i]) with a < b; `which[i]` is the pair's place in `patterns`, `evidence` (nats) and `posterior` (by Kind).

    Attributes:
        candidates: so many pairs, the first ones, are candidates; the others are between records that only others bring together.
    """

    a: Ints
    b: Ints
    which: Ints
    patterns: Bytes
    evidence: Floats
    posterior: Floats
    candidates: int

    def __len__(self) -> int:
        return len(self.a)

    @property
    def candidate(self) -> Flags:
        """Which pairs are candidates."""
        return np.asarray(np.arange(len(self)) < self.candidates)

    @property
    def probability(self) -> Floats:
        """How probable it is that each pair is one person."""
        return np.asarray(self.posterior[:, Kind.SAME][self.which])

    @property
    def telling(self) -> Floats:
        """How much a pair of each pattern counts beside others between the same people: the square of the fields it compares.

        A record that tells a name and a town fits father and son; the pair of the two that also tell a birth date knows better.
        """
        return np.asarray((self.patterns > 0).sum(axis=1).astype(float) ** 2)

    def completed(self, rows: int, comparer: Comparer, model: Model) -> Weighed:
        """With the pairs within components of linked records that were no candidates.

        They are judged without the share of persons among candidates.
        """
        a, b = _missing(rows, self.a, self.b, self.evidence[self.which] > 0)
        if not len(a):
            return self
        parts = in_threads(lambda start: comparer(a[start : start + PART], b[start : start + PART]), range(0, len(a), PART))
        patterns, _, which = counted(np.concatenate(parts))
        judge = model.even()
        return replace(
            self,
            a=np.concatenate([self.a, a.astype(np.int32)]),
            b=np.concatenate([self.b, b.astype(np.int32)]),
            which=np.concatenate([self.which, (which + len(self.patterns)).astype(np.int32)]),
            patterns=np.concatenate([self.patterns, patterns]),
            evidence=np.concatenate([self.evidence, INDIRECT * judge.evidence(patterns)]),
            posterior=np.concatenate([self.posterior, judge.posterior(patterns)]),
        )

    def without(self, column: int, pairs: Rows, model: Model) -> Weighed:
        """With a field of some of the pairs taken for missing."""
        patterns = self.patterns[self.which[pairs]]
        patterns[:, column] = 0
        patterns, _, places = counted(np.column_stack([patterns, pairs >= self.candidates]).astype(np.uint8))
        patterns, indirect = patterns[:, :-1], patterns[:, -1].astype(bool)
        which, even = self.which.copy(), model.even()
        which[pairs] = len(self.patterns) + places
        return replace(
            self,
            which=which,
            patterns=np.concatenate([self.patterns, patterns]),
            evidence=np.r_[self.evidence, np.where(indirect, INDIRECT * even.evidence(patterns), model.evidence(patterns))],
            posterior=np.concatenate([self.posterior, np.where(indirect[:, None], even.posterior(patterns), model.posterior(patterns))]),
        )


def _missing(rows: int, a: Ints, b: Ints, linked: Flags) -> tuple[Rows, Rows]:
    """Pairs within components of linked records that are none of (a[i], b[i])."""
    label = components(rows, a[linked], b[linked])
    size = np.bincount(label, minlength=1)
    members = np.flatnonzero((size[label] > 2) & (size[label] <= _largest(size, rows)))
    members = members[ascending(label[members])]
    if not len(members):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    pairs = np.sort(Part.of("component", members, label[members].astype(np.uint64)).pairs(slice(None)))
    pairs = pairs[~among(pairs, np.sort((a.astype(np.int64) << 32) | b))]
    return pairs >> 32, pairs & 0xFFFFFFFF


def _largest(size: npt.NDArray[np.int64], rows: int) -> int:
    """The size up to which components are completed: the largest that keeps the pairs within their budget."""
    ascending = np.sort(size[size > 2])
    beyond = np.flatnonzero(np.cumsum(ascending * (ascending - 1) // 2) > COMPLETED_EACH * rows + 1_000_000)
    return min(COMPLETE, int(ascending[beyond[0]]) - 1) if len(beyond) else COMPLETE
