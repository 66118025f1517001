"""A name keeps the spelling of its source, in NFC; its case is repaired only where all of it is upper or lower."""

from __future__ import annotations

import re
import unicodedata
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
_RANKS = words("baron baroness earl duke duchess count countess viscount marquess baronet knight")
_PATRONYMICS = ("вна", "вич", "чна", "ьич")
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
    return unicodedata.normalize("NFC", repair_case(folded)) if folded else None


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
    titled = "".join(part[:1].title() + part[1:] for part in _WORD_PARTS.findall(word))
    return _MC.sub(lambda match: match[1] + match[2].upper(), titled) if len(titled) > 4 else titled


def parse(text: str, family_first: bool = False, two_family_names: bool = False) -> Name | None:
    """The parts of a full name: `Dr. Anna-Lena von der Heide`, `García López, María`, `John "Jack" Smith Jr.`

    Args:
        family_first: whether a name without comma begins with the family name.
        two_family_names: whether a name without comma ends with two of them, as in Spain.
    """
    folded = clean_text(text)
    if not folded:
        return None
    nickname, rest = _nickname(repair_case(folded))
    parts, behind = _suffixes([part.strip() for part in rest.split(",") if part.strip()])
    if len(parts) >= 2:
        name = _comma(parts[0].split(), " ".join(parts[1:]).split())
    else:
        name = _ordered(" ".join(parts).split(), family_first, two_family_names)
    return name._replace(suffix=_text([*filter(None, [name.suffix]), *behind]), nickname=nickname)


def _suffixes(parts: list[str]) -> tuple[list[str], list[str]]:
    """The parts between commas that are names, and the words of those that are suffixes or ranks (`Jr.`, `1st Baron Clifford`)."""
    names = [part for place, part in enumerate(parts) if not place or not _is_suffix(part)]
    return names, [word for part in parts[1:] if _is_suffix(part) for word in part.split()]


def _is_suffix(part: str) -> bool:
    words = part.split()
    return words[0][0].isdigit() or words[0].lower() in _RANKS or all(_is(word, _SUFFIXES) for word in words)


def _comma(family: list[str], given: list[str]) -> Name:
    before, family, suffix = _strip(family)
    prefix, given, more = _strip(given)
    while given and given[-1].lower() in _PARTICLES:
        family = [given.pop(), *family]
    return _name([*before, *prefix], given, family, [*suffix, *more])


def _ordered(words: list[str], family_first: bool, two_family_names: bool) -> Name:
    prefix, words, suffix = _strip(words)
    if len(words) < 2:
        return _name(prefix, [] if prefix else words, words if prefix else [], suffix)
    if len(words) == 3 and words[-1].lower().endswith(_PATRONYMICS):
        family_first = True
    if family_first:
        start = next((place for place, word in enumerate(words[:-1]) if word.lower() not in _PARTICLES), 0)
        return _name(prefix, words[start + 1 :], words[: start + 1], suffix)
    last = len(words) - (2 if two_family_names and len(words) > 2 else 1)
    start = next((place for place, word in enumerate(words) if place and word.lower() in _PARTICLES and place < len(words) - 1), last)
    return _name(prefix, words[: min(start, last)], words[min(start, last) :], suffix)


def _name(prefix: list[str], given: list[str], family: list[str], suffix: list[str]) -> Name:
    first, middle = (given[0], given[1:]) if given else (None, [])
    return Name(_text(prefix), first, _text(middle), _text(family), _text(suffix), None)


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
