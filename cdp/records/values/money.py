"""An amount is a plain decimal string without exponent, beside its ISO 4217 currency."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import pycountry

from cdp.records.values.text import Unclean, fold, is_null

_PLAIN = re.compile(r"-?\d{1,18}(?:\.\d{1,10})?")
_SYMBOLS = {
    "EUR": "€ Euro euros",
    "USD": "$ US$",
    "GBP": "£",
    "JPY": "¥ 円",
    "INR": "₹ Rs Rs.",
    "RUB": "₽ руб руб.",
    "TRY": "₺ TL",
    "KRW": "₩",
    "BRL": "R$",
    "PLN": "zł",
    "CZK": "Kč",
    "HUF": "Ft",
    "AUD": "A$ AU$",
    "CAD": "C$ CA$",
    "NZD": "NZ$",
    "HKD": "HK$",
    "MXN": "MX$",
    "ILS": "₪",
    "VND": "₫",
    "UAH": "₴",
    "CHF": "Fr. SFr. Fr",
    "SEK": "kr",
}
_BY_SYMBOL = {symbol.lower(): code for code, symbols in _SYMBOLS.items() for symbol in symbols.split()}


class Money(NamedTuple):
    """A decimal string and the currency that stood beside it."""

    amount: str
    currency: str | None


def clean(text: str) -> str | None:
    """The amount alone. Raises as `parse`."""
    money = parse(text)
    return money.amount if money else None


def parse(text: str) -> Money | None:
    """The amount and the currency of `1.234,56 €`, `($5.00)`, `CHF 1'000.-` …

    A sign that stands more than once divides thousands, and so does one comma before exactly three digits (`1,234`); else it is decimal.

    Raises:
        Unclean: `invalid_amount`.
    """
    if _PLAIN.fullmatch(text):
        return Money(_canonical(text), None)
    text = fold(text)
    if is_null(text):
        return None
    number = re.search(r"\d[\d.,'\u2019\s]*|[.,]\d+", text)
    if number is None:
        raise Unclean("invalid_amount")
    before, after = text[: number.start()].strip(), text[number.end() :].strip()
    negative = (
        before.startswith(("-", "(", "−"))
        or before.endswith(("-", "−"))
        or (after.startswith(("-", "−")) and not after.startswith(("-)", "--")))
    )
    swiss = number[0].rstrip().endswith(".") and after.startswith("-")
    symbols = [word for word in (part.strip(" -−()+.,") or part for part in (before, after)) if word.strip(" -−()+.,–")]
    if len(symbols) > 1 or any(not _currency(word) for word in symbols):
        raise Unclean("invalid_amount")
    digits = _digits(number[0].strip().rstrip(".,'"))
    return Money(_canonical(("-" if negative and not swiss else "") + digits), _currency(symbols[0]) if symbols else None)


def clean_currency(text: str) -> str | None:
    """The ISO 4217 code of a code or a symbol.

    Raises:
        Unclean: `unknown_currency`.
    """
    text = fold(text)
    if is_null(text):
        return None
    code = _currency(text)
    if code is None:
        raise Unclean("unknown_currency")
    return code


def _currency(text: str) -> str | None:
    code = text.upper()
    return code if code in _codes() else _BY_SYMBOL.get(text.lower())


def _digits(text: str) -> str:
    text = re.sub(r"['\u2019\s]", "", text)
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:
        return text.replace(",", "") if point > comma else text.replace(".", "").replace(",", ".")
    if text.count(",") > 1 or text.count(".") > 1:
        return text.replace(",", "").replace(".", "")
    if comma >= 0:
        return text.replace(",", "" if len(text) - comma == 4 and comma <= 3 and text[0] != "0" else ".")
    return text


def _canonical(text: str) -> str:
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).isdigit() or len(whole) > 18:
        raise Unclean("invalid_amount")
    plain = (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
    return plain if not plain.strip("0.") else sign + plain


@cache
def _codes() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)
