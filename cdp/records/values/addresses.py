"""An address is its seven parts; a house number is apart from its street, and a postal code is upper case with single blanks."""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cdp.records.values.text import clean as clean_text
from cdp.records.values.text import fold, is_blank, upper, words

NUMBER = r"\d+(?:\s?[-–/]\s?\d+)?(?:(?!\s[NSEW]\b\.?\s)\s?[a-zA-Z](?:\s?-\s?[a-zA-Z])?(?![a-zA-Z]))?(?:\s1/2)?"
_BEFORE = re.compile(rf"(?P<number>{NUMBER})(?:,\s*|\s+)(?P<street>(?:\D|\d+(?:st|nd|rd|th)\b).*)")
_BEHIND = re.compile(rf"(?P<street>.*?\D)[,\s]+(?:(?:nr|no|n[º°]|№|num|дом|д)\.?\s*)?(?P<number>{NUMBER})", re.IGNORECASE)
UNITS = words("""
    apt apartment apartamento appt app unit suite ste flat fl floor room rm # whg wohnung etage og top piso depto dpto apto bloco кв
    bâtiment bat
""")
_UNIT_WORDS = "|".join(sorted(UNITS))
_UNIT = re.compile(rf"[,\s]+(?P<unit>(?:{_UNIT_WORDS})(?:[.\s]+#?\s?|#?(?=\d))(?:[a-z]{{1,2}}|[a-z]{{0,3}}-?\d[\w\-]*))$", re.IGNORECASE)
_FLOOR = re.compile(r"[,\s]+(?P<unit>\d+\s?[ºª°](?:\s?\w{1,4})?)$")
BOX = re.compile(r"(?:p\.?\s?o\.?\s?box|postfach|apartado|caixa postal|b\.?p\.?|postbus|а/я)\b", re.IGNORECASE)
_FLAT_FIRST = re.compile(r"(?P<unit>(?:flat|apt|unit|apartment|suite)\s+[\w\-]+)[,\s]+(?P<rest>.+)", re.IGNORECASE)
_PLAIN_BEFORE = re.compile(r"(\d+[a-zA-Z]?) ([^\W\d_]{2,}(?: [^\W\d_]+)*)(?: ([Aa]pt \d+|APT \d+))?")
_PLAIN_LINE = r"^(?P<number>[0-9]+[a-zA-Z]?) (?P<street>[A-Za-z]{2,}(?: [A-Za-z]+)*)(?: (?P<unit>[Aa]pt [0-9]+|APT [0-9]+))?$"
"""`_PLAIN_BEFORE` in ASCII, for whole columns (RE2)."""
_UNIT_WORD = rf"\b(?:{'|'.join(sorted(word for word in UNITS if word.isalpha() and word.isascii()))})\b"
_PLAIN_BEHIND = re.compile(r"([A-ZÄÖÜ][a-zäöüß]{3,}) (\d{1,4}[a-z]?)")
POSTAL = {
    "US": r"\d{5}(?:-\d{4})?",
    "CA": r"[A-Z]\d[A-Z]\s?\d[A-Z]\d",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}",
    "NL": r"\d{4}\s?[A-Z]{2}",
    "BR": r"\d{5}-?\d{3}",
    "PT": r"\d{4}-\d{3}",
    "PL": r"\d{2}-\d{3}",
    "SE": r"\d{3}\s?\d{2}",
    "JP": r"\d{3}-\d{4}",
} | {
    country: rf"\d{{{digits}}}"
    for digits, named in {4: "AT CH BE AU DK NO", 5: "DE FR ES IT MX", 6: "RU IN"}.items()
    for country in named.split()
}
ANY_POSTAL = "|".join(
    [r"[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}", r"[A-Z]\d[A-Z]\s?\d[A-Z]\d", r"\d{5}(?:-\d{3,4})?", r"\d{4}\s[A-Z]{2}\b", r"\d{4,6}"]
)
_GB = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)\s*(\d[A-Z]{2})")


