"""A masked value is recognisable to who knows it and useless to who does not: at most a few characters survive, never a length."""

from __future__ import annotations

from typing import Any

DOTS = "•••"


def mask_text(value: str) -> str:
    """The first character."""
    return value[:1] + DOTS if len(value) > 1 else DOTS


def mask_name(value: str) -> str:
    """The first character of each word: `Anna Maria Berg` is `A••• M••• B•••`."""
    return " ".join(mask_text(word) for word in value.split()) or DOTS


def mask_email(value: str) -> str:
    """The first character and the domain."""
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}{DOTS}@{domain}" if at else mask_text(value)


def mask_phone(value: str) -> str:
    """The last two digits."""
    return DOTS + value[-2:] if len(value) > 6 else DOTS


def mask_date(value: str) -> str:
    """The year."""
    return value[:4] + "-••-••" if len(value) >= 10 else DOTS


_BY_FIELD = {"emails": mask_email, "phones": mask_phone, "birth": mask_date, "name": mask_name, "organisation": mask_name}
_ADDRESS_KEPT = frozenset({"country", "region", "sources", "first_seen", "last_seen"})


def mask(field: str, value: Any) -> Any:
    """`value` of the policy's `field`, masked; a list member by member, an address down to its region and country."""
    if isinstance(value, list):
        return [mask(field, item) for item in value]
    if isinstance(value, dict):
        return {key: item if key in _ADDRESS_KEPT else mask(field, item) for key, item in value.items()}
    if value is None:
        return None
    if not isinstance(value, str):
        return DOTS
    return _BY_FIELD.get(field, mask_text)(value)
