"""A sample's country is told by its phone numbers, its postal codes and the language of its column names; else it is the default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException

from cdp.records import column_names as known
from cdp.records.sampling import SampledColumn
from cdp.records.values import addresses

_COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "BR", "MX", "IN", "CA", "AU", "NL", "BE", "AT", "CH", "PT", "PL", "SE", "NO", "RU", "JP")
_SAMPLE = 40
_CLEARLY = 0.6
"""By how much another country must fit better than the default."""


class Homeland(NamedTuple):
    """A country (alpha-2), and what spoke for it; no reason where it is the default."""

    country: str | None
    reason: str | None = None


def likely_country(columns: Sequence[SampledColumn], default: str | None) -> Homeland:
    """Where phone numbers without a prefix and addresses without a country most likely belong."""
    spoken = _spoken(columns)
    numbers = [text for column in _named(columns, "customer", "phones") for text in column.filled[:_SAMPLE]]
    national = [text for text in numbers if not text.strip().startswith(("+", "00"))]
    abroad = Counter(code for text in numbers if text not in national and (code := _region(text)))
    codes = [text.strip() for column in _named(columns, "address", "postal_code") for text in column.filled[:_SAMPLE]]
    scores = {
        country: spoken.get(country, 0.0)
        + 2 * abroad[country] / max(len(numbers), 1)
        + _share(national, _valid, country)
        + 0.5 * _share(codes, addresses.is_postal_code, country)
        for country in dict.fromkeys([*filter(None, [default]), *spoken, *_COUNTRIES, *abroad])
    }
    best = max(scores, key=lambda country: scores[country])
    if best == default or scores[best] < scores.get(default or "", 0.0) + _CLEARLY:
        return Homeland(default)
    return Homeland(best, _because(best, spoken, national, abroad))


def _because(country: str, spoken: dict[str, float], national: Sequence[str], abroad: Counter[str]) -> str:
    signs = []
    if spoken.get(country):
        signs.append("the names of its columns")
    if _share(national, _valid, country) > 0.5 or abroad[country]:
        signs.append("its phone numbers")
    return " and ".join(signs) or "its postal codes"


def _spoken(columns: Sequence[SampledColumn]) -> dict[str, float]:
    """Country -> 1 where two columns or more bear names in its language, the likeliest country of a language a little more."""
    names = {known.last_part(column.path) for column in columns}
    scores: dict[str, float] = {}
    for countries, words in known.targets("language_words").items():
        if len(names & words) >= 2:
            for place, country in enumerate(countries.split()):
                scores[country] = max(scores.get(country, 0.0), 1 - place / 20 + len(names & words) / 100)
    return scores


def _named(columns: Sequence[SampledColumn], section: str, target: str) -> list[SampledColumn]:
    return [column for column in columns if (found := known.match(column.path, known.targets(section))) and found[0] == target]


def _share(texts: Sequence[str], holds: Callable[[str, str], bool], country: str) -> float:
    return sum(holds(text, country) for text in texts) / len(texts) if texts else 0.0


def _valid(text: str, country: str) -> bool:
    try:
        return phonenumbers.is_valid_number_for_region(phonenumbers.parse(text, country), country)
    except NumberParseException:
        return False


def _region(text: str) -> str | None:
    try:
        return phonenumbers.region_code_for_number(
            phonenumbers.parse(text.strip().replace("00", "+", 1) if text.startswith("00") else text)
        )
    except NumberParseException:
        return None
