"""A whole address in one text is told apart by what its pieces look like: a code, a country, a region, a street with its number, a unit.

What stands between commas or on lines of their own is a piece. Nothing is lost: a building or a district that has no part of its own
stands with the unit.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import pycountry

from cdp.records.values import countries
from cdp.records.values.addresses import (
    ANY_POSTAL,
    BOX,
    NUMBER,
    POSTAL,
    UNITS,
    Address,
    StreetLine,
    clean_postal_code,
    numbered,
    split_street,
)
from cdp.records.values.text import Unclean, fold, is_blank, words

_TYPES = words("""
    street st str road rd avenue ave av drive dr lane ln court ct boulevard blvd place pl square sq terrace crescent close way parkway pkwy
    highway hwy circle cir row walk gardens grove hill rise mews plaza trail
    strasse straße weg allee platz gasse ring ufer damm chaussee
    rue chemin quai impasse cours calle avenida avda paseo plaza carrer carretera camino via viale corso piazza largo
    rua praça travessa estrada alameda ulica ul ulitsa ул улица пр проспект straat laan plein gatan vägen vej gade jalan jln marg nagar
""")
_OPEN = re.compile(r"straße|strasse|str\.?$|weg$|gasse$|platz$|allee$|straat|laan$|gatan$|vägen$|vej$|gade$", re.IGNORECASE)
"""Ends of words that name a street in languages that write it in one word."""
_LONE_NUMBER = re.compile(rf"(?:(?:nr|no|n[º°]|№|num|дом|д)\.?\s*)?(?P<number>{NUMBER})", re.IGNORECASE)
_UNIT = re.compile(
    rf"#\s?[\w-]+|(?:{'|'.join(sorted(UNITS - {'#'}))}|bld|bldg|building|block|blk|penthouse|корп|стр)\b\.?\s*#?[\w\-./ ]{{0,12}}"
    r"|\d+\s?[ºª°](?:\s?\w{1,4})?|.* (?:suite|floor|etage|étage)",
    re.IGNORECASE,
)
_HASH_NUMBER = re.compile(rf"(?:#|no\.?)\s?(?P<number>{NUMBER})", re.IGNORECASE)
_NUMBERED_STREET = re.compile(r"[^\W\d]+\.? \d+")
"""Streets that have numbers for names: Calle 14, Street 128."""
_DIRECTION = words("n s e w ne nw se sw north south east west")
_CAPITAL_CODE = re.compile(r"[A-Z]{2,3}")


class _Code(NamedTuple):
    """A postal code, what stands before and behind it in its piece, and whether it has the form of the country's codes."""

    piece: int
    text: str
    before: str
    behind: str
    own: bool


def parse(text: str, country: str | None = None) -> Address | None:
    """The parts of an address on one line or several; `country` is assumed where the text names none."""
    pieces = _pieces(text)
    if not pieces:
        return None
    pieces, named = _country(pieces)
    country = named or country
    code = _code(pieces, country)
    if code is None and len(pieces) == 1 and not any(char.isdigit() for char in pieces[0]) and not _names_street(pieces[0]):
        return Address(None, None, None, None, pieces[0], None, country)
    head, city, region = _place(pieces, code, country)
    street, number, unit = _street(head) if head else (None, None, None)
    if city is None and street is not None and (code or region):
        street, city = _city_behind(street, number)
    code_text = clean_postal_code(code.text, country if code.own else None) if code else None
    return Address(street, number, unit, code_text, city, region, country)


def street_line(text: str) -> StreetLine | None:
    """Street, house number and unit of the street part of an address, on one line or several."""
    if "," not in text and "\n" not in text:
        return split_street(text)
    pieces = _pieces(text)
    return _street(pieces) if len(pieces) > 1 else split_street(text)


def _pieces(text: str) -> list[str]:
    found = [part.strip() for line in text.splitlines() for part in fold(line).split(",")]
    return [part for part in found if part and not is_blank(part)]


def _country(pieces: list[str]) -> tuple[list[str], str | None]:
    """The pieces without the country that the last or the last but one names."""
    for place in (len(pieces) - 1, len(pieces) - 2):
        if place < 1 or len(pieces[place]) < 3 or any(char.isdigit() for char in pieces[place]):
            continue
        try:
            return pieces[:place] + pieces[place + 1 :], countries.clean(pieces[place])
        except Unclean:
            continue
    return pieces, None


def _code(pieces: list[str], country: str | None) -> _Code | None:
    """The last postal code of the country, else of any; never a house number that a street follows, nor that of a box."""
    own = POSTAL.get(country or "")
    for form in (own, ANY_POSTAL) if own else (ANY_POSTAL,):
        pattern = re.compile(rf"(?<![\w\-])(?:[A-Z]{{1,2}}-)?(?P<code>{form})(?![\w\-])", re.IGNORECASE)
        for piece in range(len(pieces) - 1, -1, -1):
            for match in reversed(list(pattern.finditer(pieces[piece]))):
                before, behind = pieces[piece][: match.start()].strip(), pieces[piece][match.end() :].strip()
                code = _Code(piece, match["code"], before, behind, form is own)
                if _is_code(code, len(pieces)):
                    return code
    return None


def _is_code(code: _Code, pieces: int) -> bool:
    """Whether it stands where a postal code stands: one that is not of the country's form, not between words nor in the first piece."""
    if not code.own and (code.piece == 0 or (code.before and code.behind)):
        return False
    if code.piece == 0 and ((not code.before and pieces > 1) or BOX.search(code.before)):
        return False
    if _names_street(code.behind):
        return False
    return bool(code.behind) or not _names_street(code.before) or _ends_as_place(code.before)


