"""How values are written on pages: numbers with their unit, times in UTC with a machine-readable twin, nothing unescaped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, request, url_for
from markupsafe import Markup

from api.house import someone

_STEPS = ((60, "s"), (3600, "min"), (86_400, "h"), (86_400 * 60, "d"))
_NUMBER_FIRST = frozenset({"US", "CA", "GB", "IE", "AU", "NZ", "IN", "ZA", "SG"})
"""Countries that write the house number before the street and the postal code after the town."""
_NAMES = {"email": "E-mail", "emails": "E-mail", "phones": "Phone", "addresses": "Address", "identifiers": "Numbers", "consents": "Consent"}
_WORDS = {"id": "ID", "url": "URL", "sms": "SMS", "vat": "VAT", "crm": "CRM"}


def parse_time(value: Any) -> datetime | None:
    """A time from JSON, or as it is."""
    if value is None or isinstance(value, datetime):
        return value
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def when(value: Any, form: str = "%-d %b %Y, %H:%M") -> Markup:
    """A time as people read it, UTC."""
    moment = parse_time(value)
    if moment is None:
        return Markup('<span class="none">–</span>')
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%S UTC"), utc.strftime(form)
    )


def day(value: Any) -> Markup:
    """The date of a time."""
    return when(value, "%-d %b %Y")


def ago(value: Any) -> Markup:
    """How long ago, in its largest unit; a date where that is long."""
    moment = parse_time(value)
    if moment is None:
        return when(None)
    seconds = (datetime.now(UTC) - moment).total_seconds()
    text = _span(seconds) + " ago" if -60 < seconds < 86_400 * 60 else moment.strftime("%-d %b %Y")
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%S UTC"), text)


def _span(seconds: float) -> str:
    before = 1
    for limit, unit in _STEPS:
        if seconds < limit:
            return f"{max(0, int(seconds // before))} {unit}"
        before = limit if unit != "h" else 86_400
    return f"{int(seconds // 86_400)} d"


def share(part: Any, whole: Any, decimals: int = 0) -> str:
    """A part of a whole in percent; a dash where either is not told, or there is nothing."""
    if isinstance(part, str) or isinstance(whole, str) or not whole:
        return "–"
    return f"{100 * part / whole:.{decimals}f} %"


def largest(counts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Words with their counts, the largest first; those that are not told come last."""
    return sorted(counts.items(), key=lambda item: (isinstance(item[1], str), -item[1] if isinstance(item[1], int) else 0, item[0]))


def number(value: Any) -> str:
    """A whole number with separators; `<5`, a figure that is not told, as it is."""
    if isinstance(value, str):
        return value
    return "–" if value is None else f"{int(value):,}"


def money(value: Any, currency: str | None = None) -> str:
    """An amount with two decimals and its currency; what is no number stays as written."""
    try:
        text = f"{Decimal(str(value)):,.2f}"
    except InvalidOperation:
        text = str(value)
    return f"{text} {currency}" if currency else text


def percent(value: float | None) -> str:
    """A probability; never rounded up to certainty."""
    if value is None:
        return "–"
    return "> 99.9 %" if 0.9995 <= value < 1 else f"{value * 100:.1f} %".replace(".0 %", " %")


def label(name: str) -> str:
    """A field's name in words: `given_name` is `Given name`."""
    if name in _NAMES:
        return _NAMES[name]
    words = name.removeprefix("attributes.").replace("_", " ").replace(".", " ").split()
    return " ".join(_WORDS.get(word, word) if n else _WORDS.get(word, word.capitalize()) for n, word in enumerate(words))


def text_of(value: Any) -> str:
    """A value of any JSON type in one line."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return ", ".join(f"{label(str(key))} {text_of(item)}" for key, item in value.items() if item not in (None, ""))
        case str():
            return value
        case Sequence():
            return ", ".join(text_of(item) for item in value)
        case _:
            return str(value)


def address_line(address: Mapping[str, Any]) -> str:
    """An address in one line, in the order that its country writes it."""
    number_first = address.get("country") in _NUMBER_FIRST
    street = _joined(address, ("house_number", "street", "unit") if number_first else ("street", "house_number", "unit"))
    if number_first:
        place = [address.get("city"), _joined(address, ("region", "postal_code"))]
    else:
        place = [_joined(address, ("postal_code", "city")), address.get("region")]
    return ", ".join(str(part) for part in (street, *place, address.get("country")) if part)


def _joined(address: Mapping[str, Any], parts: Sequence[str]) -> str:
    return " ".join(str(address[part]) for part in parts if address.get(part))


def soft(line: str) -> Markup:
    """A line that may break before its @."""
    return Markup("<wbr>@").join(line.split("@"))


def initials(name: str | None) -> str:
    """Up to two letters that stand for a name."""
    words = [word for word in (name or "?").split() if word[:1].isalnum()]
    return "".join(word[0].upper() for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])) or "?"


@cache
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _asset(app: Flask, name: str) -> str:
    """Address of a file of `static/`, which changes with its content so that browsers may keep it for ever."""
    return url_for("static", filename=name, v=_fingerprint(Path(str(app.static_folder)) / name))


def _navigation(entries: Sequence[tuple[str, str, str | None]]) -> list[dict[str, Any]]:
    who = someone()
    shown = [entry for entry in entries if entry[2] is None or (who is not None and who.may(entry[2]))]
    current = _current([endpoint for _, endpoint, _ in shown], request.endpoint or "")
    return [{"label": text, "url": url_for(endpoint), "current": endpoint == current} for text, endpoint, _ in shown]


def _current(endpoints: Sequence[str], asked: str) -> str | None:
    """The entry that is asked for, else the first of the same blueprint."""
    if asked in endpoints:
        return asked
    return next((endpoint for endpoint in endpoints if endpoint.partition(".")[0] == asked.partition(".")[0]), None)


def init_app(app: Flask, navigation: Sequence[tuple[str, str, str | None]]) -> None:
    """Give the templates their filters, the navigation and who is signed in."""
    for function in (when, day, ago, number, share, largest, money, percent, label, text_of, address_line, initials, soft):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["asset"] = lambda name: _asset(app, name)
    app.context_processor(lambda: {"navigation": _navigation(navigation), "who": someone()})
