"""What the connector `singer` is tested on: a small tap, which is a process of its own and keeps to the Singer specification by itself.

`people` is read by a position in the order of writing, `visits` whole each time. Taps from PyPI run in `tests/connectors/test_singer.py`
and `test_hubspot.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

from connectors.testing.system import Row, System

_TAP = '''#!{python} -IS
"""A tap: `--config` names a file of rows, which is its source."""
import json, sys

options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
config = json.load(open(options["--config"]))
source = json.load(open(config["source"]))
said = "no entry for person1@example.org with " + config["token"]


def tell(**message):
    sys.stdout.write(json.dumps(message) + "\\n")


if source["secret"] != config["token"]:
    sys.exit("401 Unauthorized: " + said)
if source["trouble"] == "spoil":
    sys.exit(print("<html>" + said + "</html>"))
if "--discover" in sys.argv:
    methods = {{"people": "INCREMENTAL", "visits": "FULL_TABLE"}}
    same = {{"key_properties": ["id"], "schema": {{}}}}
    found = [{{"tap_stream_id": name, "replication_method": way, **same}} for name, way in methods.items()]
    sys.exit(print(json.dumps({{"streams": found}})))
(name,) = (each["tap_stream_id"] for each in json.load(open(options["--catalog"]))["streams"] if each["selected"])
place = json.load(open(options["--state"]))["place"] if "--state" in options else 0
tell(type="SCHEMA", stream=name, schema={{}}, key_properties=["id"])
given = 0
for row in source["rows"][name]:
    if name == "people" and row["place"] <= place:
        continue
    if "broken" in row:
        print("no message, " + said)
        continue
    if source["trouble"] == "break" and given == 2:
        sys.exit("RuntimeError: " + said)
    tell(type="RECORD", stream=name, record=row)
    given += 1
    if name == "people" and given % config["page"] == 0:
        tell(type="STATE", value={{"place": row["place"]}})
if name == "people" and given:
    tell(type="STATE", value={{"place": row["place"]}})
'''


class Fake(System):
    """The rows are in a file that the tap reads; each write gives a row the next place."""

    streams = ("people", "visits")
    can = frozenset({"break", "broken_row", "credentials", "spoil"})
    lacks: ClassVar[Mapping[str, str]] = {
        "http": "the tap speaks with its source by itself, and waits and tries again by itself",
        "tokens": "the tap speaks with its source by itself; that it was refused is its end (see credentials)",
        "keyless": "a record is given as the tap wrote it, and the mapping refuses the one without its key",
        "delete": "what a tap reads by its state does not tell what was deleted",
        "merge": "Singer has no message for a merge",
        "empty_page": "a page is what lies between two states; one without records is not given",
        "repeat": "the tap turns the pages of its source by itself",
        "zones": "the tap compares the times by itself",
        "sweep": "Singer has no list of keys",
    }

    def __init__(self, clock: Any = None) -> None:
        super().__init__(clock)
        self._folder = Path()
        self._trouble = ""
        self._places: dict[tuple[str, str], int] = {}
        self._broken: dict[str, int] = {}
        self._last = 0

    def able(self, stream: str) -> frozenset[str]:
        return self.can | {"delete"} if stream == "visits" else self.can

    @contextmanager
    def serve(self) -> Iterator[Self]:
        with TemporaryDirectory(prefix="cdp-kit-") as folder:
            self._folder = Path(folder)
            tap = self._folder / "tap-kit"
            tap.write_text(_TAP.format(python=sys.executable), "utf-8")
            tap.chmod(0o700)
            yield self

    def config(self) -> dict[str, Any]:
        self._write()
        config = {"source": str(self._folder / "source.json"), "token": self.secret, "page": self.page_size}
        return {"tap": str(self._folder / "tap-kit"), "config": config, "batch_rows": self.page_size}

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        super().put(stream, key, changed, **data)
        self._last += 1
        self._places[stream, key] = self._last

    def put_broken(self, stream: str) -> None:
        self._last += 1
        self._broken[stream] = self._last

    def show(self, stream: str, row: Row) -> dict[str, Any]:
        return {"id": row.key, **row.data, "place": self._places[stream, row.key]}

    def spoil(self, stream: str) -> None:
        self._trouble = "spoil"

    def break_off(self, stream: str) -> None:
        self._trouble = "break"

    def mend(self) -> None:
        self._trouble, self.revoked = "", False

    def troubles(self, stream: str) -> Iterator[None]:
        yield from super().troubles(stream)
        self.revoked = True
        yield
        self.mend()

    def _write(self) -> None:
        rows: dict[str, list[dict[str, Any]]] = {stream: list(self.truth(stream).values()) for stream in self.streams}
        for stream, place in self._broken.items():
            rows[stream].append({"broken": True, "place": place})
        for listed in rows.values():
            listed.sort(key=lambda row: int(row["place"]))
        secret = None if self.revoked else self.secret
        (self._folder / "source.json").write_text(json.dumps({"secret": secret, "trouble": self._trouble, "rows": rows}), "utf-8")
