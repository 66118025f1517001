"""What the connector `imap` is tested on: a mail server in this process that speaks as much IMAP4rev1 (RFC 3501) as reading needs.

A message does not change: what a check writes anew is taken out and put in again under the next UID, as programs do with drafts. The
connector also reads a server that is not ours, in `tests/connectors/test_imap.py`.
"""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, ClassVar, Self

from connectors.testing.system import Row, System

VALIDITY = 7


class Fake(System):
    """One folder, INBOX."""

    streams = ("inbox",)
    can = frozenset({"break", "broken_row", "credentials", "delete", "requests", "spoil", "zones"})
    lacks: ClassVar[Mapping[str, str]] = {
        "http": "a mail server answers in a session: it names no pause, and an error is no answer",
        "tokens": "a session is let in once; a password that was revoked is refused at the next one (see credentials)",
        "keyless": "the server gives each message its number",
        "merge": "messages are not merged",
        "empty_page": "pages are cut by the connector, by the numbers there are",
        "repeat": "pages are asked for by numbers, without tokens",
        "sweep": "the connector lists no keys: each read tells which numbers are gone",
    }

    def __init__(self, clock: Any = None) -> None:
        super().__init__(clock)
        self.messages: dict[int, bytes] = {}
        self.trouble = ""
        self._numbers: dict[str, int] = {}
        self._last = 0
        self._port = 0

    @contextmanager
    def serve(self) -> Iterator[Self]:
        with _Server(("127.0.0.1", 0), _Session) as server:
            server.fake = self
            self._port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def config(self) -> dict[str, Any]:
        place = {"host": "127.0.0.1", "port": self._port, "security": "none"}
        return {**place, "user": "me", "password": self.secret, "own": ["@shop.example"], "batch_rows": self.page_size}

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        super().put(stream, key, changed, **data)
        self.messages.pop(self._numbers.get(key, 0), None)
        self._numbers[key] = self._append(b"")
        self.messages[self._numbers[key]] = self._message(self.tables[stream][key]).as_bytes()

    def put_broken(self, stream: str) -> None:
        self._append(b"From: person1@example.org\r\n\r\nno date")

    def delete(self, stream: str, key: str) -> None:
        super().delete(stream, key)
        del self.messages[self._numbers[key]]

    def truth(self, stream: str) -> dict[str, Any]:
        return {row["uid"]: row for row in super().truth(stream).values()}

    def show(self, stream: str, row: Row) -> dict[str, Any]:
        sender = {"name": f"Person {row.key}", "email": row.data["email"]}
        return {
            "uid": f"{VALIDITY}-{self._numbers[row.key]}",
            "message_id": f"<{row.key}@example.org>",
            "in_reply_to": None,
            "date": row.changed.astimezone(UTC).isoformat(),
            "from": [sender],
            "to": [{"name": "", "email": "help@shop.example"}],
            "cc": [],
            "counterpart": sender,
            "direction": "inbound",
            "subject": _subject(row),
            "text": _text(row),
            "attachments": [],
        }

    def spoil(self, stream: str) -> None:
        self.trouble = "spoil"

    def break_off(self, stream: str) -> None:
        self.trouble = "break"

    def mend(self) -> None:
        self.trouble, self.revoked = "", False

    def troubles(self, stream: str) -> Iterator[None]:
        self.page_size = 2
        yield from super().troubles(stream)
        for self.trouble in ("NO", "BAD"):
            yield
        self.mend()
        self.revoked = True
        yield
        self.mend()

    def _append(self, raw: bytes) -> int:
        self._last += 1
        self.messages[self._last] = raw
        return self._last

    def _message(self, row: Row) -> EmailMessage:
        message = EmailMessage()
        user, _, domain = row.data["email"].partition("@")
        message["From"] = Address(f"Person {row.key}", user, domain)
        message["To"], message["Subject"], message["Message-ID"] = "help@shop.example", _subject(row), f"<{row.key}@example.org>"
        message["Date"] = format_datetime(self.zoned(row.changed, len(self.messages)))
        message["X-Nobody-Knows"] = "what is in here"
        message.set_content(_text(row), cte="base64")
        return message


def _subject(row: Row) -> str:
    """A header holds no NUL."""
    return str(row.data["name"])[:60].replace("\0", "")


def _text(row: Row) -> str:
    return "\n".join(value if isinstance(value, str) else json.dumps(value) for value in row.data.values())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    fake: Fake

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to tell."""


class _Session(socketserver.StreamRequestHandler):
    """One client: a line is a command, by its name; what it may not, is refused with what servers write."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        self._fake: Fake = self.server.fake  # type: ignore[attr-defined]  # the server is a _Server
        self._fetched = 0
        self._say("* OK here")
        for line in self.rfile:
            tag, _, command = line.decode().rstrip("\r\n").partition(" ")
            name, _, rest = command.removeprefix("UID ").partition(" ")
            if name == "LOGOUT":
                self._say("* BYE", f"{tag} OK done")
                return
            answered = getattr(self, f"_{name.lower()}", self._unknown)(rest)
            if answered is None:
                return
            self._say(f"{tag} {answered}")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def _unknown(self, rest: str) -> str | None:
        return "BAD no such command"

    def _capability(self, rest: str) -> str | None:
        self._say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def _login(self, rest: str) -> str | None:
        if self._fake.revoked or rest != f'me "{self._fake.secret}"':
            return f"NO [AUTHENTICATIONFAILED] no entry for person1@example.org with {self._fake.secret}"
        return "OK welcome"

    def _examine(self, rest: str) -> str | None:
        if rest != '"INBOX"':
            return "NO no such folder"
        self._say(f"* {len(self._fake.messages)} EXISTS", f"* OK [UIDVALIDITY {VALIDITY}] these numbers hold")
        return "OK [READ-ONLY] done"

    def _search(self, rest: str) -> str | None:
        if self._fake.trouble == "spoil":
            self._say("<html>no entry for person1@example.org</html>")
        self._say(f"* SEARCH {' '.join(map(str, sorted(self._fake.messages)))}".rstrip())
        return "OK done"

    def _fetch(self, rest: str) -> str | None:
        """Each message asked for, up to the size asked for; or what servers do instead."""
        self._fake.requests.append("FETCH")
        self._fetched += 1
        if self._fake.trouble == "break" and self._fetched > 1:
            return None
        if self._fake.trouble in ("NO", "BAD"):
            return f"{self._fake.trouble} no entry for person1@example.org with {self._fake.secret}"
        numbers, _, items = rest.partition(" ")
        asked = re.fullmatch(r"\(UID BODY\.PEEK\[\]<0\.(\d+)>\)", items)
        if asked is None:
            return "BAD no such item"
        for position, number in enumerate(map(int, numbers.split(",")), 1):
            if number in self._fake.messages:
                raw = self._fake.messages[number][: int(asked[1])]
                self.wfile.write(b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n" % (position, number, len(raw), raw))
        return "OK done"
