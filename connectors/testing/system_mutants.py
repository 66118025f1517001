"""Broken connectors to systems that do not speak HTTP: where a check measures them in another way, it must catch them too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.contract import Json, Page, Present, Stream
from connectors.files import FilesSource
from connectors.files.fake import Fake as Folder
from connectors.imap import ImapSource
from connectors.imap.fake import Fake as Mailbox
from connectors.sql import SqlSource
from connectors.sql.fake import Fake as Database
from connectors.testing.conformance import Makes
from connectors.testing.lab import Opens


class _GreedyTable(SqlSource):
    """Reads the table before it gives the first page."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        yield from list(super().read(stream, bookmark))


class _HoardingFile(FilesSource):
    """Keeps every page that it gave."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        given = []
        for page in super().read(stream, bookmark):
            given.append(page)
            yield page


class _WholeTable(SqlSource):
    """Reads everything each time, and says that it does not."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        yield from super().read(stream, None)


class _NoOverlap(SqlSource):
    """Takes the order of the cursor for the order of the commits."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        streams = {name: {**entry, "overlap": 0} if isinstance(entry, dict) else entry for name, entry in config["streams"].items()}
        super().__init__({**config, "streams": streams})


class _KeysOfOnePage(SqlSource):
    """Lists the keys of the first page."""

    def keys(self, stream: str) -> Present | None:
        present = super().keys(stream)
        return None if present is None else replace(present, pages=iter([next(present.pages)]))


class _InOrder(FilesSource):
    """Passes over a file whose name lies before one that it has read."""

    def _read(self, found: Any, known: Mapping[str, Any], how: str) -> Iterator[Page]:
        newest = max(known, default="")
        tables = tuple(table for table in found.tables if table.path in known or table.path > newest)
        yield from super()._read(replace(found, tables=tables), known, how)


class _AddsUp(FilesSource):
    """Does not say that a file is the whole table."""

    def streams(self) -> Sequence[Stream]:
        return [replace(stream, complete=False) for stream in super().streams()]


class _Ahead(ImapSource):
    """Gives with the first page the bookmark of the whole read."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        pages = list(super().read(stream, bookmark))
        for page in pages:
            yield replace(page, bookmark=pages[-1].bookmark)


class _Forgetful(ImapSource):
    """Knows the greatest number only, and so not what is gone."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            yield replace(page, deleted=())


SYSTEM_MUTANTS: Sequence[tuple[str, Opens, Makes, str]] = (
    ("lazy", _GreedyTable, Database, "people"),
    ("flat_memory", _HoardingFile, Folder, "people"),
    ("asks_for_changes", _WholeTable, Database, "people"),
    ("late_commits", _NoOverlap, Database, "people"),
    ("late_commits", _InOrder, Folder, "visits"),
    ("sweep", _KeysOfOnePage, Database, "people"),
    ("deletions", _AddsUp, Folder, "orders"),
    ("deletions", _Forgetful, Mailbox, "inbox"),
    ("kill_and_resume", _Ahead, Mailbox, "inbox"),
)
"""Check, the connector that it must catch, the system, and a stream of it."""
