"""Every target field has one cleaner; the hints of the mapping are its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from cdp.records.columns import Clean, Cleaner, Defaults
from cdp.records.mapping import Value
from cdp.records.values import dates, emails, genders, identifiers, languages, money, names, phones, text, times
from cdp.records.values.text import Unclean
from cdp.records.values.vocabulary import CHANNEL, CUSTOMER_KIND, DIRECTION, INTERACTION_KIND


def plain(clean: Clean) -> Cleaner:
    """A cleaner that takes no hints."""
    return partial(_ignoring, clean)


def _ignoring(clean: Clean, value: Value) -> Clean:
    return clean


def date(value: Value) -> Clean:
    """Dates with the format and order of the mapping."""
    return partial(dates.clean, format=value.format, day_first=value.day_first)


def time(defaults: Defaults) -> Cleaner:
    """Times in the zone of the mapping, the source, or the platform, in this order."""
    return lambda value: partial(times.clean, timezone=value.timezone or defaults.timezone, format=value.format, day_first=value.day_first)


def phone(defaults: Defaults) -> Cleaner:
    """Numbers of the country of the mapping, or the source."""
    return lambda value: partial(phones.clean, country=value.country or defaults.country)


def phone_of(value: Value, country: str) -> Clean:
    """Numbers of rows that say their country."""
    return partial(phones.clean, country=value.country or country or None)


def rating(written: str) -> float | None:
    """A finite number; `4,5` and `4/5` are read as 4.5 and 4."""
    word = text.fold(written)
    if text.is_null(word):
        return None
    match = re.fullmatch(r"([+-]?\d+(?:[.,]\d+)?)\s*(?:/\s*\d+|%|★|stars?)?", word)
    if match is None:
        raise Unclean("invalid_rating")
    return float(match[1].replace(",", "."))


def customer(defaults: Defaults) -> dict[str, Cleaner]:
    """Target field of a customer record -> its cleaner."""
    cleaners: dict[str, Cleaner] = {name: plain(names.clean) for name in _NAMES}
    cleaners |= {name: plain(text.clean) for name in ("prefix", "suffix", "organisation_name", "job_title", "birth_place", "nickname")}
    return cleaners | {
        "kind": plain(CUSTOMER_KIND.clean),
        "birth_date": date,
        "death_date": date,
        "gender": plain(genders.clean),
        "language": plain(languages.clean),
        "emails": plain(emails.clean),
        "phones": phone(defaults),
        "created_at": time(defaults),
        "updated_at": time(defaults),
    }


_NAMES = ("full_name", "given_name", "middle_name", "family_name", "former_names")


def interaction(defaults: Defaults) -> dict[str, Cleaner]:
    """Target field of an interaction -> its cleaner."""
    cleaners: dict[str, Cleaner] = {
        name: plain(text.clean) for name in ("customer_stream", "name", "status", "subject", "campaign", "priority", "staff")
    }
    return cleaners | {
        "kind": plain(INTERACTION_KIND.clean),
        "channel": plain(CHANNEL.clean),
        "direction": plain(DIRECTION.clean),
        "at": time(defaults),
        "ended_at": time(defaults),
        "currency": plain(money.clean_currency),
        "text": plain(text.clean_lines),
        "rating": plain(rating),
    }


ITEM: dict[str, Callable[[Value], Clean]] = {name: plain(text.clean) for name in ("sku", "name", "category")} | {
    name: plain(money.clean) for name in ("quantity", "unit_price", "amount")
}


def identifier(kind: str) -> Cleaner:
    """The cleaner of identifiers of this type."""
    return plain(identifiers.clean_as(kind))
