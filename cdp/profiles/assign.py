"""Profile ids are stable: a merged profile lives on under the oldest id, and after a split the part that keeps most records keeps the id.

The assignment is a pure function of the records' present profiles, the new clusters, and the age of the profiles; ties go to the part
that holds the record that landed first. Ids are UUIDv7, so that the oldest is the smallest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np


@dataclass(frozen=True)
class Change:
    """One journal entry: `record_ids` are in `profile` now and were in `origin` before (None: in none)."""

    change: str
    profile: UUID
    origin: UUID | None
    record_ids: tuple[int, ...]


@dataclass(frozen=True)
class Assignment:
    """Profiles of the clusters.

    Attributes:
        profile_of: cluster number -> profile id.
        merged: profile that is gone -> profile it lives on in.
        changes: what to write into the journal.
    """

    profile_of: Mapping[int, UUID]
    merged: Mapping[UUID, UUID]
    changes: Sequence[Change]


def assign(
    record_ids: np.ndarray,
    clusters: np.ndarray,
    present: Sequence[UUID | None],
    new_id: Callable[[], UUID],
    revive: Callable[[Sequence[int]], UUID | None] = lambda records: None,
) -> Assignment:
    """Give every cluster a profile.

    Args:
        record_ids: one for each record, any order.
        clusters: cluster number of each record.
        present: profile that each record has now, or None.
        new_id: makes an id that is younger than all there are.
        revive: for the records of a cluster that inherits no id, the id that they had before it was merged away, if any.
    """
    members, held = _group(record_ids, clusters, present)
    claims = _claims(held)
    profile_of: dict[int, UUID] = {}
    merged: dict[UUID, UUID] = {}
    changes: list[Change] = []
    for cluster in sorted(members, key=lambda c: min(members[c])):
        inherited = sorted(profile for profile, heir in claims.items() if heir == cluster and profile in held[cluster])
        records = sorted(members[cluster])
        former = inherited[0] if inherited else revive(records) if held[cluster] else None
        profile = former or new_id()
        profile_of[cluster] = profile
        merged |= {gone: profile for gone in inherited[1:]}
        changes += _changes(profile, records, held[cluster], set(inherited))
    return Assignment(profile_of, merged, changes)


def _group(
    record_ids: np.ndarray, clusters: np.ndarray, present: Sequence[UUID | None]
) -> tuple[dict[int, list[int]], dict[int, dict[UUID, list[int]]]]:
    members: dict[int, list[int]] = defaultdict(list)
    held: dict[int, dict[UUID, list[int]]] = defaultdict(lambda: defaultdict(list))
    for record, cluster, profile in zip(record_ids.tolist(), clusters.tolist(), present, strict=True):
        members[cluster].append(record)
        if profile is not None:
            held[cluster][profile].append(record)
    return members, held


def _claims(held: Mapping[int, Mapping[UUID, list[int]]]) -> dict[UUID, int]:
    """Which cluster inherits each present profile: the one with most of its records."""
    best: dict[UUID, tuple[int, int, int]] = {}
    for cluster, parts in held.items():
        for profile, records in parts.items():
            rank = (len(records), -min(records), cluster)
            if profile not in best or rank > best[profile]:
                best[profile] = rank
    return {profile: rank[2] for profile, rank in best.items()}


def _changes(profile: UUID, records: list[int], parts: Mapping[UUID, list[int]], inherited: set[UUID]) -> list[Change]:
    changes = []
    if not parts:
        return [Change("created", profile, None, tuple(records))]
    for origin, moved in sorted(parts.items()):
        if origin != profile:
            changes.append(Change("merged" if origin in inherited else "split", profile, origin, tuple(sorted(moved))))
    fresh = tuple(sorted(set(records) - {r for part in parts.values() for r in part}))
    if fresh:
        changes.append(Change("joined", profile, None, fresh))
    return changes
