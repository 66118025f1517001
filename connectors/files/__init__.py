"""Files and folders: a stream is a file, a sheet, or every file that a glob names; a file that has not changed is not read again.

A stream of one file is `complete`: a row that is gone from the file was deleted. A stream of several files is taken as parts
that add up (a folder that exports are dropped into), so only new and changed files are read and nothing is taken as deleted;
with `complete: true` all of them are one table, and a change in one reads all again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from connectors.contract import ConfigError, Json, Page, Stream
from connectors.files.content import digest, fingerprint
from connectors.files.locate import Folder, Table, stem, tables_of
from connectors.files.names import slug
from connectors.files.read import Reading, pages
from connectors.files.trouble import named

_READING: Mapping[str, Any] = {
    "format": {"enum": ["csv", "jsonl", "json", "parquet", "excel"], "description": "where the name of the file does not say"},
    "encoding": {"type": "string", "description": "of text files; found from the bytes if not set"},
    "delimiter": {"type": "string", "minLength": 1, "maxLength": 1},
    "header": {"type": "boolean", "description": "false: the first row is data"},
    "complete": {"type": "boolean", "description": "a row that is not there any more was deleted"},
    "kind": {"enum": ["customer", "interaction"]},
    "key": {"type": "string", "description": "column that identifies a row"},
    "sheet": {"type": "string", "description": "of a workbook"},
}


@dataclass(frozen=True)
class _Set:
    """The tables of one stream and how to read them."""

    stream: Stream
    tables: tuple[Table, ...]
    reading: Reading


class FilesSource:
    """CSV, JSON Lines, JSON, Parquet and Excel files (also in gzip and zip), local or at any URL that fsspec opens."""

    config_schema: ClassVar[Mapping[str, Any]] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "file, glob, folder or URL"},
            "streams": {
                "type": "object",
                "description": "stream name -> path or glob, relative to `path` where that is a folder",
                "additionalProperties": {
                    "oneOf": [
                        {"type": "string", "minLength": 1},
                        {
                            "type": "object",
                            "properties": {"path": {"type": "string", "minLength": 1}, **_READING},
                            "required": ["path"],
                            "additionalProperties": False,
                        },
                    ]
                },
            },
            **_READING,
            "batch_rows": {"type": "integer", "minimum": 1, "default": 20_000, "description": "rows in a page"},
            "options": {"type": "object", "description": "options of the file system, such as key and secret of S3"},
        },
        "anyOf": [{"required": ["path"]}, {"required": ["streams"]}],
        "additionalProperties": False,
    }

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def streams(self) -> Sequence[Stream]:
        """One for each file, sheet, or entry of `streams`; one whose path names nothing, or whose file is broken, says so when it is read.

        Raises:
            ConfigError: that holds for every one, or two files would be one stream.
        """
        with named("the files"):
            found = self._sets
        wrong = [one for one in found.values() if isinstance(one, ConfigError)]
        if wrong and len(wrong) == len(found):
            raise wrong[0]
        return [Stream(name, complete=False) if isinstance(one, ConfigError) else one.stream for name, one in found.items()]

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        """Pages of the files that changed since `bookmark`; the bookmark of a file's last page holds its fingerprint."""
        found = self._sets.get(stream)
        if found is None:
            raise ConfigError(f"no stream {stream!r}; there are {', '.join(self._sets)}")
        if isinstance(found, ConfigError):
            raise found
        known: dict[str, Any] = {}
        how = self._digest_of(found)
        if isinstance(bookmark, dict) and bookmark.get("how") == how:
            known = dict(bookmark.get("files", {}))
        with named(stream):
            yield from self._read(found, known, how)

    def _read(self, found: _Set, known: Mapping[str, Any], how: str) -> Iterator[Page]:
        folder = self._folder
        paths = list(dict.fromkeys(table.path for table in found.tables))
        now = {path: self._state(path, known.get(path)) for path in paths}
        changed = [path for path in paths if now[path]["sha256"] != known.get(path, {}).get("sha256")]
        if not changed and (set(known) == set(paths) or not found.stream.complete):
            yield Page((), bookmark={"how": how, "files": now}, unchanged=True)
            return
        reread = paths if found.stream.complete else changed
        done = {path: now[path] for path in paths if path not in reread}
        for path in reread:
            last: Page | None = None
            for table in (table for table in found.tables if table.path == path):
                for page in pages(folder, table, found.reading):
                    if last is not None:
                        yield last
                    last = replace(page, bookmark={"how": how, "files": dict(done)})
            done[path] = now[path]
            yield replace(last or Page((), place=path), bookmark={"how": how, "files": dict(done)})

    def _state(self, path: str, known: Mapping[str, Any] | None) -> dict[str, Any]:
        seen = fingerprint(self._folder, path)
        if known and seen["mtime"] is not None and all(known.get(name) == seen[name] for name in seen):
            return dict(known)
        return {**seen, "sha256": digest(self._folder, path)}

    def _digest_of(self, found: _Set) -> str:
        reading = found.reading
        how = [reading.encoding, reading.delimiter, reading.header, [(t.format, t.sheet) for t in found.tables[:1]]]
        return hashlib.sha256(json.dumps(how).encode()).hexdigest()[:12]

    @cached_property
    def _root(self) -> tuple[Folder, str]:
        options = self._config.get("options", {})
        if path := self._config.get("path"):
            return Folder.at(path, options)
        given = [entry["path"] if isinstance(entry, Mapping) else entry for entry in self._config.get("streams", {}).values()]
        roots = [Folder.at(path, options) for path in given if "://" in path]
        if roots and (len(roots) < len(given) or any(folder.fs != roots[0][0].fs for folder, _ in roots)):
            raise ConfigError("the paths in `streams` are on several file systems: make a source of each")
        return (roots[0][0], "") if roots else Folder.at(".", options)

    @property
    def _folder(self) -> Folder:
        return self._root[0]

    @cached_property
    def _sets(self) -> Mapping[str, _Set | ConfigError]:
        """The streams by name, each with its tables or with what is wrong with it alone."""
        folder, root = self._root
        made: dict[str, _Set | ConfigError] = {}
        if declared := self._config.get("streams"):
            for name, entry in declared.items():
                options = {**self._config, **(entry if isinstance(entry, Mapping) else {"path": entry})}
                try:
                    made[name] = self._declared(name, self._under(root, options["path"]), options)
                except ConfigError as error:
                    made[name] = error
            return made
        places: dict[str, str] = {}
        for path in folder.files(root):
            for name, place, one in self._found(path, alone=path == root):
                if name in made:
                    raise ConfigError(f"{place} and {places[name]} would both be the stream {name!r}: name them in `streams`")
                made[name], places[name] = one, place
        return made

    def _found(self, path: str, alone: bool) -> Iterator[tuple[str, str, _Set | ConfigError]]:
        """The streams of one file in a folder: name, place, and tables."""
        try:
            found = tables_of(self._folder, path, self._config.get("format"), self._config.get("sheet"))
        except ConfigError as error:
            yield stem(path), path, error
            return
        for table in found:
            name = self._name(table, alone, len(found))
            yield name, table.place, self._set(name, (table,), {**self._config, "path": path})

    def _declared(self, name: str, pattern: str, options: Mapping[str, Any]) -> _Set:
        tables: list[Table] = []
        for path in self._folder.files(pattern):
            found = tables_of(self._folder, path, options.get("format"), options.get("sheet"))
            if len(found) > 1 and found[0].sheet:
                names = ", ".join(table.sheet or "" for table in found)
                raise ConfigError(f"{path}: several sheets ({names}). Say which one is the stream {name!r}: streams.{name}.sheet")
            tables.extend(found)
        return self._set(name, tuple(tables), options)

    def _set(self, name: str, tables: tuple[Table, ...], options: Mapping[str, Any]) -> _Set:
        reading = Reading(options.get("batch_rows", 20_000), options.get("encoding"), options.get("delimiter"), options.get("header"))
        complete = options.get("complete", len(tables) <= 1 and not any(sign in options.get("path", "") for sign in "*?["))
        return _Set(Stream(name, kind=options.get("kind"), key=options.get("key"), complete=complete), tables, reading)

    def _under(self, root: str, pattern: str) -> str:
        if "://" in pattern or not self._config.get("path"):
            return Folder.at(pattern, self._config.get("options", {}))[1]
        absolute = self._folder.local and pattern.startswith(("/", "~"))
        return Folder.at(pattern, {})[1] if absolute else f"{root.rstrip('/')}/{pattern}"

    @staticmethod
    def _name(table: Table, alone: bool, count: int) -> str:
        if table.sheet and count > 1:
            return slug(table.sheet) if alone else f"{stem(table.path)}_{slug(table.sheet)}"
        if table.member and count > 1:
            return stem(table.member) if alone else f"{stem(table.path)}_{stem(table.member)}"
        return stem(table.path)
