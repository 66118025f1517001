"""E-mail: the messages of a folder are interactions with whoever is on the other side; the bookmark is the greatest UID read.

A UID is never given twice while the folder keeps its UIDVALIDITY; when that changes, the folder is read again from the start, and the
old keys are gone. Folders are opened read-only, so no message is marked as seen. Attachments are named and not read.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from connectors.contract import AuthError, ConfigError, Json, Page, Refused, Stream, Unavailable
from connectors.imap.message import row_of

MOST = 1 << 20
"""Bytes of a message that are read: its text comes first, and of attachments only the names are wanted."""

_FETCH = re.compile(rb"UID (\d+)")


class ImapSource:
    """A mailbox by IMAP: each folder is a stream of messages, as customers and as interactions."""

    config_schema: ClassVar[Mapping[str, Any]] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "host": {"type": "string", "minLength": 1},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 993},
            "security": {"enum": ["tls", "starttls", "none"], "default": "tls", "description": "none: on the loopback only"},
            "user": {"type": "string", "minLength": 1},
            "password": {"type": "string", "minLength": 1, "description": "env:NAME"},
            "folders": {
                "type": "object",
                "description": 'stream name -> folder; {"inbox": "INBOX"} if not set',
                "additionalProperties": {"type": "string", "minLength": 1},
            },
            "own": {
                "type": "array",
                "items": {"type": "string", "minLength": 3},
                "description": "own addresses, and own domains as @example.com: who writes from one is staff",
            },
            "batch_rows": {"type": "integer", "minimum": 1, "default": 100},
        },
        "required": ["host", "user", "password"],
        "additionalProperties": False,
    }

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._folders: Mapping[str, str] = config.get("folders") or {"inbox": "INBOX"}
        self._own = tuple(each.lower() for each in config.get("own", [config["user"]]))
        if config.get("security") == "none" and config["host"] not in ("127.0.0.1", "localhost", "::1"):
            raise ConfigError("security: none would send the password in the clear. Use tls or starttls")

    def streams(self) -> Sequence[Stream]:
        """The folders.

        Raises:
            AuthError: the server refuses user or password.
            ConfigError: a folder is not there.
        """
        with self._session() as session:
            for folder in self._folders.values():
                self._select(session, folder)
        return [Stream(name, kind="interaction", key="uid", complete=False) for name in self._folders]

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        """Messages that came since, and the keys of those that are gone since the last read."""
        folder = self._folders.get(stream)
        if folder is None:
            raise ConfigError(f"no stream {stream!r}; there are {', '.join(self._folders)}")
        with self._session() as session:
            validity = self._select(session, folder)
            mark: dict[str, Any] = bookmark if isinstance(bookmark, dict) else {"validity": validity, "seen": ""}
            here = [int(uid) for uid in self._asked(session.uid("SEARCH", "ALL"))[0].split()]
            known = _expand(mark["seen"])
            done = known & set(here) if mark["validity"] == validity else set[int]()
            gone = [_key(mark["validity"], uid) for uid in sorted(known - done)]
            if gone:
                yield Page((), bookmark={"validity": validity, "seen": _compact(done)}, place=folder, deleted=gone)
            new = [uid for uid in sorted(here) if uid not in done]
            size = self._config.get("batch_rows", 100)
            for start in range(0, len(new), size):
                part = new[start : start + size]
                rows, refused, came = self._fetch(session, part, validity, folder)
                done |= came  # what the server keeps back is asked for again by the next read
                mark = {"validity": validity, "seen": _compact(done)}
                yield Page(rows, bookmark=mark, place=folder, first_row=part[0], refused=refused, total=len(new))

    def _fetch(
        self, session: imaplib.IMAP4, uids: Sequence[int], validity: int, folder: str
    ) -> tuple[list[dict[str, Any]], list[Refused], set[int]]:
        """Rows, what is none, and the numbers of both."""
        rows: list[dict[str, Any]] = []
        refused: list[Refused] = []
        came: set[int] = set()
        for part in self._asked(session.uid("FETCH", ",".join(map(str, uids)), f"(UID BODY.PEEK[]<0.{MOST}>)")):
            if not isinstance(part, tuple) or (found := _FETCH.search(part[0])) is None:
                continue
            uid = int(found.group(1))
            came.add(uid)
            try:
                rows.append({"uid": _key(validity, uid), **row_of(part[1], self._own)})
            except (ValueError, LookupError, TypeError) as error:
                where = f"{folder}, message {uid}"
                message = f"{where}: cannot be read as a message ({type(error).__name__})"
                refused.append(Refused(where, "malformed_message", message, source_key=_key(validity, uid)))
        return rows, refused, came

    @property
    def _where(self) -> str:
        return str(self._config["host"])

    @contextmanager
    def _session(self) -> Iterator[imaplib.IMAP4]:
        security = self._config.get("security", "tls")
        port = self._config.get("port", 993 if security == "tls" else 143)
        try:
            if security == "tls":
                session: imaplib.IMAP4 = imaplib.IMAP4_SSL(self._where, port, ssl_context=ssl.create_default_context(), timeout=60)
            else:
                session = imaplib.IMAP4(self._where, port, timeout=60)
            if security == "starttls":
                session.starttls(ssl.create_default_context())
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unavailable(
                f"{self._where}: the mail server does not answer ({type(error).__name__}). Check host, port and security"
            ) from None
        try:
            try:
                session.login(self._config["user"], self._config["password"])
            except imaplib.IMAP4.error:
                raise AuthError(
                    f"{self._where}: the mail server refuses user or password. Renew `password`; some want one for the application"
                ) from None
            yield session
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unavailable(f"{self._where}: the mail server broke off ({type(error).__name__}). What was read is kept") from None
        finally:
            try:
                session.logout()
            except (OSError, imaplib.IMAP4.error):
                session.shutdown()

    def _select(self, session: imaplib.IMAP4, folder: str) -> int:
        """Open a folder to read it; its UIDVALIDITY."""
        status, _ = session.select(f'"{folder}"', readonly=True)
        if status != "OK":
            raise ConfigError(f"{self._where}: no folder {folder!r} that this user may open. Correct `folders`")
        _, data = session.response("UIDVALIDITY")
        return int(data[0] or 0) if data and data[0] else 0

    def _asked(self, answer: tuple[str, list[Any]]) -> list[Any]:
        status, data = answer
        if status != "OK":
            raise Unavailable(f"{self._where}: the mail server refuses a command. Try again later")
        return [part for part in data if part is not None] or [b""]


def _key(validity: int, uid: int) -> str:
    return f"{validity}-{uid}"


def _compact(uids: set[int]) -> str:
    """Numbers as ranges, `1:40,43`: a folder that is only added to is one range, however long."""
    ranges: list[list[int]] = []
    for uid in sorted(uids):
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(f"{first}:{last}" if last > first else str(first) for first, last in ranges)


def _expand(ranges: str) -> set[int]:
    found: set[int] = set()
    for part in ranges.split(",") if ranges else []:
        first, _, last = part.partition(":")
        found.update(range(int(first), int(last or first) + 1))
    return found
