"""CSV: every record of the file is either a row of a table of strings or a `Refused` with its number; none is lost.

The fast way is Arrow's reader. A file that it cannot cut into records (a stray quote, a cell longer than a block) is read on from
that record by the slow way, which gives up a broken line and keeps the lines after it.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from connectors.contract import ConfigError, Refused
from connectors.files.names import unique

BLOCK = 1 << 20
"""Arrow reads 32 blocks ahead; a row that is longer than one is read the slow way."""
LONGEST = 32 << 20
"""A record longer than this has a quote that never closes."""

_DELIMITERS = (",", ";", "\t", "|")
_VALUE = re.compile(r"^[-+]?[\d.,:/ ]*\d[\d.,:/ ]*$|@|^\d{4}-\d\d-\d\d")

csv.field_size_limit(2 * LONGEST)


@dataclass(frozen=True)
class Dialect:
    """How a file is cut: `skip` records (title, header) come before the first row."""

    delimiter: str
    columns: tuple[str, ...]
    skip: int


@dataclass(frozen=True)
class Rows:
    """Part of a table: rows, the number of each, and what was refused up to the last of them."""

    table: pa.Table
    numbers: Sequence[int]
    refused: Sequence[Refused] = field(default_factory=tuple)


def guess(sample: str, delimiter: str | None, header: bool | None) -> Dialect:
    """Find the delimiter and the header in the first lines of a file (whole lines only).

    Raises:
        ConfigError: there is not one record in it.
    """
    skip = 0
    if marked := re.match(r"sep=(.)\r?\n", sample):
        delimiter, skip, sample = delimiter or marked.group(1), 1, sample[marked.end() :]
    best = delimiter or max(_DELIMITERS, key=lambda sign: _consistency(sample, sign))
    records = _records(sample, best)
    if not records:
        raise ConfigError("it holds no record, only blank lines")
    has_header = _looks_like_header(records) if header is None else header
    first = records[0]
    names = first if has_header else [""] * len(first)
    return Dialect(best, unique(names), skip + has_header)


def _records(sample: str, delimiter: str) -> list[list[str]]:
    return [record for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if record][:200]


def _consistency(sample: str, delimiter: str) -> tuple[float, int]:
    """Share of records as wide as the widest common one; a delimiter that cuts nothing is worth nothing."""
    widths = [len(record) for record in _records(sample, delimiter)]
    if not widths:
        return 0.0, 0
    common = max(set(widths), key=lambda width: (widths.count(width), width))
    return (widths.count(common) / len(widths) if common > 1 else 0.0), common


def _looks_like_header(records: Sequence[Sequence[str]]) -> bool:
    first = [cell.strip() for cell in records[0]]
    filled = [cell for cell in first if cell]
    if not filled or any(_VALUE.search(cell) for cell in filled):
        return False
    return tuple(records[0]) not in {tuple(record) for record in records[1:]}


def read(raw: IO[bytes], dialect: Dialect, place: str, slow: bool, reopen: Any) -> Iterator[Rows]:
    """Rows of a UTF-8 stream; `reopen()` gives the stream from its start again, where the slow way must take over."""
    number = dialect.skip + 1
    if not slow:
        fast = _Fast(raw, dialect, place)
        yield from fast
        if fast.done:
            return
        number = fast.number
        raw = reopen()
    yield from _slowly(raw, dialect, place, number)


class _Until:
    """A stream that is at its end from `end` on: Arrow reads ahead in threads of its own, which must not outlive the file."""

    closed = False

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._lock, self._ended = raw, Lock(), False

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        with self._lock:
            return b"" if self._ended else self._raw.read(size)

    def end(self) -> None:
        """Nothing is read any more, and nobody is reading."""
        with self._lock:
            self._ended = True

    def close(self) -> None:
        """The file is closed by who opened it."""


class _Fast:
    """Arrow's reader. `done` tells whether it came to the end; if not, the record `number` is the first not given."""

    def __init__(self, raw: IO[bytes], dialect: Dialect, place: str) -> None:
        self.number = dialect.skip + 1
        self.done = False
        self._raw = raw
        self._dialect = dialect
        self._place = place
        self._invalid: deque[tuple[int, str, int]] = deque()

    def _note(self, row: arrow_csv.InvalidRow) -> str:
        if "\n" in row.text.rstrip("\r\n") or "\r" in row.text.rstrip("\r\n"):
            return "error"
        self._invalid.append((row.number, row.text, row.actual_columns))
        return "skip"

    def __iter__(self) -> Iterator[Rows]:
        columns = list(self._dialect.columns)
        source = _Until(self._raw)
        reader: Iterator[pa.RecordBatch] = iter(())
        try:
            reader = arrow_csv.open_csv(
                source,
                arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=columns, skip_rows=self._dialect.skip),
                arrow_csv.ParseOptions(delimiter=self._dialect.delimiter, newlines_in_values=True, invalid_row_handler=self._note),
                arrow_csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.binary()), strings_can_be_null=False),
            )
            for batch in reader:
                yield self._rows(batch)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return
        finally:
            source.end()
            with suppress(pa.ArrowInvalid, UnicodeDecodeError):
                deque(reader, maxlen=0)
        end, self.done = self.number + len(self._invalid), True
        refused = [self._refusal(*self._invalid.popleft()) for _ in range(len(self._invalid))]
        if refused:
            self.number = end
            yield Rows(pa.table({name: pa.array([], pa.string()) for name in columns}), [], refused)

    def _rows(self, batch: pa.RecordBatch) -> Rows:
        numbers: list[int] = []
        refused: list[Refused] = []
        while len(numbers) < batch.num_rows or (self._invalid and self._invalid[0][0] == self.number):
            if self._invalid and self._invalid[0][0] == self.number:
                refused.append(self._refusal(*self._invalid.popleft()))
                self.number += 1
                continue
            until = self._invalid[0][0] if self._invalid else self.number + batch.num_rows
            count = min(until - self.number, batch.num_rows - len(numbers))
            numbers.extend(range(self.number, self.number + count))
            self.number += count
        table, kept, broken = decoded(pa.Table.from_batches([batch]), numbers, self._place)
        return Rows(table, kept, [*refused, *broken])

    def _refusal(self, number: int, text: str, found: int) -> Refused:
        return wrong_width(self._place, number, len(self._dialect.columns), found, text)


