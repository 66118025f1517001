"""Spark finds the same people as the default engine, to the record."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cdp.identity import Model, resolve
from cdp.identity.spark import SparkEngine, session
from cdp.records import Mapping, map_batch
from tests.bench.mixes import COMPANY
from tests.bench.people import Population, chunks, mapping, people_for
from tests.bench.worlds import WORLDS

pytestmark = [pytest.mark.spark, pytest.mark.long]
needs_java = pytest.mark.skipif(
    not shutil.which("java") and not os.environ.get("CI"), reason="Apache Spark needs Java: install openjdk-17-jre-headless"
)


@pytest.fixture(scope="module")
def people() -> pa.Table:
    population = Population(WORLDS["us"](), COMPANY, people_for(COMPANY, 3_000), seed=5)
    raw = pa.concat_tables([records for records, _ in chunks(population)])
    mapped = map_batch(raw, Mapping.load(mapping(population)).stream("people")).table
    return mapped.append_column("source", raw["source"]).append_column("record_id", raw["record_id"])


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # compiling well costs more than two tests gain
        found = session()
        yield found
        found.stop()


@needs_java
def test_spark_finds_the_same_people_on_the_same_model(people: pa.Table, spark: Any) -> None:
    here = resolve(people)
    model = Model.from_document(here.model.to_document())
    there = resolve(people, model=model, engine=SparkEngine(spark, pairs=10_000))
    assert np.array_equal(resolve(people, model=model).cluster, there.cluster)
    assert there.links.equals(resolve(people, model=model).links)
    assert len(np.unique(there.cluster)) < people.num_rows * 0.7


@needs_java
def test_spark_trains_the_same_model(people: pa.Table, spark: Any) -> None:
    assert resolve(people, engine=SparkEngine(spark, pairs=10_000)).model.to_json() == resolve(people).model.to_json()
