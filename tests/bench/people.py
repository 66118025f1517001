"""Generates people of several sources: `python -m tests.bench.people --world dach --mix company --records 50000 --out FOLDER`.

The same arguments write the same bytes, chunk by chunk, so memory does not grow with the size. `record_id` says nothing about the
person; rows of one person lie anywhere in their chunk.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from . import faults, writing
from .mixes import MIXES, Mix
from .population import People, make_people
from .worlds import WORLDS, World
from .writing import Habit, Sheet

COLUMNS = (
    *("first_name", "middle_name", "last_name", "full_name", "gender", "dob", "email", "email2", "phone", "phone2"),
    *("address", "zip", "city", "national_id"),
)
CHUNK = 100_000
_FAULTY = ("first_name", "middle_name", "last_name", "full_name", "address", "city", "email", "national_id")


@dataclass(frozen=True)
class Population:
    """What to generate: `noise` multiplies every rate of faults and gaps' fillings; 1 is the mix's own."""

    world: World
    mix: Mix
    people: int
    seed: int = 1
    noise: float = 1.0


def _names(sheet: Sheet) -> dict[str, pa.Array]:
    habit, script = sheet.habit, sheet.script()
    given, family, middle = (write(sheet, script) for write in (writing.given_names, writing.family_names, writing.middle_names))
    given = faults.strike(given, habit.typos / 2, sheet.rng, faults.typo)
    suffixed = pc.if_else(pa.array(sheet.of(sheet.people.junior) & sheet.chance(0.3)), writing.join(family, "Jr"), family)
    if "full_name" not in habit.columns:
        given, suffixed = faults.swap(given, suffixed, habit.swaps, sheet.rng)
        return {"first_name": given, "middle_name": middle, "last_name": suffixed}
    shown = pc.if_else(pa.array(sheet.chance(0.3)), middle, pa.scalar(None, pa.string()))
    if habit.names == "initial":
        given = pc.if_else(pa.array(sheet.chance(0.4)), writing.join(pc.utf8_slice_codeunits(given, 0, 1), "", by="."), given)
    if habit.names == "family_first":
        full = writing.join(suffixed, writing.join(given, shown), by=", ")
    elif sheet.world.family_first:
        full = writing.join(suffixed, shown, given)
    else:
        full = writing.join(given, shown, suffixed)
    turned = writing.join(family, given)
    return {"full_name": pc.if_else(pa.array(sheet.chance(habit.swaps)), turned, full)}


def _place(sheet: Sheet) -> dict[str, pa.Array]:
    world, home, script = sheet.world, writing.addresses(sheet), sheet.script()
    street = world.street.write(home.street % world.street.size, sheet.rng.integers(0, 2, len(script)), script)
    house = pa.array(home.house.astype(str))
    line = writing.join(street, house) if world.street_first else writing.join(house, street)
    flat = pa.array((home.unit > 0) & sheet.chance(0.75))
    line = pc.if_else(flat, writing.join(line, pa.array(home.unit.astype(str)), by=" / " if world.street_first else " Apt "), line)
    return {
        "address": line,
        "zip": world.postcode(home.town, home.street),
        "city": world.town.write(home.town % world.town.size, 0, script),
    }


def _values(sheet: Sheet, locals_: pa.Array) -> dict[str, pa.Array]:
    people = sheet.people
    return {
        **_names(sheet),
        **_place(sheet),
        "gender": pa.array(np.where(sheet.of(people.male), "M", "F")),
        "dob": writing.dates(sheet),
        "email": writing.emails(sheet, locals_, first=True),
        "email2": writing.emails(sheet, locals_, first=False),
        "phone": writing.phones(sheet, first=True),
        "phone2": writing.phones(sheet, first=False),
        "national_id": pa.array(np.char.zfill(sheet.of(people.national_id).astype(str), 9)),
    }


def _sheet(people: People, world: World, habit: Habit, rng: np.random.Generator) -> Sheet:
    known = rng.random(people.count) < habit.coverage
    copies = np.where(known, 1 if habit.clean else 1 + rng.poisson(habit.repeats, people.count), 0)
    index = np.repeat(np.arange(people.count), copies)
    time = rng.random(len(index))
    return Sheet(
        people, index, time, np.where(rng.random(len(index)) < habit.stale, time * rng.random(len(index)), time), rng, world, habit
    )


def _write_source(sheet: Sheet, locals_: pa.Array, mix: Mix, noise: float) -> dict[str, pa.Array]:
    habit, rng = sheet.habit, sheet.rng
    values = _values(sheet, locals_)
    written: dict[str, pa.Array] = {}
    for name in COLUMNS:
        if name not in habit.columns:
            written[name] = pa.nulls(len(sheet.index), pa.string())
            continue
        column = values[name].cast(pa.string())
        if name in _FAULTY:
            rate = habit.typos * (0.3 if name in ("email", "national_id") else 1.0)
            column = faults.strike(column, rate, rng, faults.misread if habit.scans else faults.typo)
        elif name.startswith("phone"):
            column = faults.strike(column, habit.typos / 3, rng, faults.typo)
        if name in ("first_name", "middle_name", "last_name", "full_name", "address", "city"):
            column = faults.recase(column, habit.case, rng)
        column = faults.blank(column, habit.columns[name], rng)
        written[name] = faults.placeholders(column, mix.placeholders.get(name, ()), habit.placeholders * noise, rng)
    return written


def _noisier(habit: Habit, noise: float) -> Habit:
    faulty = {name: min(0.5, getattr(habit, name) * noise) for name in ("typos", "nicknames", "initials", "swaps", "dates", "stale")}
    return replace(habit, **faulty)


def chunks(population: Population) -> Iterator[tuple[pa.Table, pa.Table]]:
    """(records, truth) of a chunk of people after the other."""
    world, mix, seed = population.world, population.mix, population.seed
    done = records = 0
    while done < population.people:
        rng = np.random.default_rng((seed, done, 1))
        people = make_people(world, mix.life, min(CHUNK, population.people - done), done, population.people, (seed, done, 0))
        locals_ = writing.local_parts(people, world, exact=done == 0)
        sheets = [_sheet(people, world, _noisier(habit, population.noise), rng) for habit in mix.sources.values()]
        parts = [_write_source(sheet, locals_, mix, population.noise) for sheet in sheets]
        columns = {
            name: pa.chunked_array([part[name] for part in parts], pa.string()).combine_chunks() for name in COLUMNS if _used(mix, name)
        }
        source = np.concatenate([np.full(len(sheet.index), name) for name, sheet in zip(mix.sources, sheets, strict=True)])
        time = np.concatenate([sheet.time for sheet in sheets])
        index = np.concatenate([sheet.index for sheet in sheets])
        day = (np.datetime64("2021-01-01") + (time * 1825).astype("timedelta64[D]")).astype(str)
        order = pa.array(rng.permutation(len(index)))
        ids = pa.array(np.char.add("r", np.arange(records, records + len(index)).astype(str)))
        named = {mix.renamed.get(name, name): column.take(order) for name, column in columns.items()}
        table = pa.table({"record_id": ids, "source": pa.array(source).take(order), "created_at": pa.array(day).take(order), **named})
        yield table, _truth(people, ids, index[order.to_numpy()])
        done += people.count
        records += len(index)


def _used(mix: Mix, column: str) -> bool:
    return any(column in habit.columns for habit in mix.sources.values())


def _truth(people: People, ids: pa.Array, index: np.ndarray) -> pa.Table:
    return pa.table(
        {
            "record_id": ids,
            "entity_id": pa.array(people.person[index].astype(str)),
            "household_id": pa.array(people.household[index].astype(str)),
            "is_twin": pa.array(people.twin[index]),
            "is_junior": pa.array(people.junior[index]),
        }
    )


def write(population: Population, folder: Path) -> int:
    """Write records, truth, mapping and the placeholders that were used into `folder`; return the number of records."""
    folder.mkdir(parents=True, exist_ok=True)
    records = 0
    writers: list[pq.ParquetWriter] = []
    for tables in chunks(population):
        if not writers:
            writers = [
                pq.ParquetWriter(folder / name, table.schema)
                for name, table in zip(("records.parquet", "truth.parquet"), tables, strict=True)
            ]
        for writer, table in zip(writers, tables, strict=True):
            writer.write_table(table)
        records += tables[0].num_rows
    for writer in writers:
        writer.close()
    (folder / "placeholders.yaml").write_text(
        yaml.safe_dump({name: list(values) for name, values in population.mix.placeholders.items()}), encoding="utf-8"
    )
    (folder / "mapping.yaml").write_text(yaml.safe_dump(mapping(population), sort_keys=False, allow_unicode=True), encoding="utf-8")
    return records


_MEANING = {
    "first_name": "given_name",
    "middle_name": "middle_name",
    "last_name": "family_name",
    "full_name": "full_name",
    "gender": "gender",
}


def mapping(population: Population) -> dict[str, object]:
    """The mapping document of the records: what each column means."""
    mix = population.mix
    called = {name: mix.renamed.get(name, name) for name in COLUMNS if _used(mix, name)}
    customer: dict[str, object] = {"source_key": "record_id"}
    customer |= {meaning: called[name] for name, meaning in _MEANING.items() if name in called}
    if population.world.family_first and "full_name" in called:
        customer["full_name"] = {"field": called["full_name"], "order": "family_first"}
    if "dob" in called:
        customer["birth_date"] = {"field": called["dob"], "day_first": True}
    for target, names in (("emails", ("email", "email2")), ("phones", ("phone", "phone2"))):
        fields = [called[name] for name in names if name in called]
        if fields:
            customer[target] = fields
    parts = {part: called[name] for part, name in (("street", "address"), ("postal_code", "zip"), ("city", "city")) if name in called}
    if parts:
        customer["addresses"] = [parts]
    if "national_id" in called:
        customer["identifiers"] = {"national_id": called["national_id"]}
    return {"version": 1, "country": population.world.country, "customer": customer}


def people_for(mix: Mix, records: int) -> int:
    """How many people the sources of `mix` write about `records` records of."""
    return int(records / sum(habit.coverage * (1 if habit.clean else 1 + habit.repeats) for habit in mix.sources.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", choices=sorted(WORLDS), default="us")
    parser.add_argument("--mix", choices=sorted(MIXES), default="company")
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    mix = MIXES[given.mix]
    population = Population(WORLDS[given.world](), mix, people_for(mix, given.records), given.seed, given.noise)
    print(f"{write(population, given.out):,} records in {given.out}")


if __name__ == "__main__":
    main()
