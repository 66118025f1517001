"""A mapped row is a line of COPY's text format: made once, where it is mapped, and from there to the database it is only bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.ingest.target import StreamTarget
from cdp.records import canonical_json
from cdp.records.buffers import may_hold

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NULL = "\\N"


@dataclass(frozen=True)
class Landed:
    """Mapped rows ready to be written.

    Attributes:
        lines: of the columns of the target, each with its line break.
        issues: the values of each row that have no standard form.
    """

    lines: pa.Array
    issues: pa.Array

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, rows: np.ndarray) -> Landed:
        """The rows at these numbers, ascending."""
        if len(rows) == len(self):
            return self
        chosen = pa.array(rows)
        return Landed(self.lines.take(chosen), self.issues.take(chosen))

    def raw(self, row: int, target: StreamTarget) -> str:
        """The row as its source wrote it, as JSON text."""
        cell: str = self.lines[row].as_py().rstrip("\n").split("\t")[target.columns.index("raw")]
        return cell.replace("\\\\", "\\")  # JSON escapes every other character that a line would


def landed(target: StreamTarget, table: pa.Table, raw: pa.Array, hashes: pa.Array) -> Landed:
    """Canonical rows with the raw JSON and the fingerprint of each; the bytes of all of them are at most 2 GB."""
    canonical = canonical_json(
        table.select(sorted(table.column_names, key=lambda name: (len(name), name)))
    )  # as JSONB has them: no sorting
    constants = "\t".join((str(target.source_id), _escaped(target.stream), str(target.run_id)))
    cells = [table["source_key"].combine_chunks(), raw, canonical, hashes, *(_cell(table[name].combine_chunks()) for name in target.typed)]
    pieces = [piece for cell in cells for piece in ("\t", _escaped_all(cell))]
    lines = pc.binary_join_element_wise(constants, *pieces, "\n", "", null_handling="replace", null_replacement=_NULL)
    return Landed(lines, table["issues"].combine_chunks())


def _cell(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return pc.binary_join_element_wise(column.cast(pa.timestamp("us")).cast(pa.string()), "Z", "")
    return column


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


def _escaped_all(column: pa.Array) -> pa.Array:
    for sign, escape in _ESCAPES.items():
        if may_hold(column, sign.encode()):
            column = pc.replace_substring(column, sign, escape)
    return column
