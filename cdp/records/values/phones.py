"""A phone number is kept in E.164 where its length is possible in its country; an extension is no part of the number.

Numbers in the forms people write most are read with the patterns of phonenumbers' own metadata; every other goes to its parser.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, ValidationResult

from cdp.records.values.text import Unclean, fold, is_null

_USUAL = re.compile(r"\+?[0-9 ().\-/]+")
_PUNCTUATION = str.maketrans("", "", " ().-/")
_EXCEL = re.compile(r"(\d{7,15})\.0")


class Phone(NamedTuple):
    """A number and its extension."""

    number: str
    extension: str | None


class _Region(NamedTuple):
    code: str
    national_prefix: str
    number: re.Pattern[str]
    lengths: frozenset[int]


def clean(text: str, country: str | None = None) -> str | None:
    """The number in E.164; `country` (alpha-2) is where a number without international prefix belongs.

    Raises:
        Unclean: `invalid_phone`, or `phone_without_country` where there is no prefix and no country.
    """
    fast = _usual(text, country) if country else None
    if fast:
        return fast
    phone = parse(text, country)
    return phone.number if phone else None


def parse(text: str, country: str | None = None) -> Phone | None:
    """The number and its extension. Raises as `clean`."""
    text = fold(text)
    if is_null(text) or not text.strip("0 +-"):
        return None
    excel = _EXCEL.fullmatch(text)
    if excel:
        text = excel.group(1)
    if text.startswith("00") and country not in ("US", "CA"):
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as error:
        without = error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+")
        raise Unclean("phone_without_country" if without and country is None else "invalid_phone") from None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise Unclean("invalid_phone")
    return Phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), number.extension)


def _usual(text: str, country: str) -> str | None:
    """E.164 of a number that is written in the usual way for its country, else None."""
    if not _USUAL.fullmatch(text) or text.endswith(".0"):
        return None
    region = _region(country)
    if region is None:
        return None
    digits = text.translate(_PUNCTUATION)
    if digits.startswith("+"):
        if not digits.startswith("+" + region.code):
            return None
        national = digits[1 + len(region.code) :]
    elif region.national_prefix and digits.startswith(region.national_prefix):
        national = digits[len(region.national_prefix) :]
    elif region.national_prefix == "0":
        return None
    else:
        national = digits
    if len(national) in region.lengths and national[0] != "0" and not _prefixed(national, region) and region.number.fullmatch(national):
        return f"+{region.code}{national}"
    return None


def _prefixed(national: str, region: _Region) -> bool:
    return bool(region.national_prefix) and national.startswith(region.national_prefix)


@lru_cache(maxsize=512)
def _region(country: str) -> _Region | None:
    """What the fast way needs of a country whose national prefix is a plain digit or none; else None."""
    metadata = PhoneMetadata.metadata_for_region(country)
    general = metadata.general_desc if metadata else None
    if metadata is None or general is None or general.national_number_pattern is None:
        return None
    prefix = metadata.national_prefix or ""
    if (metadata.national_prefix_for_parsing or "") != prefix or metadata.national_prefix_transform_rule:
        return None
    return _Region(str(metadata.country_code), prefix, re.compile(general.national_number_pattern), frozenset(general.possible_length))
