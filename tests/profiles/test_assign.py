"""Profile ids are stable: the oldest lives on after a merge, the larger part after a split, and undoing a merge brings the id back."""

from __future__ import annotations

import itertools
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdp.profiles.assign import Assignment, assign

A, B, C = (UUID(int=n) for n in (1, 2, 3))


def run(*records: tuple[int, UUID | None], revive: UUID | None = None) -> Assignment:
    """Assign records 1, 2, …, each (cluster, present profile)."""
    fresh = (UUID(int=n) for n in itertools.count(100))
    clusters = np.array([cluster for cluster, _ in records])
    return assign(np.arange(1, len(records) + 1), clusters, [p for _, p in records], lambda: next(fresh), lambda _: revive)


def test_new_people_get_new_ids() -> None:
    found = run((0, None), (0, None), (1, None))
    assert found.profile_of == {0: UUID(int=100), 1: UUID(int=101)}
    assert [(c.change, c.record_ids) for c in found.changes] == [("created", (1, 2)), ("created", (3,))]


def test_nothing_changes_where_nothing_changed() -> None:
    found = run((0, A), (0, A), (1, B))
    assert (found.profile_of, found.merged, list(found.changes)) == ({0: A, 1: B}, {}, [])


def test_a_record_that_joins_leaves_the_id() -> None:
    found = run((0, A), (0, None))
    assert found.profile_of == {0: A}
    assert [(c.change, c.record_ids) for c in found.changes] == [("joined", (2,))]


def test_on_a_merge_the_oldest_lives_on_even_if_it_is_smaller() -> None:
    found = run((0, B), (0, B), (0, B), (0, A))
    assert (found.profile_of, found.merged) == ({0: A}, {B: A})
    assert [(c.change, c.profile, c.origin, c.record_ids) for c in found.changes] == [("merged", A, B, (1, 2, 3))]


def test_on_a_split_the_part_with_most_records_keeps_the_id() -> None:
    found = run((0, A), (1, A), (1, A))
    assert found.profile_of == {1: A, 0: UUID(int=100)}
    assert [(c.change, c.profile, c.origin, c.record_ids) for c in found.changes] == [("split", UUID(int=100), A, (1,))]


def test_on_an_even_split_the_part_with_the_first_record_keeps_the_id() -> None:
    assert run((1, A), (0, A)).profile_of == {1: A, 0: UUID(int=100)}


def test_a_record_that_moves_between_profiles_is_a_split_and_no_merge() -> None:
    found = run((0, A), (0, A), (1, B), (1, A))
    assert (found.profile_of, found.merged) == ({0: A, 1: B}, {})
    assert [(c.change, c.profile, c.origin, c.record_ids) for c in found.changes] == [("split", B, A, (4,))]


def test_a_merge_that_is_taken_back_brings_the_id_back() -> None:
    found = run((0, A), (0, A), (1, A), revive=B)
    assert found.profile_of == {0: A, 1: B}


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([A, B, C, None])), min_size=1, max_size=12), st.randoms())
def test_the_order_of_records_does_not_matter(records: list[tuple[int, UUID | None]], random: object) -> None:
    order = list(range(len(records)))
    random.shuffle(order)
    fresh = itertools.count(100)
    ids = np.arange(1, len(records) + 1)[order]
    shuffled = assign(ids, np.array([records[i][0] for i in order]), [records[i][1] for i in order], lambda: UUID(int=next(fresh)))
    plain = run(*records)
    assert shuffled.profile_of == plain.profile_of
    assert shuffled.merged == plain.merged


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([A, B, C, None])), min_size=1, max_size=12))
def test_every_cluster_has_an_id_of_its_own_and_a_second_run_changes_nothing(records: list[tuple[int, UUID | None]]) -> None:
    found = run(*records)
    assert len(set(found.profile_of.values())) == len({cluster for cluster, _ in records})
    again = run(*((cluster, found.profile_of[cluster]) for cluster, _ in records))
    assert list(again.changes) == []
