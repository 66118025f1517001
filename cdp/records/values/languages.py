"""A language is a BCP 47 tag: language in lower case, script in title case, region in upper case."""

from __future__ import annotations

from functools import cache

import pycountry
from anyascii import anyascii

from cdp.records.values.text import Unclean, fold, is_null

_LOCAL = {
    "deutsch": "de", "english": "en", "englisch": "en", "anglais": "en", "ingles": "en", "espanol": "es", "spanisch": "es", "castellano": "es",
    "francais": "fr", "franzosisch": "fr", "franzoesisch": "fr", "italiano": "it", "italienisch": "it", "portugues": "pt", "portugiesisch": "pt",
    "nederlands": "nl", "niederlandisch": "nl", "polski": "pl", "polnisch": "pl", "russkii": "ru", "russkiy": "ru", "russisch": "ru", "turkce": "tr",
    "aleman": "de", "alemao": "de", "allemand": "de", "frances": "fr", "chinese": "zh", "mandarin": "zh",
}  # fmt: skip


def clean(text: str) -> str | None:
    """The tag of `de_AT`, `DE`, `deu`, `German`, `Deutsch` …; `en_US.UTF-8` loses its encoding.

    Raises:
        Unclean: `unknown_language`.
    """
    text = fold(text)
    if is_null(text):
        return None
    named = _names().get(anyascii(text).lower())
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
    for language in pycountry.languages:
        tag = getattr(language, "alpha_2", None) or language.alpha_3
        for attribute in ("alpha_2", "alpha_3", "bibliographic"):
            if getattr(language, attribute, None):
                names[getattr(language, attribute).lower()] = tag
        if hasattr(language, "alpha_2"):
            names[anyascii(language.name).lower()] = tag
    return names | _LOCAL
