"""No person has more values of an identifier than the rules allow: the least trusted identifier is dropped from those who have, and their
records are weighed again.

It is what a limit does to an event, done to records. Limits of a period hold for events alone, for a record does not tell when a value was
seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cdp.identity.arrays import unique
from cdp.identity.blocks import Flags
from cdp.identity.features import Features
from cdp.identity.fields import Field
from cdp.identity.model import Model
from cdp.identity.rules import Rules
from cdp.identity.values import Values
from cdp.identity.weighed import Weighed

Rows = npt.NDArray[np.int64]
Cluster = Callable[[Weighed, Flags], Rows]
"""The person of each row from pairs; the flags are of pairs that must not be one person."""


def within(
    rules: Rules, features: Features, fields: tuple[Field, ...], model: Model, pairs: Weighed, cluster: Cluster
) -> tuple[Weighed, Rows]:
    """The pairs as they count in the end, and the person of each row."""
    nothing = np.zeros(len(pairs), bool)
    label = cluster(pairs, nothing)
    held = _identifiers(features)
    column = {kind: k for k, field in enumerate(fields) for kind in held if field.name in (kind, f"identifier:{kind}")}
    for kind in sorted(column, key=rules.rank, reverse=True):
        broken = np.logical_or.reduce(list(_broken(rules, held, label).values()))
        if not broken.any():
            return pairs, label
        pairs = pairs.without(column[kind], np.flatnonzero(_inside(broken, label, pairs)), model)
        label = cluster(pairs, nothing)
    apart = nothing
    for kind, broken in _broken(rules, held, label).items():
        rows_a, rows_b = held[kind].codes[pairs.a], held[kind].codes[pairs.b]
        common = ((rows_a[:, :, None] == rows_b[:, None, :]) & (rows_a[:, :, None] >= 0)).any(axis=(1, 2))
        apart = apart | (_inside(broken, label, pairs) & (rows_a[:, 0] >= 0) & (rows_b[:, 0] >= 0) & ~common)
    return pairs, cluster(pairs, apart) if apart.any() else label


def _identifiers(features: Features) -> dict[str, Values]:
    return {"email": features.email, "phone": features.phone, **features.identifiers}


def _inside(broken: Flags, label: Rows, pairs: Weighed) -> Flags:
    """Pairs within people who have too many values of something."""
    return np.asarray(broken[label[pairs.a]] & (label[pairs.a] == label[pairs.b]))


def _broken(rules: Rules, held: dict[str, Values], label: Rows) -> dict[str, Flags]:
    """For each type the people who have more values of it than its limit."""
    people, found = int(label.max()) + 1 if len(label) else 0, {}
    for kind, values in held.items():
        limit = rules.limit(kind)
        found[kind] = np.zeros(people, bool)
        if limit is not None and limit.period == "ever" and len(values):
            rows, slots = np.nonzero(values.codes >= 0)
            distinct = unique(label[rows] * len(values) + values.codes[rows, slots])
            found[kind] = np.bincount(distinct // len(values), minlength=people) > limit.most
    return found
