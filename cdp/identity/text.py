"""Comparable text is a pure function of the written text: folded to ASCII lower case, punctuation gone, at most 80 characters.

Everything here works on the distinct values of a column, never on its rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
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
_MARKED = f"^({'|'.join(sorted(_TITLES))}) | ({'|'.join(sorted(_SUFFIXES))})$"
_FORMS = rf"\b({'|'.join(sorted(_LEGAL))})\b"
_WAYS = {
    "street": "st", "str": "st", "strasse": "st", "road": "rd", "avenue": "ave", "av": "ave", "drive": "dr", "lane": "ln", "court": "ct",
    "boulevard": "blvd", "place": "pl", "square": "sq", "terrace": "ter", "trail": "trl", "circle": "cir",
    "highway": "hwy", "parkway": "pkwy",
    "north": "n", "south": "s", "east": "e", "west": "w", "apartment": "apt", "suite": "ste", "crescent": "cres",
    "close": "cl", "gardens": "gdns",
    "platz": "pl", "weg": "way", "allee": "ave",
}  # fmt: skip  # some to a line, as one looks them up; else each has a line of its own


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
    return or_null(pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(pc.utf8_ltrim_whitespace(values), 0, LONGEST)))


def or_null(values: pa.Array) -> pa.Array:
    """The values, null where they are empty."""
    return pc.if_else(pc.equal(pc.binary_length(values), 0), pa.scalar(None, pa.string()), values)


def at_sign(emails: pa.Array) -> npt.NDArray[np.int32]:
    """How many letters stand before the @ of each address; all where there is none."""
    at = pc.find_substring(emails, "@").to_numpy(zero_copy_only=False).astype(np.int32)
    odd = np.flatnonzero((at < 0) | ~pc.string_is_ascii(emails).to_numpy(zero_copy_only=False))
    at[odd] = [len(email.partition("@")[0]) for email in emails.take(pa.array(odd)).to_pylist()]
    return np.asarray(at)


def before_at(emails: pa.Array) -> tuple[pa.Array, pa.Array]:
    """What stands before the @ of each address, and behind it."""
    split = pc.split_pattern(emails, "@", max_splits=1)
    parts, starts = split.flatten(), pc.subtract(split.offsets[1:], pc.list_value_length(split))
    behind = pc.if_else(pc.equal(pc.list_value_length(split), 2), pc.add(starts, 1), pa.scalar(None, pa.int32()))
    return parts.take(starts), parts.take(behind).fill_null("")


def first_word(folded: pa.Array) -> pa.Array:
    """The first word of each value."""
    return pc.replace_substring_regex(folded, " .*", "")


def later_words(folded: pa.Array) -> pa.Array:
    """All words but the first; null where there is one."""
    return or_null(pc.replace_substring_regex(folded, "^[^ ]* ?", ""))


def last_word(folded: pa.Array) -> pa.Array:
    """The last word of each value."""
    return pc.replace_substring_regex(folded, "^.* ", "")


def sorted_words(folded: pa.Array) -> pa.Array:
    """The words of each value in their order."""
    first, rest = first_word(folded), later_words(folded)
    turned = pc.if_else(pc.less(rest, first), pc.binary_join_element_wise(rest, first, " "), folded)
    few = pc.if_else(pc.is_valid(rest), turned, folded)
    return _where(few, pc.match_substring_regex(folded, " .* "), lambda value: " ".join(sorted(value.split())), folded)


def _where(values: pa.Array, chosen: pa.Array, function: Callable[[str], str], asked: pa.Array | None = None) -> pa.Array:
    """`values`, and where they are chosen what the function makes of those (or of `asked`)."""
    chosen = chosen.fill_null(False)
    made = [function(value) for value in (values if asked is None else asked).filter(chosen).to_pylist()]
    return pc.replace_with_mask(values, chosen, pa.array(made, pa.string()))


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


def without_marks(folded: pa.Array) -> pa.Array:
    """Names without generation marks and titles."""
    return _where(folded, pc.match_substring_regex(folded, _MARKED), lambda value: split_suffix(value)[0])


def generation_marks(folded: pa.Array) -> pa.Array:
    """The generation that each name ends with: '2' for 'brown jr'; null where it ends with none."""
    none = pa.nulls(len(folded), pa.string())
    return or_null(_where(none, pc.match_substring_regex(folded, _MARKED), lambda value: split_suffix(value)[1], folded))


def suffix_ranks(folded: pa.Array) -> pa.Array:
    """'2' for 'junior'; null for what is no generation mark."""
    return pa.array([_SUFFIXES.get(value) for value in folded.to_pylist()], pa.string())


def full_names(written: pa.Array, folded: pa.Array, family_first: bool = False) -> tuple[pa.Array, pa.Array]:
    """Given names and family name of names written as one, folded too; before a comma always stands the family name."""
    bare = without_marks(folded)
    several, with_comma = pc.match_substring(bare, " "), pc.match_substring(written, ",")
    first, last = (later_words, first_word) if family_first else (_but_last, last_word)
    given, family = pc.if_else(several, first(bare), folded), pc.if_else(several, last(bare), pa.scalar(None, pa.string()))
    turned = _turned(written.filter(with_comma))
    parts = zip(turned, given.filter(with_comma).to_pylist(), family.filter(with_comma).to_pylist(), strict=True)
    told = [turn or (here, there) for turn, here, there in parts]
    one, other = (pa.array([names[i] for names in told], pa.string()) for i in (0, 1))
    return pc.replace_with_mask(given, with_comma, one), pc.replace_with_mask(family, with_comma, other)


def _turned(written: pa.Array) -> list[tuple[str, str] | None]:
    """(given names, family name) of 'Brown, Ann'; None where a comma says nothing of the kind."""
    halves = [name.partition(",") for name in written.to_pylist()]
    family, given = (fold(pa.array([half[i] for half in halves], pa.string())).to_pylist() for i in (0, 2))
    return [(g, f) if g and f and g not in _SUFFIXES else None for g, f in zip(given, family, strict=True)]


def _but_last(folded: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(folded, " [^ ]*$", "")


_SOUNDS = (
    ("x", "ks"), ("j", "i"), ("y", "i"), ("ue", "u"), ("ae", "a"), ("oe", "o"), ("ph", "f"), ("th", "t"), ("kh", "h"),
    ("w", "v"), ("sch", "s"), ("sh", "s"), ("sz", "s"),
    ("tz", "c"), ("ts", "c"), ("cz", "c"), ("ch", "c"), ("ck", "k"), ("q", "k"), ("z", "s"),
    *((c * n, c) for c in "abcdefghiklmnoprstuvx" for n in (3, 2)),
    ("iei", "ei"),
)  # fmt: skip  # some to a line, as one looks them up; else each has a line of its own


def spelling(folded: pa.Array) -> pa.Array:
    """One spelling for the ways in which scripts and languages write one sound: Müller and Mueller, Yuri and Jurij, Taroskiy and
    Taroskii."""

    def respelt(lines: str) -> str:
        for written, sound in _SOUNDS:
            lines = lines.replace(written, sound)
        return re.sub("ii?$", "i", re.sub("ia$", "a", lines, flags=re.MULTILINE), flags=re.MULTILINE)

    return _rewritten(folded, respelt)


def skeleton(folded: pa.Array) -> pa.Array:
    """Consonants, each once where it is doubled."""
    return _rewritten(folded, lambda lines: re.sub(r"([^\n])\1+", r"\1", re.sub("[aeiouy ]", "", lines)))


def _rewritten(folded: pa.Array, function: Callable[[str], str]) -> pa.Array:
    """What the function makes of all values as the lines of one text: far fewer calls than there are values."""
    return pa.array(function("\n".join(folded.to_pylist())).split("\n") if len(folded) else [], pa.string())


def organisations(folded: pa.Array) -> pa.Array:
    """Companies' names without their legal forms."""
    return _where(folded, pc.match_substring_regex(folded, _FORMS), _without_form)


def _without_form(folded: str) -> str:
    words = folded.split()
    kept = [w for w in words if w not in _LEGAL]
    return " ".join(kept or words)


def address_words(folded: pa.Array) -> pa.Array:
    """Street words in one spelling, sorted, so that a suite before or after the number reads the same."""
    return or_null(pa.array([None if value is None else _address_words(value) for value in folded.to_pylist()], pa.string()))


def _address_words(folded: str) -> str:
    words = folded.split()
    out = [_WAYS.get(w, w) for w in words]
    out = [w[:-7] + " st" if w.endswith("strasse") and len(w) > 8 else w for w in out]
    return " ".join(sorted(set(" ".join(out).split())))
