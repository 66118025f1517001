"""A message as a row: who, when, what about, and its text; nothing of an attachment but its name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

LONGEST = 100_000
"""Signs of text that are kept."""


def row_of(raw: bytes, own: Sequence[str]) -> dict[str, Any]:
    """The row of a message; `counterpart` is the first address in it that is not one's own.

    Raises:
        ValueError: it has no date.
    """
    message = BytesParser(policy=policy.default).parsebytes(raw)
    sender, others = _addresses(message, "From"), [*_addresses(message, "To"), *_addresses(message, "Cc")]
    outbound = bool(sender) and _is_own(sender[0]["email"], own)
    foreign = [address for address in (others if outbound else [*sender, *others]) if not _is_own(address["email"], own)]
    time = parsedate_to_datetime(str(message["Date"]))
    return {
        "message_id": _text(message["Message-ID"]),
        "in_reply_to": _text(message["In-Reply-To"]),
        "date": (time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)).isoformat(),
        "from": sender,
        "to": _addresses(message, "To"),
        "cc": _addresses(message, "Cc"),
        "counterpart": foreign[0] if foreign else None,
        "direction": "outbound" if outbound else "inbound",
        "subject": _text(message["Subject"]),
        "text": _body(message),
        "attachments": [part.get_filename() for part in message.iter_attachments()] if message.is_multipart() else [],
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value).encode("utf-8", "replace").decode("utf-8").strip()


def _addresses(message: EmailMessage | Any, header: str) -> list[dict[str, str]]:
    found = getaddresses([str(value) for value in message.get_all(header, [])])
    return [{"name": name, "email": address.lower()} for name, address in found if "@" in address]


def _is_own(address: str, own: Sequence[str]) -> bool:
    return any(address == each or (each.startswith("@") and address.endswith(each)) for each in own)


def _body(message: EmailMessage | Any) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        content = str(part.get_content())
    except (LookupError, UnicodeError, AssertionError):
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if part.get_content_subtype() == "html":
        reader = _Words()
        reader.feed(content)
        content = " ".join("".join(reader.words).split())
    return content.strip()[:LONGEST]


class _Words(HTMLParser):
    """The words of a page, without scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)
