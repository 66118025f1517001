"""How departments write the same thing differently: telephone numbers, addresses, names."""

from __future__ import annotations

from random import Random

from cdp.demo import stock
from cdp.demo.people import Address


def phone(random: Random, number: str | None, styles: str) -> str | None:
    """`number` (E.164) as somebody types it.

    `styles` are letters of: e (E.164), i (international), n (national), d (dots or strokes), p (plain digits).
    """
    if not number:
        return None
    style = random.choice(styles)
    if style == "e":
        return number
    return _german(number, style) if number.startswith("+49") else _american(number, style)


def _american(number: str, style: str) -> str:
    area, office, line = number[2:5], number[5:8], number[8:]
    forms = {
        "i": f"+1 {area} {office} {line}",
        "n": f"({area}) {office}-{line}",
        "d": f"{area}.{office}.{line}",
        "p": f"{area}{office}{line}",
    }
    return forms[style]


def _german(number: str, style: str) -> str:
    digits = number[3:]
    length = 2 if digits[:2] in ("30", "40", "89", "69") else 3
    area, rest = digits[:length], digits[length:]
    forms = {"i": f"+49 {area} {rest}", "n": f"0{area} {rest}", "d": f"0{area}/{rest[:-3]}-{rest[-3:]}", "p": f"0049{area}{rest}"}
    return forms[style]


def street(random: Random, address: Address) -> str:
    """Street and house number on one line, with the abbreviations people use."""
    name = address.street
    for long, short in (*stock.STREET_KINDS, *stock.STREET_KINDS_DE):
        if name.endswith(long) and long != short and random.random() < 0.4:
            name = name.removesuffix(long) + short
            break
    if address.country == "DE":
        return f"{name} {address.house_number}"
    return f"{address.house_number} {name}"


def shouted(random: Random, text: str, share: float) -> str:
    """`text`, now and then in capitals or without any."""
    draw = random.random()
    if draw < share:
        return text.upper()
    return text.lower() if draw < 1.5 * share else text
