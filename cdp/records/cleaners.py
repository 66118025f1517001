"""Every target field has one cleaner; the hints of the mapping are its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from cdp.records.columns import Clean, Cleaner, Defaults
from cdp.records.mapping import Value
from cdp.records.model import Channel, CustomerKind, InteractionKind
from cdp.records.values import dates, emails, genders, identifiers, languages, money, names, phones, text, times
from cdp.records.values.text import Unclean


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


def _word(known: type, also: dict[str, str], reason: str) -> Clean:
    return partial(_look_up_word, tuple(known), tuple(also.items()), reason)


def _look_up_word(known: tuple[str, ...], also: tuple[tuple[str, str], ...], reason: str, written: str) -> str | None:
    word = re.sub(r"[\s\-]+", "_", text.fold(written).lower())
    if word in known:
        return str(word)
    if not word:
        return None
    try:
        return dict(also)[word]
    except KeyError:
        raise Unclean(reason) from None


customer_kind = _word(
    CustomerKind,
    {word: "person" for word in ("individual", "individuum", "consumer", "private", "privat", "b2c", "human", "contact", "p")}
    | {
        word: "organisation"
        for word in ("organization", "company", "business", "firma", "empresa", "entreprise", "b2b", "org", "account", "corporate")
    },
    "unknown_kind",
)
interaction_kind = _word(
    InteractionKind,
    {"purchase": "order", "sale": "order", "refund": "return", "case": "ticket", "deal": "opportunity", "mail": "email", "e_mail": "email", "sms": "message",
     "pageview": "page_view", "page": "page_view", "screen": "screen_view", "phone_call": "call", "appointment": "meeting"},
    "unknown_kind",
)  # fmt: skip
channel = _word(
    Channel,
    {"e_mail": "email", "telephone": "phone", "call": "phone", "telefon": "phone", "text": "sms", "store": "in_person", "shop": "in_person", "pos": "in_person",
     "branch": "in_person", "filiale": "in_person", "online": "web", "website": "web", "webshop": "web", "mobile": "app", "letter": "mail", "post": "mail",
     "facebook": "social", "instagram": "social", "twitter": "social", "whatsapp": "chat", "livechat": "chat", "live_chat": "chat"},
    "unknown_channel",
)  # fmt: skip


def _direction(written: str) -> str | None:
    word = text.fold(written).lower()
    direction = {
        "in": "inbound",
        "incoming": "inbound",
        "out": "outbound",
        "outgoing": "outbound",
        "inbound": "inbound",
        "outbound": "outbound",
    }.get(word)
    if direction is None and not text.is_null(word):
        raise Unclean("unknown_direction")
    return direction


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
        "kind": plain(customer_kind),
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
        "kind": plain(interaction_kind),
        "channel": plain(channel),
        "direction": plain(_direction),
        "at": time(defaults),
        "ended_at": time(defaults),
        "currency": plain(money.clean_currency),
        "text": plain(text.clean_lines),
        "rating": plain(rating),
    }


ITEM: dict[str, Callable[[Value], Clean]] = {name: plain(text.clean) for name in ("sku", "name", "category")} | {
    name: plain(money.clean) for name in ("quantity", "unit_price", "amount")
}
identifier = plain(identifiers.clean)
