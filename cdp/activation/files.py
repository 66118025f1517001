"""Files appear under their names when they are complete: `NAME-000012-full.csv`, later `-add` and `-remove`, by the number of the delivery.

Removals are meant to be applied before additions. A delivery that was cut off writes the same names again.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping, Sequence
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp.activation import sftp
from cdp.activation.channels import Change, Rows
from cdp.activation.columns import each, flat
from cdp.activation.definition import secret
from cdp.activation.errors import DestinationConfig, Undelivered
from cdp.activation.formats import Columns
from cdp.activation.values import formula_safe

_SPECIAL = '[",\r\n]'


class FileChannel:
    """One file of additions and one of removals, in a folder or at any URL that fsspec opens."""

    whole = True
    batch = 1_000_000

    def __init__(self, settings: Mapping[str, Any], name: str, delivery: int, full: bool) -> None:
        self.kind: str = settings.get("type", "csv")
        self.safe = settings.get("mode") == "people"
        where = f"destination {name}"
        given = {key: secret(value, where) if isinstance(value, str) else value for key, value in settings.get("options", {}).items()}
        options = sftp.options(settings["path"], given, where)
        if settings["path"].startswith(("gs://", "gcs://")):  # before its import: it asks for the kind of a bucket by gRPC, a minute a call
            os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # where only HTTPS passes
        try:
            self.fs, self.folder = fsspec.core.url_to_fs(settings["path"], **options)
            self.fs.makedirs(self.folder, exist_ok=True)
        except Exception as error:  # each file system has errors of its own
            raise DestinationConfig(f"{where}: the folder {settings['path']!r} cannot be used ({type(error).__name__}: {error})") from error
        stem = f"{name}-{delivery:06}"
        self.names = {Change.REMOVED: f"{stem}-remove.{self.kind}", Change.ADDED: f"{stem}-{'full' if full else 'add'}.{self.kind}"}
        self.open: dict[Change, Writer] = {}

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """Write the rows; an update is an addition."""
        change = Change.REMOVED if rows.change is Change.REMOVED else Change.ADDED
        columns = tuple((header, each(column, formula_safe)) for header, column in rows.columns) if self.safe else rows.columns
        try:
            if change not in self.open:
                handle = self.fs.open(self._part(change), "wb")
                self.open[change] = CsvWriter(handle, for_people=self.safe) if self.kind == "csv" else ParquetWriter(handle)
            self.open[change].write(columns)
        except Exception as error:  # each file system has errors of its own
            raise Undelivered(f"{self.names[change]} cannot be written ({type(error).__name__}: {error})") from error
        return {}

    def finish(self) -> Sequence[str]:
        """Give the files their names."""
        made = []
        for change in (Change.REMOVED, Change.ADDED):
            if change in self.open:
                self.open[change].close()
                final = f"{self.folder}/{self.names[change]}"
                self.fs.mv(self._part(change), final)
                made.append(final)
        return made

    def abandon(self) -> None:
        """Delete what was begun."""
        for change, writer in self.open.items():
            writer.close()
            if self.fs.exists(self._part(change)):
                self.fs.rm(self._part(change))

    def _part(self, change: Change) -> str:
        return f"{self.folder}/.{self.names[change]}.part"


class Writer:
    def __init__(self, handle: IO[bytes]) -> None:
        self.handle = handle

    def write(self, columns: Columns) -> None:
        raise NotImplementedError

    def close(self) -> None:
        if not self.handle.closed:
            self.handle.close()


class CsvWriter(Writer):
    """RFC 4180 with line feeds: a cell is quoted where it must be, nulls are empty.

    Args:
        for_people: begin with a byte order mark, without which Excel reads `Jörg` as `JÃ¶rg`.
    """

    def __init__(self, handle: IO[bytes], *, for_people: bool = False) -> None:
        super().__init__(handle)
        self.begun = False
        self.mark = codecs.BOM_UTF8 if for_people else b""

    def write(self, columns: Columns) -> None:
        if not self.begun:
            self.handle.write(self.mark + (",".join(header for header, _ in columns) + "\n").encode())
            self.begun = True
        cells = [_quoted(flat(column)) for _, column in columns]
        if len(cells[0]) == 0:
            return
        lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
        whole = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
        self.handle.write(pc.binary_join(whole, "\n")[0].as_buffer())
        self.handle.write(b"\n")


def _quoted(column: pa.Array) -> pa.Array:
    special = pc.fill_null(pc.match_substring_regex(column, _SPECIAL), False)
    if not pc.any(special).as_py():
        return column
    return pc.if_else(special, pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', ""), column)


class ParquetWriter(Writer):
    """A repeated header gets a number, since Parquet wants each name once."""

    writer: pq.ParquetWriter | None = None

    def write(self, columns: Columns) -> None:
        table = pa.table([column for _, column in columns], names=unique([header for header, _ in columns]))
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.handle, table.schema)
        self.writer.write_table(table)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        super().close()


def unique(headers: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    made = []
    for header in headers:
        seen[header] = seen.get(header, 0) + 1
        made.append(header if seen[header] == 1 else f"{header}_{seen[header]}")
    return made
