"""A large set is not compared where comparing hardly ever finds anybody; what was left out is known to training."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cdp.identity import Options, Resolution, blocks, evaluate, first_look, resolve
from cdp.identity.resolution import _Work
from cdp.records import Mapping, map_batch
from tests.bench.mixes import COMPANY
from tests.bench.people import Population, chunks, mapping, people_for
from tests.bench.worlds import WORLDS


@pytest.fixture(scope="module")
def people() -> tuple[pa.Table, pa.Array]:
    """6,000 records of a company, and who they are."""
    population = Population(WORLDS["us"](), COMPANY, people_for(COMPANY, 6_000), seed=5)
    raw, truth = (pa.concat_tables(parts) for parts in zip(*chunks(population), strict=True))
    mapped = map_batch(raw, Mapping.load(mapping(population)).stream("people")).table
    return mapped.append_column("source", raw["source"]).append_column("record_id", raw["record_id"]), truth["entity_id"]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets of this size count as large."""
    monkeypatch.setattr(first_look, "LARGE", 1)
    monkeypatch.setattr(first_look, "LOOK", 1)
    monkeypatch.setattr(first_look, "WORTH", 1 / 100)
    monkeypatch.setattr(blocks, "SAMPLE", 3_000)


def compared(found: Resolution) -> int:
    return next(stage.count for stage in found.stages if stage.name == "compare")


def f1(found: Resolution, truth: pa.Array) -> float:
    return evaluate(found.cluster, truth.to_numpy(zero_copy_only=False)).pairs.f1


def test_pairs_are_spared_and_nobody_is_lost(people: tuple[pa.Table, pa.Array], large: None, monkeypatch: pytest.MonkeyPatch) -> None:
    records, truth = people
    with_look = resolve(records)
    monkeypatch.setattr(first_look, "WORTH", 0.0)
    without = resolve(records)
    assert compared(with_look) < 0.9 * compared(without)
    assert f1(with_look, truth) > f1(without, truth) - 0.005


def test_what_was_left_out_is_counted(people: tuple[pa.Table, pa.Array], large: None, monkeypatch: pytest.MonkeyPatch) -> None:
    records, _ = people
    counted = _Work(records, Options()).compared().counts.sum()
    monkeypatch.setattr(first_look, "WORTH", 0.0)
    assert counted == pytest.approx(_Work(records, Options()).compared().counts.sum(), rel=0.04)


def test_a_set_that_is_not_large_is_compared_whole(people: tuple[pa.Table, pa.Array]) -> None:
    assert not len(_Work(people[0], Options()).blocks().barren)


def test_the_answer_does_not_depend_on_the_order_of_records(people: tuple[pa.Table, pa.Array], large: None) -> None:
    records, _ = people
    order = np.random.default_rng(3).permutation(records.num_rows)
    one, other = resolve(records), resolve(records.take(pa.array(order)))
    assert (
        len(set(zip(one.cluster[order].tolist(), other.cluster.tolist(), strict=True))) == one.cluster.max() + 1 == other.cluster.max() + 1
    )
