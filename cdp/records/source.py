"""The contract between a source and the platform: three nouns (`Source`, `Stream`, `Page`) and one verb (`read`).

Errors are named by what the platform does next::

    SourceError
    ├── ConfigError      stop: a setting of the source is wrong; correct it
    ├── AuthError        stop: the source refuses the credentials; renew them
    ├── Throttled        later: the source wants no request before `until`
    ├── Unavailable      retry: the source does not answer, or fails on its side
    └── ContractError    stop this stream: the source, or the connector, does what it must not
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

import pyarrow as pa

from cdp.errors import PlatformError

Json = Any
"""What `json.loads` returns. A bookmark is opaque: only the stream that made it reads it."""


class SourceError(PlatformError):
    """A source cannot be read on; pages already committed stay, and the next run goes on behind them."""


class ConfigError(SourceError):
    """A setting of the source is missing or wrong."""


class AuthError(SourceError):
    """The source refuses the credentials."""


class Throttled(SourceError):
    """The source wants no further request before `until` (aware, UTC); nothing sleeps, a scheduler comes back."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class Unavailable(SourceError):
    """The source does not answer, or answers that it fails."""


class ContractError(SourceError):
    """A page token that repeats, a mapped field that changed its type, a row without its key: the other streams go on."""


@dataclass(frozen=True)
class Stream:
    """One kind of record in a source.

    Attributes:
        name: unique in the source.
        kind: `customer`, `interaction`, or None where only the mapping knows.
        key: dotted path of the field that identifies a row, where the source says so.
        complete: every read gives all rows there are, so a stored row that a whole read did not give was deleted.
        schema: JSON Schema of a row, where the source describes itself.
    """

    name: str
    kind: str | None = None
    key: str | None = None
    complete: bool = True
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Refused:
    """A row that could not even be read. `raw` is what there is of it: fields, text, or None."""

    place: str
    reason: str
    message: str
    raw: Any = None
    source_key: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Page:
    """Rows as the source wrote them, and where to go on after them.

    Attributes:
        rows: an Arrow table, or a list of JSON objects.
        bookmark: committed in the same transaction as the rows.
        place: file, table or request, for messages.
        first_row: number of the first row at `place`, counted as a person would (the row under a CSV header is 2).
        row_numbers: number of every row, where they do not count on from `first_row` (refused rows lie between).
        deleted: keys that the source says are gone.
        merged: (key that is gone, key that lives on), where the source merged two of its records.
        refused: rows that could not be read.
        total: rows that the whole read will give, where known, for progress.
        unchanged: the stream is as it was at `bookmark`, so no row is given and none was deleted. A read whose stream is
            `complete` and that gives such a page says nothing about deletions.
    """

    rows: pa.Table | Sequence[Mapping[str, Any]]
    bookmark: Json = None
    place: str = ""
    first_row: int = 1
    deleted: Sequence[str] = ()
    merged: Sequence[tuple[str, str]] = ()
    refused: Sequence[Refused] = field(default_factory=tuple)
    total: int | None = None
    unchanged: bool = False
    row_numbers: Sequence[int] | None = None

    def number(self, index: int) -> int:
        """Number at `place` of the row at `index` (from 0) of `rows`."""
        return self.first_row + index if self.row_numbers is None else self.row_numbers[index]


@dataclass(frozen=True)
class Present:
    """Every key that a stream has in the source now.

    Attributes:
        pages: the keys, page by page; all of them, or an error.
        member: of a stored row as the source wrote it, that holds such a key (a comment's ticket); None: the keys are the rows' own.
    """

    pages: Iterator[Sequence[str]]
    member: str | None = None


@runtime_checkable
class Sweepable(Protocol):
    """A source that does not tell of some streams what was deleted, and so lists the keys that there are; the platform compares them."""

    def keys(self, stream: str) -> Present | None:
        """The keys of `stream`; None where reading it tells deletions."""
        ...


@runtime_checkable
class Source(Protocol):
    """A system that records come from. A connector is a class of this shape, named in the entry point group `cdp.connectors`.

    It is constructed with its configuration (validated against `config_schema`, secrets resolved). It never sleeps,
    retries, or logs a body.
    """

    config_schema: ClassVar[Mapping[str, Any]]

    def __init__(self, config: Mapping[str, Any]) -> None: ...

    def streams(self) -> Sequence[Stream]:
        """The streams there are. Raises ConfigError, AuthError or Unavailable: what `check` would."""
        ...

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        """Pages of `stream` behind `bookmark`, oldest first; all of them where it is None."""
        ...
