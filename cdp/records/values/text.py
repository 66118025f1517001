"""Text is stored in NFC, without control or zero-width characters, its white space folded; what joins letters or emoji survives."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b\u2060\u00ad\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_JOINER = re.compile("[\u200c\u200d]")
_BLANKS = frozenset({"", "-", "--", "---", "n/a", "#n/a", "\\n", "?", "."})
_NULLS = _BLANKS | {
    "null",
    "none",
    "nan",
    "nil",
    "undefined",
    "unknown",
    "na",
    "nat",
    "<na>",
    "(null)",
    "unbekannt",
    "keine",
    "k.a.",
    "sin datos",
}


def words(text: str) -> frozenset[str]:
    """The words of a text, for tables of words."""
    return frozenset(text.split())


class Unclean(ValueError):
    """A value that has no standard form; the text is a reason code such as `impossible_date`."""


def fold(text: str) -> str:
    """One line of text: NFC, invisible characters dropped, white space folded to single blanks."""
    if not text.isascii():
        text = _drop_joiners(unicodedata.normalize("NFC", _CONTROL.sub("", text)))
    elif not text.isprintable():
        text = _CONTROL.sub("", text)
    return " ".join(text.split())


def fold_lines(text: str) -> str:
    """Text of several lines: as `fold`, line breaks kept."""
    return "\n".join(fold(line) for line in text.strip().splitlines())


def is_blank(text: str) -> bool:
    """Whether people write this text where they have nothing to say; safe for names (`Null` is one)."""
    return len(text) < 5 and text.lower() in _BLANKS


def is_null(text: str) -> bool:
    """Whether this text stands for nothing in a typed field (date, e-mail, phone …)."""
    return len(text) < 10 and text.lower() in _NULLS


def clean(text: str) -> str | None:
    """A line of text, or None where it says nothing."""
    text = fold(text)
    return None if not text or is_blank(text) else text


def clean_lines(text: str) -> str | None:
    """Text of several lines, or None."""
    return fold_lines(text) or None


def clean_key(text: str) -> str | None:
    """A key: white space at its ends and characters nobody sees dropped, nothing else changed."""
    return fold(text) or None


def _drop_joiners(text: str) -> str:
    """Drop zero-width joiners between plain Latin letters, keep them where a script or an emoji needs them."""
    if not _JOINER.search(text):
        return text
    kept = []
    for place, char in enumerate(text):
        if char in "\u200c\u200d" and not (
            place and place + 1 < len(text) and ord(text[place - 1]) > 0x5FF and ord(text[place + 1]) > 0x5FF
        ):
            continue
        kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))
