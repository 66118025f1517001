"""A name keeps the spelling of its source, in NFC; its case is repaired only where all of it is upper or lower."""

from __future__ import annotations

import re
from typing import NamedTuple

from cdp.records.values.text import clean as clean_text
from cdp.records.values.text import words

_PREFIXES = words("""
    mr mrs ms miss mx dr prof herr frau sr sra srta don doña dona dom mme mlle m monsieur madame mademoiselle sir dame lord lady rev fr hon
    ing dipl.-ing mag univ.-prof med phil jur h.c rer nat habil dott dott.ssa sig sig.ra senhor senhora г-н г-жа господин госпожа
""")
_SUFFIXES = words("jr sr ii iii iv v junior senior jun sen filho neto júnior phd md esq mba cpa bsc msc ba ma llm dds rn")
_PARTICLES = words("""
    van von der den de del della di da dos das do du la le los las el al bin ibn binti ter ten zu zum zur vom af av y e lo dal
    dalla degli mac abu ben st st. o'
""")
_MC = re.compile(r"\b(Mc)([a-z])")
_WORD_PARTS = re.compile(r"[^\s\-'’]+|[\s\-'’]+")


class Name(NamedTuple):
    """The parts of a full name."""

    prefix: str | None
    given: str | None
    middle: str | None
    family: str | None
    suffix: str | None
    nickname: str | None


def clean(text: str) -> str | None:
    """A part of a name."""
    folded = clean_text(text)
    return repair_case(folded) if folded else None


def repair_case(text: str) -> str:
    """Title case, particles small, where the text is all upper or all lower; else the text itself. Initials stay as they are."""
    if not (text.isupper() or text.islower()) or (text.isupper() and len(text.replace(".", "").replace(" ", "")) <= 2):
        return text if not (len(text) == 1 and text.islower()) else text.upper()
    words = text.lower().split(" ")
    last = len(words) - 1
    return " ".join(
        word if word in _PARTICLES and 0 <= place < last else _title(word, upper=text.isupper()) for place, word in enumerate(words)
    )


def _title(word: str, upper: bool) -> str:
    if word.rstrip(".") in ("ii", "iii", "iv"):
        return word.upper()
    titled = "".join(part[:1].upper() + part[1:] for part in _WORD_PARTS.findall(word))
    return _MC.sub(lambda match: match[1] + match[2].upper(), titled) if len(titled) > 4 else titled


def parse(text: str, family_first: bool = False) -> Name | None:
    """The parts of a full name: `Dr. Anna-Lena von der Heide`, `García López, María`, `John "Jack" Smith Jr.`

    Args:
        family_first: whether a name without comma begins with the family name.
    """
    folded = clean_text(text)
    if not folded:
        return None
    nickname, rest = _nickname(repair_case(folded))
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    while len(parts) > 1 and all(_is(word, _SUFFIXES) for word in parts[-1].split()):
        parts = [*parts[:-2], f"{parts[-2]} {parts[-1]}"] if len(parts) == 2 else [f"{parts[0]} {parts[-1]}", *parts[1:-1]]
    if len(parts) >= 2:
        return _comma(parts[0].split(), " ".join(parts[1:]).split(), nickname)
    return _ordered(rest.replace(",", " ").split(), family_first, nickname)


def _comma(family: list[str], given: list[str], nickname: str | None) -> Name:
    before, family, suffix = _strip(family)
    prefix, given, more = _strip(given)
    while given and given[-1].lower() in _PARTICLES:
        family = [given.pop(), *family]
    return _name([*before, *prefix], given, family, [*suffix, *more], nickname)


def _ordered(words: list[str], family_first: bool, nickname: str | None) -> Name:
    prefix, words, suffix = _strip(words)
    if len(words) < 2:
        return _name(prefix, [] if prefix else words, words if prefix else [], suffix, nickname)
    if family_first:
        start = next((place for place, word in enumerate(words[:-1]) if word.lower() not in _PARTICLES), 0)
        return _name(prefix, words[start + 1 :], words[: start + 1], suffix, nickname)
    start = next(
        (place for place, word in enumerate(words) if place and word.lower() in _PARTICLES and place < len(words) - 1), len(words) - 1
    )
    return _name(prefix, words[:start], words[start:], suffix, nickname)


def _name(prefix: list[str], given: list[str], family: list[str], suffix: list[str], nickname: str | None) -> Name:
    first, middle = (given[0], given[1:]) if given else (None, [])
    return Name(_text(prefix), first, _text(middle), _text(family), _text(suffix), nickname)


def _text(words: list[str]) -> str | None:
    return " ".join(words) or None


def _strip(words: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Titles before, the name, suffixes behind; a name is never emptied."""
    start, end = 0, len(words)
    while start < end - 1 and _is(words[start], _PREFIXES) and (len(words[start].rstrip(".")) > 1 or words[start].lower() != "m."):
        start += 1
    while (
        end - 1 > start
        and _is(words[end - 1], _SUFFIXES)
        and (end - start > 2 or words[end - 1].rstrip(".").lower() in ("jr", "sr", "junior", "phd", "md"))
    ):
        end -= 1
    return words[:start], words[start:end], words[end:]


def _is(word: str, words: frozenset[str]) -> bool:
    return word.lower().rstrip(".").replace("’", "'") in words


_QUOTED = re.compile(r"\s*[\"“„«(]\s*([^\"“”„«»()]+?)\s*[\"”“»)]\s*")


def _nickname(text: str) -> tuple[str | None, str]:
    match = _QUOTED.search(text)
    if not match or not (text[: match.start()] + text[match.end() :]).strip():
        return None, text
    return match[1], f"{text[: match.start()]} {text[match.end() :]}".strip()
