"""The demo company: five departments that know some of the same people and nothing of each other.

A seed and a size make the same company every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cdp.demo.departments import branches, newsletter, sales, shop, support
from cdp.demo.departments.base import Department
from cdp.demo.people import population
from cdp.demo.sightings import DEPARTMENTS, Sighting, sightings
from cdp.demo.stories import Story, stories

SEED = 20261031


@dataclass(frozen=True)
class DemoWorld:
    """What was made, and what is true about it.

    Attributes:
        folder: holds a folder for each department and `truth.parquet`.
        sources: a definition for each department (schemas/source.schema.json).
        truth: source, stream, source_key, person_id, household_id (null for an organisation) of every customer record.
        people, records, interactions: how many there are.
        stories: what is worth showing.
    """

    folder: Path
    sources: tuple[dict[str, Any], ...]
    truth: pa.Table
    people: int
    records: int
    interactions: int
    stories: tuple[Story, ...]


def generate(folder: Path, seed: int = SEED, people: int = 5000) -> DemoWorld:
    """Write the company's files into `folder`; what an earlier run left there under the same names is replaced."""
    random = Random(seed)  # noqa: S311 - invented people, no secrets
    everybody = population(random, people)
    seen: dict[str, list[Sighting]] = {name: [] for name in DEPARTMENTS}
    for person in everybody:
        for sighting in sightings(random, person):
            seen[sighting.department].append(sighting)
    departments = _build(random, seen)
    definitions = []
    for module, department in departments:
        place = folder / department.name
        place.mkdir(parents=True, exist_ok=True)
        module.write(place, department)
        definitions.append(module.definition(place.resolve()))
    truth = _truth([department for _, department in departments])
    pq.write_table(truth, folder / "truth.parquet")
    return DemoWorld(folder, tuple(definitions), truth, len(everybody), truth.num_rows, _interactions(departments), stories(everybody))


def _build(random: Random, seen: dict[str, list[Sighting]]) -> list[tuple[Any, Department]]:
    shop_rows, complaints = shop.build(random, seen["shop"])
    return [
        (sales, sales.build(random, seen["sales"])),
        (support, support.build(random, seen["support"], complaints)),
        (shop, shop_rows),
        (branches, branches.build(random, seen["branches"])),
        (newsletter, newsletter.build(random, seen["newsletter"])),
    ]


def _truth(departments: list[Department]) -> pa.Table:
    rows = [
        (department.name, department.customer_stream, record.key, record.person.id, record.person.household)
        for department in departments
        for record in department.records
    ]
    names = ("source", "stream", "source_key", "person_id", "household_id")
    types = (pa.string(), pa.string(), pa.string(), pa.int32(), pa.int32())
    columns = zip(*rows, strict=True)
    return pa.table({name: pa.array(column, kind) for name, kind, column in zip(names, types, columns, strict=True)})


def _interactions(departments: list[tuple[Any, Department]]) -> int:
    return sum(
        len(rows) for _, department in departments for name, rows in department.streams.items() if name != department.customer_stream
    )
