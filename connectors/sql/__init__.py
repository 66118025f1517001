"""SQL databases: a stream is a table or a query; with a cursor column only rows at or behind the bookmark, less an overlap, are read.

The cursor is inclusive, because rows share a time, and the overlap re-reads what committed late. A stream without a cursor is read
whole each time and is `complete`. Rows come through a server-side cursor, so memory is that of one page.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, NoSuchTableError, OperationalError

from cdp.records.rows import Rows
from connectors.contract import AuthError, ConfigError, ContractError, Json, Page, Present, SourceError, Stream, Unavailable
from connectors.sql.arrow import table_of

_STREAM: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "table": {"type": "string", "minLength": 1, "description": "name, or schema.name"},
        "query": {"type": "string", "minLength": 1, "description": "a SELECT without ORDER BY"},
        "key": {"type": "string", "description": "column that identifies a row; the primary key if not set"},
        "cursor": {"type": "string", "description": "column that grows when a row is written: a time or a number"},
        "overlap": {
            "type": "number",
            "minimum": 0,
            "description": "re-read this far behind: seconds for times (default 300), else steps (default 0)",
        },
        "kind": {"enum": ["customer", "interaction"]},
    },
    "oneOf": [{"required": ["table"]}, {"required": ["query"]}],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class _Select:
    """What one stream reads."""

    name: str
    rows: sa.FromClause
    key: str | None
    cursor: str | None
    overlap: float | None
    kind: str | None


class SqlSource:
    """Tables and queries of any database that SQLAlchemy has a dialect for."""

    config_schema: ClassVar[Mapping[str, Any]] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "url": {"type": "string", "minLength": 1, "description": "SQLAlchemy URL, such as postgresql+psycopg://reader@host/shop"},
            "password": {"type": "string", "description": "kept out of the URL: env:NAME"},
            "streams": {
                "type": "object",
                "description": "stream name -> table name, or table/query with key, cursor, overlap; every table if not set",
                "additionalProperties": {"oneOf": [{"type": "string", "minLength": 1}, _STREAM]},
            },
            "schema": {"type": "string", "description": "database schema of the tables"},
            "batch_rows": {"type": "integer", "minimum": 1, "default": 20_000},
        },
        "required": ["url"],
        "additionalProperties": False,
    }

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._url = _url(config)
        self._engine: Engine | None = None
        self._batch: int = config.get("batch_rows", 20_000)

    def streams(self) -> Sequence[Stream]:
        """The declared tables and queries, or every table there is; one that the database refuses says so when it is read.

        Raises:
            ConfigError: the database refuses every one.
            AuthError, Unavailable: the database does not let in, or does not answer.
        """
        with self._connection() as connection:
            names = self._names(connection)
        found = {name: self._described(name) for name in names}
        wrong = [error for error in found.values() if isinstance(error, ConfigError)]
        if wrong and len(wrong) == len(found):
            raise wrong[0]
        return [Stream(name, complete=False) if isinstance(one, ConfigError) else one for name, one in found.items()]

    def _described(self, name: str) -> Stream | ConfigError:
        try:
            with self._connection() as connection:
                select = self._select(connection, name)
        except ConfigError as error:
            return error
        return Stream(select.name, kind=select.kind, key=select.key, complete=select.cursor is None)

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        """Rows of a stream, by its cursor; the bookmark is the greatest cursor value given so far."""
        with self._connection() as connection:
            select = self._select(connection, stream)
            yield from _pages(connection, select, bookmark, self._batch, self._place(select.name))

    def keys(self, stream: str) -> Present | None:
        """Every key of a stream that is read by its cursor, which tells of no deletion; None of one that is read whole, or has no key."""
        with self._connection() as connection:
            select = self._select(connection, stream)
        return Present(self._keys(select)) if select.cursor and select.key else None

    def _keys(self, select: _Select) -> Iterator[list[str]]:
        column = select.rows.c[select.key or ""]
        with self._connection() as connection:
            result = connection.execution_options(stream_results=True, yield_per=self._batch).execute(sa.select(column))
            for part in result.partitions(self._batch):
                keys = Rows(table_of(part, [column.key], _types(select.rows))).texts(column.key)
                yield [key.strip() for key in keys.to_pylist() if key is not None]

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if self._engine is None:
            try:
                self._engine = sa.create_engine(self._url, poolclass=sa.NullPool)
            except (NoSuchModuleError, ModuleNotFoundError) as error:
                raise ConfigError(f"{self._where}: no driver for {self._url.drivername} ({error}). Install its package") from error
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise _named(error, self._where) from None

    def _names(self, connection: Connection) -> list[str]:
        declared = self._config.get("streams")
        return list(declared) if declared else sorted(sa.inspect(connection).get_table_names(self._config.get("schema")))

    def _select(self, connection: Connection, name: str) -> _Select:
        declared = self._config.get("streams")
        if declared and name not in declared:
            raise ConfigError(f"{self._where}: no stream {name!r}; there are {', '.join(declared)}")
        entry = declared[name] if declared else name
        options: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"table": entry}
        rows: sa.FromClause
        if "query" in options:
            rows, primary = _query(connection, options["query"], self._place(name)), None
        else:
            rows, primary = self._table(connection, options["table"])
        select = _Select(name, rows, options.get("key") or primary, options.get("cursor"), options.get("overlap"), options.get("kind"))
        for column in (select.key, select.cursor):
            if column is not None and column not in rows.c:
                raise ConfigError(f"{self._place(name)}: no column {column!r}; there are {', '.join(rows.c.keys())}")
        return select

    def _table(self, connection: Connection, name: str) -> tuple[sa.Table, str | None]:
        schema, _, table = name.rpartition(".")
        try:
            found = sa.Table(table, sa.MetaData(), schema=schema or self._config.get("schema"), autoload_with=connection)
        except NoSuchTableError:
            known = ", ".join(sa.inspect(connection).get_table_names(schema or self._config.get("schema")))
            raise ConfigError(f"{self._where}: no table {name!r}; there are {known or 'none'}") from None
        keys = [column.name for column in found.primary_key]
        return found, keys[0] if len(keys) == 1 else None

    @property
    def _where(self) -> str:
        return f"{self._url.host or self._url.get_backend_name()}/{self._url.database or ''}"

    def _place(self, name: str) -> str:
        return f"{self._where} {name}"


def _url(config: Mapping[str, Any]) -> URL:
    try:
        url = make_url(config["url"])
    except ArgumentError:
        raise ConfigError("url: no SQLAlchemy URL. Write dialect+driver://user@host:port/database") from None
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith("file:") and not Path(url.database).exists():
        raise ConfigError(f"{url.database}: no such file. Check `url` of the source")
    return url.set(password=config["password"]) if config.get("password") else url


def _query(connection: Connection, query: str, place: str) -> sa.FromClause:
    """A query as something to select from, its columns asked of the database."""
    text = query.strip().rstrip(";").replace(":", "\\:")
    names = list(connection.execute(sa.text(f"select * from ({text}) q where 1 = 0")).keys())
    if len(set(names)) != len(names):
        raise ConfigError(f"{place}: the query gives two columns of one name. Name each with AS")
    return sa.text(text).columns(*(sa.column(name) for name in names)).subquery("q")


def _pages(connection: Connection, select: _Select, bookmark: Json, size: int, place: str) -> Iterator[Page]:
    query: sa.Select[Any] = sa.select(*select.rows.c)
    column = select.rows.c[select.cursor] if select.cursor else None
    greatest = _from_json(bookmark["cursor"]) if isinstance(bookmark, dict) and column is not None else None
    if column is not None:
        empty = column.is_(None) if getattr(column, "nullable", True) else None
        if greatest is not None:
            behind = _from(column, _behind(greatest, select.overlap), connection.dialect.name)
            query = query.where(behind if empty is None else sa.or_(behind, empty))
        query = query.order_by(*([] if empty is None else [sa.case((empty, 0), else_=1)]), column)
    elif select.key:
        query = query.order_by(select.rows.c[select.key])
    result = connection.execution_options(stream_results=True, yield_per=size).execute(query)
    names, types, first = list(result.keys()), _types(select.rows), 1
    for part in result.partitions(size):
        mark: Json = None
        if select.cursor is not None:
            last = part[-1][names.index(select.cursor)]
            greatest = greatest if last is None else last
            mark = None if greatest is None else {"cursor": _to_json(greatest)}
        yield Page(table_of(part, names, types), bookmark=mark, place=place, first_row=first)
        first += len(part)


def _types(rows: sa.FromClause) -> dict[str, type]:
    found: dict[str, type] = {}
    for column in rows.c:
        with suppress(NotImplementedError):
            found[column.key] = column.type.python_type
    return found


def _from(column: sa.ColumnElement[Any], value: Any, dialect: str) -> sa.ColumnElement[bool]:
    """At or behind `value`. SQLite keeps times as text, with fractions or without: the shortest form comes before them all."""
    if dialect == "sqlite" and isinstance(value, datetime):
        return sa.type_coerce(column, sa.String) >= value.strftime("%Y-%m-%d %H:%M:%S")
    return column >= sa.literal(value, column.type)


def _behind(value: Any, overlap: float | None) -> Any:
    if isinstance(value, datetime):
        return value - timedelta(seconds=300 if overlap is None else overlap)
    if isinstance(value, date):
        return value - max(timedelta(seconds=overlap or 0), timedelta(days=1))
    if overlap and isinstance(value, (int, float, Decimal)):
        return value - Decimal(str(overlap)) if isinstance(value, Decimal) else value - overlap
    return value


def _to_json(value: Any) -> Json:
    for name, (kind, write, _) in _CURSORS.items():
        if isinstance(value, kind):
            return {name: write(value)}
    return value if isinstance(value, (int, float, str)) else str(value)


def _from_json(value: Json) -> Any:
    if isinstance(value, dict):
        ((name, text),) = value.items()
        return _CURSORS[name][2](text)
    return value


_CURSORS: Mapping[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "decimal": (Decimal, str, Decimal),
}
"""What JSON has no type for: name in the bookmark -> type, and to and from text."""


def _named(error: DBAPIError, where: str) -> SourceError:
    cause, text = type(error.orig).__name__, str(error.orig).lower()
    first = text.splitlines()[0] if text else ""
    if any(sign in text for sign in ("password", "authentication", "access denied", "permission denied", "login failed")):
        return AuthError(
            f"{where}: the database refuses the user ({cause}). Check the user, `password`, and its right to read these tables"
        )
    syntax = isinstance(error.orig, sqlite3.OperationalError) and any(sign in text for sign in ("no such", "syntax", "misuse"))
    if not syntax and (isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated):
        return Unavailable(f"{where}: the database does not answer, or broke off ({cause}). What was read is kept; try again when it is up")
    if any(sign in text for sign in ("not a database", "malformed")):
        return ContractError(f"{where}: the file is no database, or a broken one ({cause}). Fetch it again, or restore it")
    return ConfigError(f"{where}: the database refuses the query ({cause}: {first}). Correct `streams`")
