"""What the connector `sql` is tested on: a real database, in a file of SQLite; `people` is read by its cursor, `visits` whole each time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

from connectors.testing.system import Row, System

_NO_ROLES = "a file of SQLite has no users; PostgreSQL has: tests/connectors/test_sql.py"


class Fake(System):
    """Two tables, which get a column for each field that a check brings."""

    streams = ("people", "visits")
    can = frozenset({"break", "spoil"})
    lacks: ClassVar[Mapping[str, str]] = {
        "http": "a database is asked over one connection: it throttles nothing, and an error is no answer",
        "tokens": _NO_ROLES,
        "credentials": _NO_ROLES,
        "renew": _NO_ROLES,
        "keyless": "the primary key of a table is never null",
        "broken_row": "a table holds rows and nothing else",
        "delete": "rows read by their cursor do not tell what was deleted: see sweep",
        "merge": "a database merges no rows",
        "empty_page": "pages are cut by the connector; the last one ends the read",
        "repeat": "pages come from one server-side cursor, without tokens",
        "zones": "a column has its times in one offset",
        "sweep": "the connector lists no keys of a table that is read whole: that tells what was deleted",
    }

    def __init__(self, clock: Any = None) -> None:
        super().__init__(clock)
        self._path = Path()
        self._columns: dict[str, list[str]] = {name: ["name", "email"] for name in self.streams}
        self._whole = b""
        self._lock: sqlite3.Connection | None = None

    def able(self, stream: str) -> frozenset[str]:
        return self.can | {"delete"} if stream == "visits" else self.can

    @contextmanager
    def serve(self) -> Iterator[Self]:
        with TemporaryDirectory(prefix="cdp-kit-") as folder:
            self._path = Path(folder) / "shop.db"
            for stream in self.streams:
                self._do(f"create table {stream} (id text primary key, name text, email text, changed timestamp not null)")
            yield self
            self.mend()

    def config(self) -> dict[str, Any]:
        streams = {"people": {"table": "people", "cursor": "changed", "kind": "customer"}, "visits": "visits"}
        return {"url": f"sqlite:///{self._path}?timeout=0.05", "streams": streams, "batch_rows": self.page_size}

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        super().put(stream, key, changed, **data)
        row, columns = self.tables[stream][key], self._columns[stream]
        for name, value in row.data.items():
            if name not in columns:
                columns.append(name)
                self._do(f'alter table {stream} add column "{name}" {"json" if isinstance(value, (dict, list)) else "text"}')
        names = ", ".join(f'"{name}"' for name in ("id", "changed", *columns))
        values = [_stored(row.data.get(name)) for name in columns]
        time = row.changed.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        marks = ", ".join("?" * (len(values) + 2))
        self._do(f"insert or replace into {stream} ({names}) values ({marks})", key, time, *values)

    def delete(self, stream: str, key: str) -> None:
        super().delete(stream, key)
        self._do(f"delete from {stream} where id = ?", key)

    def show(self, stream: str, row: Row) -> dict[str, Any]:
        values = {name: row.data.get(name) for name in self._columns[stream]}
        shown = {name: value if isinstance(value, (dict, list)) else _stored(value) for name, value in values.items()}
        return {"id": row.key, "changed": row.changed.astimezone(UTC).replace(tzinfo=None).isoformat(), **shown}

    def spoil(self, stream: str) -> None:
        """What lies there is no database any more."""
        self._whole = self._path.read_bytes()
        self._path.write_bytes(b"<html>person1@example.org</html>" * 1000)

    def break_off(self, stream: str) -> None:
        """Somebody keeps the database for himself."""
        self._lock = sqlite3.connect(self._path, isolation_level=None)
        self._lock.execute("begin exclusive")

    def mend(self) -> None:
        if self._whole:
            self._path.write_bytes(self._whole)
            self._whole = b""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _do(self, statement: str, *values: Any) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("pragma synchronous = off")
            connection.execute(statement, values)


def _stored(value: Any) -> Any:
    """A value as the column holds it: nested ones as JSON, and a number that is longer than 64 bits as text."""
    return value if value is None or isinstance(value, str) else json.dumps(value)
