"""A table comes as pages of at most `batch_rows` rows, in order, its memory bounded by a page and not by the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as parquet

from connectors.contract import ConfigError, ContractError, Page, Refused
from connectors.files import delimited, excel, json_rows
from connectors.files.content import as_utf8, opened, survey
from connectors.files.delimited import Dialect, Rows
from connectors.files.locate import Folder, Table

_SAMPLE = 256 << 10
_MOST = 64 << 20
"""Bytes of a page of wide rows, which ends sooner for it."""


@dataclass(frozen=True)
class Reading:
    """How tables are read; None is found from the file."""

    batch_rows: int = 20_000
    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None


def pages(folder: Folder, table: Table, how: Reading) -> Iterator[Page]:
    """The pages of one table; none where it has a header and nothing under it.

    Raises:
        ConfigError: the file is not what it is said to be.
        ContractError: it is empty, or cut short.
    """
    readers = {"csv": _csv, "jsonl": _json, "json": _json, "parquet": _parquet, "excel": _excel}
    yield from readers[table.format](folder, table, how)


def _refuse_empty(empty: bool, table: Table) -> None:
    if empty:
        raise ContractError(f"{table.place}: the file is empty (0 bytes), so its export probably failed. Export it again, or take it away")


def _csv(folder: Folder, table: Table, how: Reading) -> Iterator[Page]:
    try:
        seen = survey(folder, table, how.encoding)
        with opened(folder, table) as raw:
            sample = as_utf8(raw, seen.encoding).read(_SAMPLE).decode("utf-8", "replace")
    except LookupError as error:
        raise ConfigError(f"{table.place}: {error}. Set `encoding` to a name that Python knows, such as utf-8 or cp1252") from None
    _refuse_empty(seen.empty, table)
    if len(sample) >= _SAMPLE // 4 and (end := max(sample.rfind("\n"), sample.rfind("\r"))) > 0:
        sample = sample[: end + 1]
    try:
        dialect = delimited.guess(sample, how.delimiter, how.header)
    except ConfigError as error:
        raise ContractError(f"{table.place}: {error}. Export it again, or take it away") from None
    with ExitStack() as stack:

        def open_again() -> IO[bytes]:
            return as_utf8(stack.enter_context(opened(folder, table)), seen.encoding)

        rows = delimited.read(open_again(), dialect, table.place, seen.odd_quotes, open_again)
        yield from _batches(rows, table.place, how.batch_rows, max(seen.lines - dialect.skip, 0), dialect)


def _batches(parts: Iterator[Rows], place: str, size: int, total: int, dialect: Dialect) -> Iterator[Page]:
    tables: list[pa.Table] = []
    numbers: list[int] = []
    refused: list[Refused] = []
    for part in parts:
        tables.append(part.table)
        numbers.extend(part.numbers)
        refused.extend(part.refused)
        while len(numbers) >= size or (numbers and sum(table.nbytes for table in tables) > _MOST):
            joined = pa.concat_tables(tables)
            yield _page(joined.slice(0, size), numbers[:size], refused, place, total)
            tables, numbers, refused = [joined.slice(size)], numbers[size:], []
    if numbers or refused:
        yield _page(pa.concat_tables(tables), numbers, refused, place, total)


def _page(rows: Any, numbers: Sequence[int], refused: Sequence[Refused], place: str, total: int | None) -> Page:
    first = numbers[0] if numbers else 1
    gapless = not numbers or numbers[-1] - first == len(numbers) - 1
    return Page(rows, place=place, first_row=first, refused=tuple(refused), total=total, row_numbers=None if gapless else tuple(numbers))


def _json(folder: Folder, table: Table, how: Reading) -> Iterator[Page]:
    seen = survey(folder, table, how.encoding)
    _refuse_empty(seen.empty, table)
    with opened(folder, table) as raw:
        text = as_utf8(raw, seen.encoding)
        items = json_rows.lines(text, table.place) if table.format == "jsonl" else json_rows.array(text, table.place)
        total = seen.lines if table.format == "jsonl" else None
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        refused: list[Refused] = []
        for number, value, problem in items:
            if value is None:
                refused.extend([problem] if problem else [])
            else:
                rows.append(value)
                numbers.append(number)
            if len(rows) >= how.batch_rows or len(refused) >= how.batch_rows:
                yield _page(rows, numbers, refused, table.place, total)
                rows, numbers, refused = [], [], []
        if rows or refused:
            yield _page(rows, numbers, refused, table.place, total)


def _parquet(folder: Folder, table: Table, how: Reading) -> Iterator[Page]:
    first = 1
    with opened(folder, table) as raw:
        try:
            file = parquet.ParquetFile(raw)
            for batch in file.iter_batches(how.batch_rows):
                yield _page(pa.Table.from_batches([batch]), range(first, first + batch.num_rows), (), table.place, file.metadata.num_rows)
                first += batch.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise ConfigError(f"{table.place}: no Parquet file, or a broken one ({type(error).__name__}). Write it again") from error


def _excel(folder: Folder, table: Table, how: Reading) -> Iterator[Page]:
    with opened(folder, table) as raw:
        header, body = excel.rows(raw, table.path, table.sheet or "", how.header)
        rows: list[list[str | None]] = []
        numbers: list[int] = []
        for number, cells in body:
            rows.append(cells)
            numbers.append(number)
            if len(rows) >= how.batch_rows:
                yield _page(_columns(rows, header.names), numbers, (), table.place, None)
                rows, numbers = [], []
        if rows:
            yield _page(_columns(rows, header.names), numbers, (), table.place, None)


def _columns(rows: Sequence[Sequence[str | None]], names: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})
