"""Cells of a sheet come as strings under one header row; a merged cell gives its value to every cell it covers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

from connectors.contract import ConfigError
from connectors.files.names import unique

Row = tuple[int, list[str | None]]
"""Number of the row in the sheet, and its cells."""

_LOOK = 20
"""Rows that may come before and with the header."""
_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}


@dataclass(frozen=True)
class Merge:
    """A rectangle of cells that shows the value of its first; rows and columns count from 1."""

    column: int
    row: int
    last_column: int
    last_row: int


@dataclass(frozen=True)
class Header:
    """The names of the columns, and the row under them."""

    names: tuple[str, ...]
    first_row: int


def _open(raw: IO[bytes], path: str) -> Any:
    try:
        return load_workbook(raw, read_only=True, data_only=True)
    except (BadZipFile, KeyError, OSError, ValueError) as error:
        raise ConfigError(f"{path}: no Excel workbook, or a broken one ({type(error).__name__}). Save it as .xlsx") from error


def sheet_names(raw: IO[bytes], path: str) -> list[str]:
    """Visible sheets that hold something.

    Raises:
        ConfigError: the file is no workbook.
    """
    book = _open(raw, path)
    try:
        return [
            sheet.title
            for sheet in book.worksheets
            if sheet.sheet_state == "visible" and any(_filled(row) for row in islice(sheet.values, _LOOK))
        ]
    finally:
        book.close()


def rows(raw: IO[bytes], path: str, sheet: str, header: bool | None) -> tuple[Header, Iterator[Row]]:
    """The header of a sheet, and its rows as wide as the header.

    Raises:
        ConfigError: the file is no workbook, or the sheet has no header row.
    """
    book = _open(raw, path)
    page = book[sheet]
    page.reset_dimensions()
    merges = _merges(raw, page._worksheet_path)
    values = _spread(((number, [text(cell) for cell in row]) for number, row in enumerate(page.values, 1)), merges)
    head = list(islice(values, _LOOK))
    found = _header(head, merges, f"{path} [{sheet}]", header)
    return found, _body(head, values, found)


def _body(head: Sequence[Row], rest: Iterator[Row], header: Header) -> Iterator[Row]:
    width = len(header.names)
    for part in (head, rest):
        for number, cells in part:
            if number >= header.first_row and _filled(cells):
                yield number, [*cells[:width], *[None] * (width - len(cells))]


def text(value: Any) -> str | None:
    """A cell as text: dates and times ISO 8601, whole numbers without a point, formula errors as nothing."""
    if value is None or value in _ERRORS:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep="T")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(Decimal(repr(value)), "f")
    return str(value)


def _filled(cells: Sequence[Any]) -> int:
    return sum(1 for cell in cells if cell not in (None, ""))


def _merges(raw: IO[bytes], part: str) -> list[Merge]:
    """Merged ranges of a sheet, found in its XML without building it (the read-only reader leaves them out)."""
    found: list[Merge] = []
    with ZipFile(raw) as archive, archive.open(part.lstrip("/")) as xml:
        tail = b""
        while chunk := xml.read(1 << 20):
            data = tail + chunk
            cut = data.rfind(b"<")
            for match in re.finditer(rb"<(?:\w+:)?mergeCell [^>]*?ref=\"([A-Z]+\d+:[A-Z]+\d+)\"", data[:cut] if cut > 0 else data):
                column, row, last_column, last_row = (int(bound or 0) for bound in range_boundaries(match.group(1).decode("ascii")))
                found.append(Merge(column, row, last_column, last_row))
            tail = data[cut:] if cut > 0 else b""
    return sorted(found, key=lambda merge: (merge.row, merge.column))


def _spread(values: Iterator[Row], merges: Sequence[Merge]) -> Iterator[Row]:
    waiting, active = list(reversed(merges)), list[tuple[Merge, str | None]]()
    for number, cells in values:
        while waiting and waiting[-1].row <= number:
            merge = waiting.pop()
            active.append((merge, cells[merge.column - 1] if merge.column <= len(cells) else None))
        for merge, value in active:
            cells.extend([None] * (merge.last_column - len(cells)))
            for column in range(merge.column - 1, merge.last_column):
                cells[column] = value
        active = [(merge, value) for merge, value in active if merge.last_row > number]
        yield number, cells


def _header(head: Sequence[Row], merges: Sequence[Merge], place: str, header: bool | None) -> Header:
    filled = [(number, cells) for number, cells in head if _filled(cells)]
    if not filled:
        raise ConfigError(f"{place}: the sheet is empty")
    if header is False:
        width = max(len(cells) for _, cells in filled)
        return Header(tuple(f"column_{i}" for i in range(1, width + 1)), filled[0][0])
    widest = max(len(set(cells) - {None, ""}) for _, cells in filled)
    number, cells = next((n, c) for n, c in filled if len(set(c) - {None, ""}) * 2 > widest)
    below = next((c for n, c in head if n == number + 1), [])
    if _two_rows(number, cells, below, merges):
        names = [_joined(upper, below[i] if i < len(below) else None) for i, upper in enumerate(cells)]
        return Header(_unique(names), number + 2)
    return Header(_unique([cell or "" for cell in cells]), number + 1)


def _two_rows(number: int, cells: Sequence[str | None], below: Sequence[str | None], merges: Sequence[Merge]) -> bool:
    """Whether the row under the header belongs to it: a name reaches down into it, or it holds names only under a merged name."""
    here = [merge for merge in merges if merge.row == number]
    if any(merge.last_row == number + 1 for merge in here):
        return True
    wide = {column for merge in here if merge.last_column > merge.column for column in range(merge.column, merge.last_column + 1)}
    under = {i + 1 for i, cell in enumerate(below) if cell}
    return bool(wide) and bool(under) and under <= wide and len(wide) < _filled(cells)


def _joined(upper: str | None, lower: str | None) -> str:
    parts = [part.strip() for part in (upper, lower) if part and part.strip()]
    return parts[0] if len(set(parts)) == 1 else " ".join(parts)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    while names and not names[-1]:
        names = names[:-1]
    return unique(names)
