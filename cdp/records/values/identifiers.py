"""An id that a system gave is compared as it is; only a number that people copy from a card or a form is freed from how they write it.

`u-1` and `U1` are two users. `DE 123.456-789` and `de123456789` are one tax number.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cdp.records.values.text import fold, is_null, upper

WRITTEN = frozenset(
    {"customer_number", "driving_licence", "iban", "lei", "loyalty", "national_id", "passport", "social_security", "tax_id"}
)
"""Types of identifiers that people write down: upper case letters and digits, leading zeros kept. Any other type is an id of a system."""
SITES = frozenset({"domain", "website"})
"""Types that name a host: lower case, without scheme, `www.` and a slash at the end."""

_NOISE = re.compile(r"[\s.\-_/\\]+")
_EXCEL = re.compile(r"(\d+)\.0")
_SITE = re.compile(r"(?:https?:|www\.|[/\s])*(.*?)[/\s]*")


def clean_as(kind: str) -> Callable[[str], str | None]:
    """How identifiers of this type are brought into the form they are compared in."""
    return clean if kind in WRITTEN else site if kind in SITES else exact


def clean(text: str) -> str | None:
    """The identifier in upper case without blanks, dots, hyphens and slashes; `123.0` is what a spreadsheet makes of `123`."""
    text = fold(text)
    if is_null(text):
        return None
    excel = _EXCEL.fullmatch(text)
    bare = upper(excel.group(1) if excel else _NOISE.sub("", text))
    return None if is_null(bare) else bare


def exact(text: str) -> str | None:
    """The identifier as it is, without the white space around it."""
    text = text.strip()
    return None if is_null(text) else text


def site(text: str) -> str | None:
    """The host and path of a web address."""
    found = _SITE.fullmatch(fold(text.lower()))
    bare = found[1] if found else ""
    return None if is_null(bare) else bare
