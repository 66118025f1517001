"""Comparable text is a pure function of the written text: folded to ASCII lower case, punctuation gone, at most 80 characters.

Everything here works on the distinct values of a column, never on its rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
from anyascii import anyascii

LONGEST = 80
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SUFFIXES = {
    "jr": "2",
    "junior": "2",
    "jnr": "2",
    "sr": "1",
    "senior": "1",
    "snr": "1",
    "ii": "2",
    "iii": "3",
    "iv": "4",
    "i": "1",
    "2nd": "2",
    "3rd": "3",
}
_TITLES = {"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "dame", "herr", "frau", "monsieur", "madame", "mme", "senor", "senora", "sra"}
_LEGAL = {
    "inc",
    "ltd",
    "llc",
    "gmbh",
    "corp",
    "co",
    "plc",
    "ag",
    "sa",
    "bv",
    "limited",
    "corporation",
    "company",
    "kg",
    "sarl",
    "srl",
    "spa",
    "oy",
    "ab",
    "pty",
}
_WAYS = {
    "street": "st", "str": "st", "strasse": "st", "road": "rd", "avenue": "ave", "av": "ave", "drive": "dr", "lane": "ln", "court": "ct",
    "boulevard": "blvd", "place": "pl", "square": "sq", "terrace": "ter", "trail": "trl", "circle": "cir",
    "highway": "hwy", "parkway": "pkwy",
    "north": "n", "south": "s", "east": "e", "west": "w", "apartment": "apt", "suite": "ste", "crescent": "cres",
    "close": "cl", "gardens": "gdns",
    "platz": "pl", "weg": "way", "allee": "ave",
}  # fmt: skip


def fold(values: pa.Array) -> pa.Array:
    """Each value in lower-case ASCII words; an empty result is null. Other scripts are transliterated."""
    values = pc.utf8_slice_codeunits(values.cast(pa.string()), 0, LONGEST * 2)
    ascii_only = pc.string_is_ascii(values)
    if not pc.all(ascii_only, skip_nulls=True, min_count=0).as_py():
        plain = ascii_only.to_pylist()
        values = pa.array(
            [v if ok or v is None else _transliterate(v) for v, ok in zip(values.to_pylist(), plain, strict=True)], pa.string()
        )
    values = pc.ascii_lower(values)
    values = pc.replace_substring_regex(values, r"['`’]", "")
    values = pc.replace_substring_regex(values, r"[^a-z0-9]+", " ")
    values = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(values), 0, LONGEST)
    return pc.if_else(pc.equal(pc.utf8_length(values), 0), pa.scalar(None, pa.string()), values)


def _transliterate(value: str) -> str:
    return _CAMEL.sub(" ", anyascii(value)) if not _is_latin(value) else anyascii(value)


def _is_latin(value: str) -> bool:
    return all(ord(c) < 0x250 for c in value)


def split_suffix(folded: str) -> tuple[str, str]:
    """('brown', '2') for 'brown jr': a name without generation marks and titles, and the generation."""
    words = folded.split()
    rank = ""
    while len(words) > 1 and words[-1] in _SUFFIXES:
        rank = _SUFFIXES[words.pop()]
    while len(words) > 1 and words[0] in _TITLES:
        words.pop(0)
    return " ".join(words), rank


def suffix_rank(folded: str | None) -> str:
    """'2' for 'junior'; '' for what is no generation mark."""
    return _SUFFIXES.get(folded, "") if folded else ""


def split_full_name(written: str, folded: str, family_first: bool = False) -> tuple[str, str]:
    """(given names, family name) of a name written as one; before a comma always stands the family name."""
    if "," in written:
        family, _, given = written.partition(",")
        parts = fold(pa.array([given, family])).to_pylist()
        if parts[0] and parts[1] and parts[0] not in _SUFFIXES:
            return parts[0], parts[1]
    words = split_suffix(folded)[0].split()
    if family_first and len(words) > 1:
        return " ".join(words[1:]), words[0]
    return (" ".join(words[:-1]), words[-1]) if len(words) > 1 else (folded, "")


_SOUNDS = (
    ("x", "ks"), ("j", "i"), ("y", "i"), ("ue", "u"), ("ae", "a"), ("oe", "o"), ("ph", "f"), ("th", "t"), ("kh", "h"),
    ("w", "v"), ("sch", "s"), ("sh", "s"), ("sz", "s"),
    ("tz", "c"), ("ts", "c"), ("cz", "c"), ("ch", "c"), ("ck", "k"), ("q", "k"), ("z", "s"),
    *((c * n, c) for c in "abcdefghiklmnoprstuvx" for n in (3, 2)),
    ("iei", "ei"),
)  # fmt: skip


def spelling(folded: pa.Array) -> pa.Array:
    """One spelling for the ways in which scripts and languages write one sound: Müller and Mueller, Yuri and Jurij, Taroskiy and
    Taroskii."""
    for written, sound in _SOUNDS:
        folded = pc.replace_substring(folded, written, sound)
    return pc.replace_substring_regex(pc.replace_substring_regex(folded, "ia$", "a"), "ii?$", "i")


def organisation(folded: str) -> str:
    """A company's name without its legal form."""
    words = folded.split()
    kept = [w for w in words if w not in _LEGAL]
    return " ".join(kept or words)


def address_words(folded: str) -> str:
    """Street words in one spelling, sorted, so that a suite before or after the number reads the same."""
    words = folded.split()
    out = [_WAYS.get(w, w) for w in words]
    out = [w[:-7] + " st" if w.endswith("strasse") and len(w) > 8 else w for w in out]
    return " ".join(sorted(set(" ".join(out).split())))


def each(function: object, values: Iterable[str | None]) -> list[str | None]:
    """`function` of every value that is there."""
    return [None if v is None else function(v) for v in values]  # type: ignore[operator]  # pyarrow has no types: None was ruled out
