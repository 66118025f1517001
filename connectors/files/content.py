"""Bytes of a table come as UTF-8, whatever the file holds: unpacked, decoded, and with what cannot be decoded marked as invalid.

One pass over a file (`survey`) tells its encoding and whether its quotes are balanced, in memory that does not grow with it.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any
from zipfile import ZipFile

from charset_normalizer import from_bytes

from connectors.contract import ConfigError
from connectors.files.locate import Folder, Table

CHUNK = 1 << 20
MARK = "\udcff"
"""Stands for bytes that the encoding does not know. It has no valid UTF-8 form, so its row is refused."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LIKELY = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "iso8859_2",
    "iso8859_15",
    "cp437",
    "cp850",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
]

codecs.register_error("cdp-mark", lambda error: (MARK, getattr(error, "end", 0)))


@dataclass(frozen=True)
class Survey:
    """What one pass over the bytes of a table tells."""

    encoding: str
    odd_quotes: bool
    empty: bool
    lines: int


@contextmanager
def opened(folder: Folder, table: Table) -> Iterator[IO[bytes]]:
    """The bytes of a table, unpacked.

    Raises:
        ConfigError: the archive is broken.
    """
    with ExitStack() as stack:
        try:
            raw: IO[bytes] = stack.enter_context(folder.fs.open(table.path, "rb"))
            if table.member:
                archive = stack.enter_context(ZipFile(raw))
                raw = stack.enter_context(archive.open(table.member))
            if (table.member or table.path).lower().endswith(".gz"):
                raw = stack.enter_context(gzip.open(raw, "rb"))  # type: ignore[arg-type]  # GzipFile reads like a file
            yield raw
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ConfigError(f"{table.place}: the archive is broken ({error}). Fetch the file again") from error


def fingerprint(folder: Folder, path: str) -> dict[str, Any]:
    """Size and time of a file, as far as its file system tells them."""
    info = folder.fs.info(path)
    stamp = info.get("mtime") or info.get("LastModified") or info.get("last_modified") or info.get("updated") or info.get("ETag")
    return {"size": info.get("size"), "mtime": str(stamp) if stamp is not None else None}


def digest(folder: Folder, path: str) -> str:
    """SHA-256 of a file's bytes."""
    with folder.fs.open(path, "rb") as raw:
        seen = hashlib.sha256()
        while chunk := raw.read(CHUNK):
            seen.update(chunk)
    return seen.hexdigest()


def survey(folder: Folder, table: Table, encoding: str | None) -> Survey:
    """Find the encoding of a text (the BOM, else UTF-8 where it holds to the end, else a guess), and count its quotes."""
    quotes, breaks, valid, odd = 0, 0, True, b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opened(folder, table) as raw:
        head = raw.read(CHUNK)
        named = encoding or _by_mark(head)
        chunk = head
        while chunk:
            quotes += chunk.count(b'"')
            breaks += chunk.count(b"\n")
            if named is None and valid:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    valid, odd = False, chunk[max(0, error.start - CHUNK // 2) : error.start + CHUNK // 2]
            chunk = raw.read(CHUNK)
    return Survey(named or ("utf-8" if valid else _guess(odd)), quotes % 2 == 1, not head, breaks)


def _by_mark(head: bytes) -> str | None:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if head[:400].count(0) > len(head[:400]) // 4:
        return "utf-16-le" if head[1:400:2].count(0) > head[0:400:2].count(0) else "utf-16-be"
    return None


def _guess(sample: bytes) -> str:
    """The encoding in which the sample reads most like a language, cp1252 if none does better.

    UTF-8 where the sample is mostly that, so that its few broken rows are refused and the rest kept.
    """
    decoded = sample.decode("utf-8", "cdp-mark")
    broken = decoded.count(MARK)
    good = sum(1 for sign in decoded if sign > "\x7f" and sign != MARK)
    if good > 4 * broken:
        return "utf-8"
    matches = list(from_bytes(sample, cp_isolation=_LIKELY))
    if not matches:
        return "cp1252"
    clean = [match for match in matches if match.chaos <= matches[0].chaos + 0.02]
    return max(clean, key=lambda match: (match.coherence, match.encoding == "cp1252", -match.chaos)).encoding


class Utf8(io.RawIOBase):
    """Bytes of any encoding, read as UTF-8 without a byte-order mark; what cannot be decoded becomes the invalid form of `MARK`."""

    def __init__(self, raw: IO[bytes], encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("cdp-mark")
        self._left = b""
        self._done = False
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and not self._done:
            chunk = self._raw.read(CHUNK)
            self._done = not chunk
            text = self._decoder.decode(chunk, not chunk)
            if text and not self._begun:
                self._begun = True
                text = text.removeprefix("\ufeff")
            self._left = text.encode("utf-8", "surrogatepass")
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def as_utf8(raw: IO[bytes], encoding: str) -> IO[bytes]:
    """`raw` as UTF-8. UTF-8 itself passes through as it is, its mark taken off, so that reading it costs nothing."""
    if encoding.replace("_", "-").lower() not in ("utf-8", "utf8", "ascii"):
        return io.BufferedReader(Utf8(raw, encoding), CHUNK)
    head = raw.read(len(codecs.BOM_UTF8))
    if head == codecs.BOM_UTF8:
        head = b""
    return io.BufferedReader(_Joined(head, raw), CHUNK)


class _Joined(io.RawIOBase):
    """Bytes read ahead, and then the rest."""

    def __init__(self, head: bytes, raw: IO[bytes]) -> None:
        self._head = head
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head or self._raw.read(len(buffer))
        self._head = data[len(buffer) :]
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        return size
