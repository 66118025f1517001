"""What the connector `files` is tested on: a folder, in it a table and an array that are replaced, and a folder that exports drop into."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self
from unittest import mock

from connectors.files import delimited, json_rows
from connectors.testing.system import Row, System

_DISK = "a file is read from a disk: nothing throttles it, or answers in its place"
_REMOTE = "S3, GCS, Azure and SFTP do: tests/connectors/test_remote_files.py"


class Fake(System):
    """`people.csv` and `orders.json` hold all rows there are; each change of a visit is a file more in `visits/`."""

    streams = ("people", "orders", "visits")
    can = frozenset({"broken_row", "delete", "spoil"})
    lacks: ClassVar[Mapping[str, str]] = {
        "http": _DISK,
        "tokens": f"a folder of this machine asks for no credentials; {_REMOTE}",
        "credentials": f"a folder of this machine asks for no credentials; {_REMOTE}",
        "break": f"a file of this machine does not break off; {_REMOTE}",
        "keyless": "a row is given as the file has it, and the mapping refuses the one without its key",
        "renew": f"a folder of this machine asks for no credentials; {_REMOTE}",
        "merge": "files merge no rows",
        "delete": "files in a folder add up: nothing is taken as deleted unless the stream says `complete`",
        "empty_page": "pages are cut by the connector; a file without rows is none",
        "repeat": "pages are cut by the connector, without tokens",
        "zones": "no time is compared: a file is known by what is in it",
        "sweep": "the connector lists no keys: a table that is read whole tells what was deleted",
    }

    def __init__(self, clock: Any = None) -> None:
        super().__init__(clock)
        self._folder = Path()
        self._columns = ["id", "name", "email", "changed"]
        self._written = 0
        self._broken = False
        self._spoiled: Path | None = None

    def able(self, stream: str) -> frozenset[str]:
        return self.can - {"delete"} | {"empty_page"} if stream == "visits" else self.can

    @contextmanager
    def serve(self) -> Iterator[Self]:
        """The folder; what the connector reads ahead is made smaller than the files of the kit, so that they show what it holds."""
        ahead = mock.patch.object(delimited, "BLOCK", 1 << 14), mock.patch.object(json_rows, "CHUNK", 1 << 17)
        with TemporaryDirectory(prefix="cdp-kit-") as folder, ahead[0], ahead[1]:
            self._folder = Path(folder)
            (self._folder / "visits").mkdir()
            (self._folder / "visits" / "0.jsonl").write_text("\n")
            yield self

    def config(self) -> dict[str, Any]:
        self._replace()
        streams = {"people": "people.csv", "orders": "orders.json", "visits": "visits/*.jsonl"}
        return {"path": str(self._folder), "batch_rows": self.page_size, "key": "id", "streams": streams}

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        super().put(stream, key, changed, **data)
        row = self.tables[stream][key]
        if stream == "people":
            self._columns += [name for name in row.data if name not in self._columns]
        if stream == "visits":
            self._drop(json.dumps(self.show(stream, row)), row.changed)

    def wide(self, stream: str) -> tuple[int, int]:
        return (540, 10_000) if stream == "people" else (27, 400_000)

    def put_broken(self, stream: str) -> None:
        self._broken = True
        if stream == "visits":
            self._drop('{"id": "cut', self.clock.now())

    def show(self, stream: str, row: Row) -> dict[str, Any]:
        shown = {"id": row.key, **row.data, "changed": self.stamp(row.changed)}
        if stream != "people":
            return shown
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in shown.items()}
        return {**dict.fromkeys(self._columns, ""), **texts}

    def spoil(self, stream: str) -> None:
        """The export failed: an empty file, or what a proxy says in place of the data."""
        self._replace()
        names = {"people": "people.csv", "orders": "orders.json", "visits": "visits/99999999.jsonl"}
        self._spoiled = self._folder / names[stream]
        self._spoiled.write_text("<html>person1@example.org is not there</html>" if stream == "orders" else "")

    def mend(self) -> None:
        if self._spoiled is not None:
            self._spoiled.unlink()
        self._spoiled = None

    def _drop(self, line: str, changed: datetime) -> None:
        """One export more, named by its time as exports are, so that one that comes late lies before others."""
        self._written += 1
        path = self._folder / "visits" / f"{changed:%Y%m%dT%H%M%S}-{self._written:06}.jsonl"
        path.write_text(line + "\n", "utf-8")
        os.utime(path, (changed.timestamp(), changed.timestamp()))

    def _replace(self) -> None:
        """Write what is replaced as a whole, where nothing is spoiled; with `empty_page`, an export without rows into the folder."""
        if self._spoiled is not None:
            return
        people, orders = (list(self.truth(stream).values()) for stream in ("people", "orders"))
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, self._columns)
        writer.writeheader()
        writer.writerows(people[:1])
        broken: list[Any] = ["no row"] if self._broken else []
        table.write("too,few\r\n" if self._broken else "")
        writer.writerows(people[1:])
        (self._folder / "people.csv").write_bytes(table.getvalue().encode())
        (self._folder / "orders.json").write_text(json.dumps([*orders[:1], *broken, *orders[1:]]), "utf-8")
        exports = sorted((self._folder / "visits").glob("*.jsonl"))
        if self.empty_page:
            exports[len(exports) // 2].with_name("20260601-none.jsonl").write_text("\n")
