"""An address is its seven parts; a house number is apart from its street, and a postal code is upper case with single blanks."""

from __future__ import annotations

import re
from typing import NamedTuple

from cdp.records.values import countries
from cdp.records.values.text import Unclean, fold, is_blank, upper, words
from cdp.records.values.text import clean as clean_text

_NUMBER = r"\d+(?:\s?[-–/]\s?\d+)?(?:\s?[a-zA-Z](?:\s?-\s?[a-zA-Z])?(?![a-zA-Z]))?(?:\s1/2)?"
_BEFORE = re.compile(rf"(?P<number>{_NUMBER})(?:,\s*|\s+)(?P<street>(?:\D|\d+(?:st|nd|rd|th)\b).*)")
_BEHIND = re.compile(rf"(?P<street>.*?\D)[,\s]+(?:(?:nr|no|n[º°]|№|num|дом|д)\.?\s*)?(?P<number>{_NUMBER})", re.IGNORECASE)
_UNITS = words("""
    apt apartment apartamento appt app unit suite ste flat fl floor room rm # whg wohnung etage og top piso depto dpto apto bloco кв
    bâtiment bat
""")
_UNIT_WORDS = "|".join(sorted(_UNITS))
_UNIT = re.compile(rf"[,\s]+(?P<unit>(?:{_UNIT_WORDS})(?:[.\s]+#?\s?|#?(?=\d))(?:[a-z]{{1,2}}|[a-z]{{0,3}}-?\d[\w\-]*))$", re.IGNORECASE)
_FLOOR = re.compile(r"[,\s]+(?P<unit>\d+\s?[ºª°](?:\s?\w{1,4})?)$")
_BOX = re.compile(r"(?:p\.?\s?o\.?\s?box|postfach|apartado|caixa postal|b\.?p\.?|postbus|а/я)\b", re.IGNORECASE)
_FLAT_FIRST = re.compile(r"(?P<unit>(?:flat|apt|unit|apartment|suite)\s+[\w\-]+)[,\s]+(?P<rest>.+)", re.IGNORECASE)
_PLAIN_BEFORE = re.compile(r"(\d+[a-zA-Z]?) ([^\W\d_]{2,}(?: [^\W\d_]+)*)(?: ([Aa]pt \d+|APT \d+))?")
_PLAIN_BEHIND = re.compile(r"([A-ZÄÖÜ][a-zäöüß]{3,}) (\d{1,4}[a-z]?)")
_POSTAL = {
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
_ANY_POSTAL = "|".join(
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
    pattern = _POSTAL.get(country)
    return pattern is not None and re.fullmatch(pattern, upper(fold(text))) is not None


def split_street(text: str) -> StreetLine | None:
    """Street, house number and unit of one line: `12b Main St Apt 4`, `Hauptstraße 12 b`, `Calle Mayor, 5`, `Flat 3, 10 High Street`."""
    line = clean_text(text)
    if line is None:
        return None
    if (plain := _PLAIN_BEFORE.fullmatch(line)) and _UNITS.isdisjoint(plain[2].lower().split()):
        return StreetLine(plain[2], plain[1], plain[3])
    if (plain := _PLAIN_BEHIND.fullmatch(line)) and not _BOX.match(line):
        return StreetLine(plain[1], plain[2], None)
    return _divided(line)


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
    match = _BEFORE.fullmatch(line) or _BEHIND.fullmatch(line)
    if not match or _BOX.match(line) or not any(char.isalpha() for char in match["street"]):
        return StreetLine(line.strip(" ,"), None, unit)
    return StreetLine(match["street"].strip(" ,"), _tight(match["number"]), unit)


def _tight(number: str) -> str:
    """`12 b` is `12b`, `3 - 5` is `3-5`; `1 1/2` stays."""
    return re.sub(r"(?<=\d)\s+(?=[a-zA-Z])|\s*(?=[-–])|(?<=[-–])\s*", "", number)


def parse(text: str, country: str | None = None) -> Address | None:
    """The parts of an address on one line or several; `country` is assumed where the text names none."""
    lines = [part for line in text.splitlines() for part in fold(line).split(",") if part.strip()]
    parts = [part.strip() for part in lines if not is_blank(part.strip())]
    if not parts:
        return None
    parts, named = _country(parts)
    country = named or country
    place = _place(parts, country)
    if place is None:
        return _without_code(parts, country)
    index, match = place
    before, behind = parts[index][: match.start()].strip(), parts[index][match.end() :].strip()
    head = parts[:index]
    city, region, head = _city(before, behind, head, parts[index + 1 :], country)
    line = split_street(", ".join(head)) if head else None
    street, number, unit = line or (None, None, None)
    return Address(street, number, unit, clean_postal_code(match[0], country), city, region, country)


def _country(parts: list[str]) -> tuple[list[str], str | None]:
    if len(parts) > 1 and len(parts[-1]) > 2 and not any(char.isdigit() for char in parts[-1]):
        try:
            return parts[:-1], countries.clean(parts[-1])
        except Unclean:
            pass
    return parts, None


def _place(parts: list[str], country: str | None) -> tuple[int, re.Match[str]] | None:
    """The last part with a postal code of the country; the code alone is never the house number that begins the first part."""
    pattern = re.compile(rf"(?<![\w\-])(?:{_POSTAL.get(country or '', _ANY_POSTAL)})(?![\w\-])", re.IGNORECASE)
    for index in range(len(parts) - 1, -1, -1):
        matches = list(pattern.finditer(parts[index]))
        if matches and not (index == 0 and matches[-1].start() == 0 and len(parts) > 1):
            return index, matches[-1]
    return None


def _city(before: str, behind: str, head: list[str], tail: list[str], country: str | None) -> tuple[str | None, str | None, list[str]]:
    """City, region, and what is left for the street."""
    if behind:
        return behind, (tail[0] if tail else None), [*head, before] if before else head
    words = before.split()
    if words and len(words[-1]) in (2, 3) and words[-1].isalpha() and words[-1].isupper():
        region, words = words[-1], words[:-1]
        if words and head:
            return " ".join(words), region, head
        return (head[-1], region, head[:-1]) if len(head) > 1 else (" ".join(words) or None, region, head)
    if words:
        return before, None, head
    if tail:
        return tail[0], (tail[1] if len(tail) > 1 else None), head
    if len(head) > 2 and len(head[-1]) in (2, 3) and head[-1].isupper():
        return head[-2], head[-1], head[:-2]
    return (head[-1], None, head[:-1]) if len(head) > 1 else (None, None, head)


def _without_code(parts: list[str], country: str | None) -> Address:
    if len(parts) == 1 and parts[0].isalpha():
        return Address(None, None, None, None, parts[0], None, country)
    line = split_street(parts[0])
    region = parts[2] if len(parts) > 2 else None
    street, number, unit = line or (None, None, None)
    return Address(street, number, unit, None, parts[1] if len(parts) > 1 else None, region, country)
