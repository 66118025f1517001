"""What a level of an agreement pattern says, in the words of the model that reached it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.templating import label
from cdp.identity.fields import STANDING

_SAYS = {(field.name, level.name): level.says for field in STANDING for level in field.levels}
_AGAINST = frozenset({"differ", "alike", "nothing", "family"})
_NEAR = frozenset({"near", "typo", "variant", "swapped", "initial", "fits", "year", "area", "postcode", "word", "shared", "building"})


@dataclass(frozen=True)
class Said:
    """One field of a pattern: `tone` is good, doubt or bad."""

    text: str
    tone: str


def said(pattern: Mapping[str, str]) -> list[Said]:
    """The fields of a pattern, those that speak for one customer first."""
    found = [Said(_SAYS.get((field, level), f"{label(field).lower()}: {level}"), _tone(level)) for field, level in pattern.items()]
    return sorted(found, key=lambda one: ("good", "doubt", "bad").index(one.tone))


def _tone(level: str) -> str:
    if level in _AGAINST:
        return "bad"
    return "doubt" if level in _NEAR else "good"
