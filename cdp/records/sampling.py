"""What a column of a sample looks like, judged by its values alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from cdp.records.rows import Rows
from cdp.records.values import consents, countries, dates, emails, genders, languages, money, phones, times
from cdp.records.values.text import Unclean, is_null
from cdp.records.values.vocabulary import INTERACTION_KIND

_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](?:\d{4}|\d{2})\b.*")
_DIGITS = re.compile(r"\d")
_PHONE = re.compile(r"[+(]?[\d][\d ()./\-]{6,20}(?:\s*(?:x|ext\.?)\s*\d+)?")


@dataclass(frozen=True)
class SampledColumn:
    """A path of a sample and the texts there.

    Attributes:
        texts: of every row; None where it has none.
        many: whether rows hold several values there.
    """

    path: str
    texts: Sequence[str | None]
    country: str | None
    many: bool = False

    @cached_property
    def filled(self) -> list[str]:
        """The texts that say something."""
        return [text for text in self.texts if text is not None and text.strip() and not is_null(text.strip())]

    @cached_property
    def unique(self) -> bool:
        """Whether every row has a text of its own."""
        return len(self.filled) == len(self.texts) > 0 and len(set(self.filled)) == len(self.filled)

    def share(self, looks: Callable[[str], bool]) -> float:
        """The share of filled texts that look so; 0 where none is filled."""
        sample = self.filled[:300]
        return sum(map(looks, sample)) / len(sample) if sample else 0.0

    def looks(self, what: str) -> float:
        """The share of texts that can be read as `what`: `phone`, or a name in `_LOOKS`."""
        return self.share(_LOOKS[what] if what != "phone" else self._phone)

    def day_first(self) -> bool | None:
        """How `03/04/2020` is meant: as in texts that leave no doubt, else as the country writes; None where no text leaves it open."""
        found = [match for match in map(_SLASHED.fullmatch, self.filled) if match]
        if not found:
            return None
        first, second = any(int(match[1]) > 12 for match in found), any(int(match[2]) > 12 for match in found)
        if first != second:
            return first
        return None if self.country is None else self.country not in ("US", "PH", "BZ", "FM")

    def _phone(self, text: str) -> bool:
        return bool(_PHONE.fullmatch(text.strip())) and _reads(lambda text: phones.clean(text, self.country or "US"))(text)


def sample_columns(rows: pa.Table | Sequence[Mapping[str, Any]], country: str | None) -> list[SampledColumn]:
    """A column for every path with plain values; lists of objects are not gone into."""
    source = Rows(rows)
    found: list[SampledColumn] = []
    for name in source.columns:
        _collect(source, name, source.objects(name), country, found)
    return found


def object_lists(rows: pa.Table | Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Path of each list of objects at the top (or in JSON text there) -> the names its objects have."""
    source = Rows(rows)
    lists = {}
    for name in source.columns:
        if any(isinstance(value, list) or (isinstance(value, str) and value.startswith("[{")) for value in source.objects(name)):
            inner, _ = source.explode(name)
            if inner.length:
                lists[name] = inner.columns
    return lists


def _collect(source: Rows, path: str, values: Sequence[Any], country: str | None, found: list[SampledColumn]) -> None:
    objects = [value for value in values if isinstance(value, Mapping)]
    if objects:
        for name in dict.fromkeys(name for each in objects for name in each):
            _collect(source, f"{path}.{name}", [each.get(name) if isinstance(each, Mapping) else None for each in values], country, found)
        return
    lists = [value for value in values if isinstance(value, list)]
    if any(isinstance(element, Mapping) for each in lists for element in each):
        return
    if lists:
        found.append(SampledColumn(f"{path}[]", source.texts(f"{path}[]").to_pylist(), country, many=True))
    elif not any(isinstance(value, str) and value.startswith("[{") for value in values):
        found.append(SampledColumn(path, source.texts(path).to_pylist(), country))


def _reads(clean: Callable[[str], Any]) -> Callable[[str], bool]:
    def looks(text: str) -> bool:
        try:
            return clean(text) is not None
        except Unclean:
            return False

    return looks


def _divided(text: str) -> bool:
    """Whether a text has the signs of a date, and is no bare number."""
    return any(sign in text for sign in "-/.: ") or (len(text) == 8 and text[:2] in ("18", "19", "20"))


_LOOKS: dict[str, Callable[[str], bool]] = {
    "email": lambda text: "@" in text and _reads(emails.clean)(text),
    "date": lambda text: bool(_DIGITS.search(text)) and _reads(dates.clean)(text),
    "time": lambda text: bool(_DIGITS.search(text)) and (_divided(text) or len(text) >= 10) and _reads(times.clean)(text),
    "country": _reads(countries.clean),
    "gender": _reads(genders.clean),
    "amount": lambda text: bool(_DIGITS.search(text)) and _reads(money.parse)(text),
    "currency": _reads(money.clean_currency),
    "language": _reads(languages.clean),
    "consent": _reads(consents.clean),
    "kind": _reads(INTERACTION_KIND.clean),
    "number": lambda text: text.strip().replace(".", "", 1).lstrip("-").isdigit(),
}