def decoded(table: pa.Table, numbers: Sequence[int], place: str) -> tuple[pa.Table, Sequence[int], list[Refused]]:
    """Binary columns as strings; a row with bytes that are no text is refused."""
    try:
        return table.cast(pa.schema([(name, pa.string()) for name in table.column_names])), numbers, []
    except pa.ArrowInvalid:
        pass
    kept: list[int] = []
    refused: list[Refused] = []
    for position, row in enumerate(table.to_pylist()):
        field_name = next((name for name, value in row.items() if value is not None and not _is_text(value)), None)
        if field_name is None:
            kept.append(position)
        else:
            refused.append(_undecodable(place, numbers[position], field_name, {name: raw_value(value) for name, value in row.items()}))
    good = table.take(pa.array(kept, pa.int64())).cast(pa.schema([(name, pa.string()) for name in table.column_names]))
    return good, [numbers[position] for position in kept], refused


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def raw_value(value: bytes | None) -> Any:
    """Text where the bytes are text, else `{"_bytes": base64}`."""
    if value is None:
        return None
    return value.decode("utf-8") if _is_text(value) else {"_bytes": base64.b64encode(value).decode("ascii")}


def wrong_width(place: str, number: int, wanted: int, found: int, text: str) -> Refused:
    """The refusal of a record that has too few or too many fields."""
    advice = "Quote cells that contain the delimiter" if found > wanted else "Write every cell; quote cells with line breaks"
    message = f"{place}, row {number}: {found} fields where the header has {wanted}. {advice}"
    return Refused(f"{place}, row {number}", "wrong_field_count", message, raw=text)


def _undecodable(place: str, number: int, name: str | None, raw: Any) -> Refused:
    where = f"{place}, row {number}" + (f", field {name}" if name else "")
    message = f"{where}: bytes that are no text in the encoding of the file. Set `encoding`, or export the file as UTF-8"
    return Refused(f"{place}, row {number}", "undecodable", message, raw=raw, field=name)


class _Lines:
    """Lines of a text that can be taken back, counting what one record takes."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="")
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.size = 0
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.size > LONGEST:
            self.ended = True
            raise StopIteration
        line = self._back.popleft() if self._back else self._text.readline()
        if not line:
            self.ended = True
            raise StopIteration
        self.taken.append(line)
        self.size += len(line)
        return line

    def begin(self) -> None:
        self.taken, self.size, self.ended = [], 0, False

    def give_back_all_but_first(self) -> str:
        first, *rest = self.taken
        self._back.extendleft(reversed(rest))
        return first


def _slowly(raw: IO[bytes], dialect: Dialect, place: str, first: int) -> Iterator[Rows]:
    width = len(dialect.columns)
    lines = _Lines(raw)
    reader = csv.reader(lines, delimiter=dialect.delimiter)
    number, size = 0, 0
    rows: list[list[str]] = []
    numbers: list[int] = []
    refused: list[Refused] = []
    while True:
        lines.begin()
        record = next(reader, None)
        if record is None:
            break
        if not record:
            continue
        number += 1
        broken = None
        if lines.ended or len(record) != width or not "".join(record).isascii():
            broken = _refusal(lines, record, width, place, number)
            if lines.ended or broken is not None:
                reader = csv.reader(lines, delimiter=dialect.delimiter)
        if number < first:
            continue
        if broken is None:
            rows.append(record)
            numbers.append(number)
            size += lines.size
        else:
            refused.append(broken)
        if len(rows) >= 20_000 or len(refused) >= 20_000 or size >= LONGEST:
            yield Rows(_table(rows, dialect.columns), numbers, refused)
            rows, numbers, refused, size = [], [], [], 0
    if rows or refused:
        yield Rows(_table(rows, dialect.columns), numbers, refused)


def _refusal(lines: _Lines, record: list[str], width: int, place: str, number: int) -> Refused | None:
    """Why the record just read is none, if so; of one that runs over lines, only the first is given up."""
    unclosed = lines.ended and sum(line.count('"') for line in lines.taken) % 2 == 1
    if len(record) == width and not unclosed:
        marked = next((i for i, cell in enumerate(record) if not _encodes(cell)), None)
        return None if marked is None else _undecodable(place, number, None, {"_bytes": _base64("".join(lines.taken))})
    if not unclosed and len(lines.taken) == 1:
        return wrong_width(place, number, width, len(record), _printable(lines.taken[0]))
    message = f"{place}, row {number}: a quote opens and does not close where it should. Double the quotes inside quoted cells"
    return Refused(f"{place}, row {number}", "unclosed_quote", message, raw=_printable(lines.give_back_all_but_first()))


def _encodes(cell: str) -> bool:
    return cell.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in cell)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def _printable(text: str) -> str:
    return text.rstrip("\r\n").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _table(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> pa.Table:
    cells: Mapping[str, Any] = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(columns)}
    return pa.table(cells)
