"""A phone number is kept in E.164 where its length is possible in its country; an extension is no part of the number.

In columns, numbers in the forms people write most are read with the patterns of phonenumbers' own metadata; every other goes to its parser.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers import NumberParseException, PhoneMetadata, ValidationResult

from cdp.records.values.text import Unclean, fold, is_null

_EXCEL = re.compile(r"(\d{7,15})\.0")


class Phone(NamedTuple):
    """A number and its extension."""

    number: str
    extension: str | None


class _Region(NamedTuple):
    code: str
    national_prefix: str
    pattern: str
    lengths: frozenset[int]


def clean(text: str, country: str | None = None) -> str | None:
    """The number in E.164; `country` (alpha-2) is where a number without international prefix belongs.

    Raises:
        Unclean: `invalid_phone`, or `phone_without_country` where there is no prefix and no country.
    """
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


def usual_numbers(texts: pa.Array, country: str) -> pa.Array | None:
    """E.164 of the numbers of a column that are written in the usual way for their country, else null; None for countries of other ways."""
    region = _region(country)
    if region is None:
        return None
    usual = pc.and_not(pc.match_substring_regex(texts, r"^\+?[0-9 ().\-/]+$"), pc.ends_with(texts, ".0"))
    digits = pc.replace_substring_regex(texts, r"[ ().\-/]", "")
    plus, prefix = pc.starts_with(digits, "+"), region.national_prefix
    foreign = pc.and_not(plus, pc.starts_with(digits, "+" + region.code))
    national = pc.if_else(plus, pc.utf8_slice_codeunits(digits, 1 + len(region.code)), digits)
    if prefix:
        dialled = pc.and_not(pc.starts_with(digits, prefix), plus)
        national = pc.if_else(dialled, pc.utf8_slice_codeunits(national, len(prefix)), national)
        usual = pc.and_not(usual, pc.starts_with(national, prefix))
        if prefix == "0":
            usual = pc.and_(usual, pc.or_(plus, dialled))
    whole = pc.match_substring_regex(national, f"^(?:{region.pattern})$")
    possible = pc.is_in(pc.binary_length(national), pa.array(sorted(region.lengths), pa.int32()))
    fine = pc.and_(pc.and_not(pc.and_(usual, possible), pc.or_(foreign, pc.starts_with(national, "0"))), whole)
    return pc.if_else(fine, pc.binary_join_element_wise(f"+{region.code}", national, ""), None)


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
    return _Region(str(metadata.country_code), prefix, general.national_number_pattern, frozenset(general.possible_length))