def _ends_as_place(before: str) -> bool:
    """Whether words that hold a street go on behind it: 80 Delaware Ave SE Washington DC."""
    return _names_street(before) and not _is_type(before.split()[-1])


def _place(pieces: list[str], code: _Code | None, country: str | None) -> tuple[list[str], str | None, str | None]:
    """What is left for the street, the city and the region."""
    if code is None:
        return _last_place(pieces, None, country)
    head, tail = pieces[: code.piece], pieces[code.piece + 1 :]
    if code.behind:
        head = [*head, code.before] if code.before else head
        return head, code.behind, tail[0] if tail else None
    if code.before:
        before, region = _region_behind(code.before, country)
        if before:
            return (head, before, region) if head else ([before], None, region)
        named = bool(head) and not _holds_number(head[-1]) and not _names_street(head[-1])
        return (head[:-1], head[-1], region) if named else (head, None if _CAPITAL_CODE.fullmatch(region or "") else region, region)
    if tail:
        return head, tail[0], tail[1] if len(tail) > 1 else None
    return _last_place(head, None, country)


def _last_place(pieces: list[str], region: str | None, country: str | None) -> tuple[list[str], str | None, str | None]:
    """The pieces without the city, and the region behind it, that come last."""
    if len(pieces) > 2 and not _names_street(pieces[-1]) and (_CAPITAL_CODE.fullmatch(pieces[-1]) or _is_region(pieces[-1], country)):
        pieces, region = pieces[:-1], pieces[-1]
    told = len(pieces) > 1 and not (_holds_number(pieces[-1]) or _names_street(pieces[-1]) or _UNIT.fullmatch(pieces[-1]))
    if told and (any(_holds_number(piece) or _names_street(piece) for piece in pieces[:-1])):
        return pieces[:-1], pieces[-1], region
    return pieces, None, region


def _region_behind(text: str, country: str | None) -> tuple[str, str | None]:
    """The words before a code without the region that they end with."""
    parts = text.split()
    if _CAPITAL_CODE.fullmatch(parts[-1]):
        return " ".join(parts[:-1]), parts[-1]
    for size in (2, 1):
        if len(parts) >= size and country in ("US", "CA", "AU", "IN") and _is_region(" ".join(parts[-size:]), country):
            return " ".join(parts[:-size]), " ".join(parts[-size:])
    return text, None


def _is_region(text: str, country: str | None) -> bool:
    return country is not None and text.casefold() in _regions(country)


@cache
def _regions(country: str) -> frozenset[str]:
    return frozenset(found.name.casefold() for found in pycountry.subdivisions.get(country_code=country) or ())  # type: ignore[no-untyped-call]  # pycountry leaves it untyped


def _street(pieces: list[str]) -> StreetLine:
    """Street, number and unit of the pieces before the place; what else they tell stands with the unit."""
    pieces = _joined(pieces)
    chosen = max(range(len(pieces)), key=lambda i: (_likely(pieces[i]), -i))
    line = split_street(pieces[chosen])
    assert line is not None
    others = [piece for i, piece in enumerate(pieces) if i != chosen]
    told = [match for match in map(_HASH_NUMBER.fullmatch, others) if match]
    if told and _NUMBERED_STREET.fullmatch(pieces[chosen]) and _names_street(pieces[chosen]):
        others.remove(told[0][0])
        line = StreetLine(pieces[chosen], told[0]["number"], None)
    return line._replace(unit=", ".join(piece for piece in (line.unit, *others) if piece) or None)


def _likely(piece: str) -> int:
    """How much a piece looks like a street with its number."""
    if _UNIT.fullmatch(piece):
        return 0
    return 1 + 2 * _names_street(piece) + 3 * (numbered(piece) is not None)


def _joined(pieces: list[str]) -> list[str]:
    """The pieces, with a house number that stands alone beside its street."""
    out: list[str] = []
    waiting = ""
    for piece in pieces:
        lone = _LONE_NUMBER.fullmatch(piece)
        if lone and out and not _holds_number(out[-1]) and not _UNIT.fullmatch(piece):
            out[-1] = f"{out[-1]}, {piece}"
        elif lone and not out and not waiting:
            waiting = lone["number"]
        else:
            out.append(f"{waiting} {piece}".strip())
            waiting = ""
    return [*out, waiting] if waiting else out


def _city_behind(street: str, number: str | None) -> tuple[str, str | None]:
    """`32nd St Palm Harbor` behind a house number is a street and a city: words that follow the last word for a street name the city."""
    parts = street.split()
    last = max((i for i, word in enumerate(parts) if i and _is_type(word)), default=None)
    if number is None or last is None:
        return street, None
    while last + 1 < len(parts) and parts[last + 1].strip(".").casefold() in _DIRECTION:
        last += 1
    city = parts[last + 1 :]
    if not city or any(char.isdigit() for word in city for char in word):
        return street, None
    return " ".join(parts[: last + 1]), " ".join(city)


def _holds_number(piece: str) -> bool:
    return any(char.isdigit() for char in piece)


def _names_street(piece: str) -> bool:
    return any(_is_type(word) for word in piece.split())


def _is_type(word: str) -> bool:
    return word.strip(".").casefold() in _TYPES or bool(_OPEN.search(word))
