"""A path, glob, folder or URL names files; each file names the tables in it, and a stream is a list of such tables in a fixed order."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile

import fsspec
from fsspec.core import url_to_fs

from connectors.contract import ConfigError
from connectors.files import excel
from connectors.files.names import slug
from connectors.files.trouble import named

FORMATS: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
"""Suffix (after `.gz` is taken off) -> how to read it."""

_EXTRAS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3"), "gs": ("gcsfs", "gcs"), "gcs": ("gcsfs", "gcs"), "sftp": ("paramiko", "sftp")}
_EXTRAS |= {name: ("adlfs", "azure") for name in ("abfs", "abfss", "az", "adl")}


@dataclass(frozen=True)
class Table:
    """Rows of one shape in one place: a file, a member of an archive, or a sheet of a workbook."""

    path: str
    format: str
    member: str | None = None
    sheet: str | None = None

    @property
    def place(self) -> str:
        """How messages name it."""
        parts = [self.path]
        if self.member:
            parts.append(f"!{self.member}")
        if self.sheet:
            parts.append(f" [{self.sheet}]")
        return "".join(parts)


@dataclass(frozen=True)
class Folder:
    """Where files are: a file system and how it is reached."""

    fs: Any
    local: bool

    @classmethod
    def at(cls, url: str, options: Mapping[str, Any]) -> tuple[Folder, str]:
        """The file system of `url`, and the path in it.

        Raises:
            ConfigError: the scheme is unknown, or its package is not installed.
        """
        scheme = url.split("://", 1)[0] if "://" in url else "file"
        package, extra = _EXTRAS.get(scheme, ("", ""))
        if package and importlib.util.find_spec(package) is None:
            raise ConfigError(f"{scheme}:// needs the package {package}: pip install 'customer-data-platform[{extra}]'")
        if package == "gcsfs":
            _calm_gcsfs()
        try:
            with named(f"{scheme}://"):
                fs, path = url_to_fs(url, **options)
        except (ValueError, ImportError) as error:
            known = ", ".join(sorted(set(fsspec.available_protocols()) & {"s3", "gs", "abfs", "sftp", "http", "https", "ftp", "file"}))
            raise ConfigError(f"{scheme}:// cannot be opened: {error}. Schemes that work: {known}") from error
        return cls(fs, scheme in ("file", "local")), path

    def files(self, pattern: str) -> list[str]:
        """Paths of the files that `pattern` (file, glob or folder) names, sorted; those of unknown suffix in a folder are left out.

        Raises:
            ConfigError: there is none.
        """
        found: list[str] = []
        with named(pattern), suppress(FileNotFoundError):  # the bucket is not there
            if any(sign in pattern for sign in "*?["):
                found = [path for path in self.fs.glob(pattern) if self.fs.isfile(path)]
            elif self.fs.isdir(pattern):
                found = [path for path in self.fs.find(pattern) if format_of(path) and not PurePosixPath(path).name.startswith((".", "~"))]
            else:
                found = [pattern] if self.fs.exists(pattern) else []
        if not found:
            raise ConfigError(f"{pattern}: no such file, and nothing matches it. Check `path` (and `streams`) of the source")
        return sorted(found)


def _calm_gcsfs() -> None:
    """Before its import: it asks for the kind of a bucket by gRPC, a minute for each call where only HTTPS passes, and logs addresses.

    Who has zonal buckets sets the variable to `true`.
    """
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)


def format_of(path: str) -> str | None:
    """`csv`, `jsonl`, `json`, `parquet`, `excel` or `zip`; None where the name does not say."""
    pure = PurePosixPath(path.lower())
    if pure.suffix == ".gz":
        pure = pure.with_suffix("")
    return "zip" if pure.suffix == ".zip" else FORMATS.get(pure.suffix)


def stem(path: str) -> str:
    """A stream name made of a path: lower case, letters, digits and underscores."""
    name = PurePosixPath(path).name
    while PurePosixPath(name).suffix.lower() in {*FORMATS, ".gz", ".zip"}:
        name = PurePosixPath(name).stem
    return slug(name)


def tables_of(folder: Folder, path: str, forced: str | None, sheet: str | None = None) -> list[Table]:
    """The tables in one file: its sheets (all with rows, or the one named), its members, or itself.

    Raises:
        ConfigError: neither the name nor the setting `format` says how to read it, or the sheet is not there.
    """
    kind = forced or format_of(path)
    if kind is None:
        known = " ".join(sorted({*FORMATS, ".gz", ".zip"}))
        raise ConfigError(f"{path}: the name does not say what is in it. Set `format`, or name it with one of {known}")
    if kind == "zip":
        return [Table(path, format_of(name) or "csv", member=name) for name in _members(folder, path)]
    if kind != "excel":
        return [Table(path, kind)]
    with folder.fs.open(path, "rb") as raw:
        names = excel.sheet_names(raw, path)
    if sheet is not None and sheet not in names:
        raise ConfigError(f"{path}: no sheet {sheet!r}; it has {', '.join(names)}")
    return [Table(path, kind, sheet=name) for name in names if sheet in (None, name)]


def _members(folder: Folder, path: str) -> Sequence[str]:
    try:
        with folder.fs.open(path, "rb") as raw, ZipFile(raw) as archive:
            names = sorted(name for name in archive.namelist() if format_of(name) not in (None, "zip", "excel", "parquet"))
    except BadZipFile as error:
        raise ConfigError(f"{path}: no zip archive, or a broken one ({error}). Fetch it again") from error
    if not names:
        raise ConfigError(f"{path}: the archive has no CSV or JSON file in it. Unpack workbooks and Parquet files")
    return names
