"""Text is stored in NFC, without control or zero-width characters, its white space folded; what joins letters or emoji survives."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b\u2060\u00ad\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_JOINERS = re.compile("[\u200c\u200d]+")
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
    if text.isascii():
        return " ".join((text if text.isprintable() else _CONTROL.sub("", text)).split())
    folded = " ".join(unicodedata.normalize("NFC", _CONTROL.sub("", text)).split())
    if not _JOINERS.search(folded):
        return folded
    return " ".join(unicodedata.normalize("NFC", _JOINERS.sub(_needed, folded)).split())


def fold_lines(text: str) -> str:
    """Text of several lines: as `fold`, line breaks kept."""
    return "\n".join(fold(line) for line in text.splitlines()).strip("\n")


def upper(text: str) -> str:
    """Upper case, composed again where that takes a letter apart."""
    return text.upper() if text.isascii() else unicodedata.normalize("NFC", text.upper())


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


def _needed(joiners: re.Match[str]) -> str:
    """Joiners between letters of a script, or emoji, that need them; between plain Latin letters, or at an end, nobody does."""
    before, behind = joiners.string[: joiners.start()][-1:], joiners.string[joiners.end() :][:1]
    return joiners[0] if before > "\u05ff" and behind > "\u05ff" else ""
