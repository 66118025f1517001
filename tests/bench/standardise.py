"""Standardises generated people once, so that both engines start from the same values.

`customers.parquet` is the table that identity resolution takes. `flat.parquet` is the same with one value a field and names divided, as
Splink wants it, and without the placeholders that the generator knows it wrote: Splink's documentation asks for nulls there, this engine
finds them itself.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from cdp.records.batch import map_batch
from cdp.records.mapping import Mapping

from .writing import join

BATCH = 50_000


def _element(column: pa.ChunkedArray | pa.Array, last: bool = False) -> pa.Array:
    """The first (or last) element of each list, null where there is none."""
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    size = np.asarray(pc.fill_null(pc.list_value_length(lists), 0))
    offsets = np.asarray(lists.offsets)
    place = offsets[1:] - 1 if last else offsets[:-1]
    return lists.values.take(pa.array(place, mask=size == 0))


def flat(customers: pa.Table) -> pa.Table:
    """One text a field: first e-mail, phone and address; a full name divided at its blanks."""
    full = pc.split_pattern_regex(pc.utf8_trim_whitespace(pc.replace_substring(customers["full_name"], ",", " ")), r"\s+")
    words = full.combine_chunks()
    several = pc.greater(pc.fill_null(pc.list_value_length(words), 0), 1)
    given, last = (pc.if_else(several, _element(words, last=end), pa.scalar(None, pa.string())) for end in (False, True))
    address = _element(customers["addresses"])
    street = join(pc.fill_null(pc.struct_field(address, "street"), ""), pc.fill_null(pc.struct_field(address, "house_number"), ""))
    names = [
        pc.utf8_lower(pc.coalesce(customers[name].combine_chunks(), spare))
        for name, spare in (("given_name", given), ("family_name", last))
    ]
    whole = pc.if_else(pc.equal(pc.utf8_length(customers["birth_date"]), 10), customers["birth_date"], pa.scalar(None, pa.string()))
    return pa.table(
        {
            "record_id": customers["record_id"],
            "source": customers["source"],
            "given_name": names[0],
            "family_name": names[1],
            "both_names": pc.binary_join_element_wise(*names, " "),
            "birth_date": whole,
            "email": _element(customers["emails"]),
            "phone": _element(customers["phones"]),
            "street": pc.utf8_lower(pc.if_else(pc.equal(street, ""), None, street)),
            "postal_code": pc.struct_field(address, "postal_code"),
        }
    )


_RAW = {
    "given_name": "first_name",
    "family_name": "last_name",
    "birth_date": "dob",
    "email": "email",
    "phone": "phone",
    "street": "address",
}


def without_placeholders(table: pa.Table, raw: pa.Table, placeholders: dict[str, list[str]]) -> pa.Table:
    """`table` (flat) with nulls where the raw value is a placeholder."""
    for name, column in _RAW.items():
        if column in placeholders and column in raw.column_names:
            held = pc.is_in(raw[column], pa.array(placeholders[column]))
            kept = pc.if_else(held, pa.scalar(None, pa.string()), table[name])
            table = table.set_column(table.column_names.index(name), name, kept)
    both = pc.binary_join_element_wise(table["given_name"], table["family_name"], " ")
    return table.set_column(table.column_names.index("both_names"), "both_names", both)


def main(folder: Path) -> None:
    started = time.perf_counter()
    placeholders = yaml.safe_load((folder / "placeholders.yaml").read_text(encoding="utf-8"))
    stream = Mapping.load(folder / "mapping.yaml").stream("people")
    writers: list[pq.ParquetWriter] = []
    rows = 0
    for batch in pq.ParquetFile(folder / "records.parquet").iter_batches(BATCH):
        raw = pa.Table.from_batches([batch])
        mapped = map_batch(raw, stream)
        assert not mapped.refused, mapped.refused[0]
        customers = mapped.table.append_column("source", raw["source"]).append_column("record_id", raw["record_id"])
        tables = customers, without_placeholders(flat(customers), raw, placeholders)
        if not writers:
            writers = [
                pq.ParquetWriter(folder / name, table.schema)
                for name, table in zip(("customers.parquet", "flat.parquet"), tables, strict=True)
            ]
        for writer, table in zip(writers, tables, strict=True):
            writer.write_table(table)
        rows += raw.num_rows
    for writer in writers:
        writer.close()
    seconds = time.perf_counter() - started
    print(f"standardised {rows:,} records in {seconds:.0f} s ({rows / seconds:,.0f} rows/s, one process)", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
