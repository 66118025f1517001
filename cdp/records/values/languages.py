"""A language is a BCP 47 tag: language in lower case, script in title case, region in upper case."""

from __future__ import annotations

import gettext
from functools import cache

import pycountry
from anyascii import anyascii

from cdp.records.values.text import Unclean, fold, is_null

_LANGUAGES = ("de", "es", "pt", "fr", "ru", "it", "nl", "pl", "tr")
_LOCAL = {
    "de": ("deutsch",),
    "en": ("english",),
    "es": ("español", "castellano"),
    "fr": ("français",),
    "it": ("italiano",),
    "pt": ("português",),
    "nl": ("nederlands",),
    "pl": ("polski",),
    "ru": ("русский",),
    "tr": ("türkçe",),
    "zh": ("mandarin", "中文"),
    "ja": ("日本語",),
    "sv": ("svenska",),
    "da": ("dansk",),
}
"""What languages call themselves; what others call them, pycountry's translations know."""


def clean(text: str) -> str | None:
    """The tag of `de_AT`, `DE`, `deu`, `German`, `Deutsch` …; `en_US.UTF-8` loses its encoding.

    Raises:
        Unclean: `unknown_language`.
    """
    text = fold(text)
    if is_null(text):
        return None
    named = _names().get(_key(text))
    if named:
        return named
    first, *rest = text.split(".")[0].split("@")[0].replace("_", "-").split("-")
    language = _names().get(first.lower()) if len(first) in (2, 3) else None
    if language is None or not all(2 <= len(part) <= 8 and part.isalnum() for part in rest):
        raise Unclean("unknown_language")
    return "-".join([language, *map(_subtag, rest)])


def _subtag(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    common = []
    for language in pycountry.languages:
        tag = getattr(language, "alpha_2", None) or language.alpha_3
        for attribute in ("alpha_2", "alpha_3", "bibliographic"):
            names.setdefault(getattr(language, attribute, "").lower(), tag)
        if hasattr(language, "alpha_2"):
            names.setdefault(_key(language.name.split(" (")[0]), tag)
            common.append((language.name, tag))
    names |= {_key(name): tag for tag, local in _LOCAL.items() for name in local}
    for foreign in _LANGUAGES:
        translation = gettext.translation("iso639-3", pycountry.LOCALES_DIR, languages=[foreign], fallback=True)
        for name, tag in common:
            names.setdefault(_key(translation.gettext(name)), tag)
    names.pop("", None)
    return names


def _key(text: str) -> str:
    return anyascii(text).lower()