class Address(NamedTuple):
    """The parts of an address, in the order of `model.ADDRESS`."""

    street: str | None
    house_number: str | None
    unit: str | None
    postal_code: str | None
    city: str | None
    region: str | None
    country: str | None


class StreetLine(NamedTuple):
    """A street line, divided."""

    street: str | None
    house_number: str | None
    unit: str | None


class StreetLines(NamedTuple):
    """A column of street lines: the parts of those that are divided, and the others as they are."""

    street: pa.Array
    house_number: pa.Array
    unit: pa.Array
    others: pa.Array


def clean_postal_code(text: str, country: str | None = None) -> str | None:
    """Upper case, blanks folded, a British code in its two parts; a zero that a spreadsheet cut off five digits is put back."""
    code = upper(fold(text)).removesuffix(".0")
    if not code or is_blank(code):
        return None
    british = _GB.fullmatch(code) if country in (None, "GB") else None
    if british:
        return f"{british[1]} {british[2]}"
    if country in ("DE", "FR", "ES", "IT", "US", "MX") and code.isdigit() and len(code) == 4:
        return "0" + code
    return code


def is_postal_code(text: str, country: str) -> bool:
    """Whether a text has the form of the country's postal codes; false where the form is not known."""
    pattern = POSTAL.get(country)
    return pattern is not None and re.fullmatch(pattern, upper(fold(text))) is not None


def split_street(text: str) -> StreetLine | None:
    """Street, house number and unit of one line: `12b Main St Apt 4`, `Hauptstraße 12 b`, `Calle Mayor, 5`, `Flat 3, 10 High Street`."""
    line = clean_text(text)
    if line is None:
        return None
    if (plain := _PLAIN_BEFORE.fullmatch(line)) and UNITS.isdisjoint(plain[2].lower().split()):
        return StreetLine(plain[2], plain[1], plain[3])
    if (plain := _PLAIN_BEHIND.fullmatch(line)) and not BOX.match(line):
        return StreetLine(plain[1], plain[2], None)
    return _divided(line)


def plain_lines(lines: pa.Array) -> StreetLines:
    """The lines of a column that are in the plain form most are written in (`12b Main Street Apt 4`), divided at once."""
    found = pc.extract_regex(lines, _PLAIN_LINE)
    number, street, unit = (found.field(name) for name in ("number", "street", "unit"))
    plain = pc.and_not(found.is_valid(), pc.match_substring_regex(street, _UNIT_WORD, ignore_case=True))
    return StreetLines(
        pc.if_else(plain, street, None),
        pc.if_else(plain, number, None),
        pc.if_else(pc.and_(plain, pc.not_equal(unit, "")), unit, None),
        pc.if_else(plain, None, lines),
    )


def _divided(line: str) -> StreetLine:
    """Street, number and unit of a line that is in no plain form."""
    unit = None
    flat = _FLAT_FIRST.fullmatch(line)
    if flat:
        unit, line = flat["unit"], flat["rest"]
    else:
        behind = _UNIT.search(line) or _FLOOR.search(line)
        if behind and behind.start() > 2:
            unit, line = behind["unit"].strip(), line[: behind.start()]
    match = numbered(line)
    if not match:
        return StreetLine(line.strip(" ,"), None, unit)
    return StreetLine(match["street"].strip(" ,"), _tight(match["number"]), unit)


def numbered(line: str) -> re.Match[str] | None:
    """`street` and `number` of a line that is both; None for others, such as a post office box."""
    match = _BEFORE.fullmatch(line) or _BEHIND.fullmatch(line)
    return match if match and not BOX.match(line) and any(char.isalpha() for char in match["street"]) else None


def _tight(number: str) -> str:
    """`12 b` is `12b`, `3 - 5` is `3-5`; `1 1/2` stays."""
    return re.sub(r"(?<=\d)\s+(?=[a-zA-Z])|\s*(?=[-–])|(?<=[-–])\s*", "", number)
