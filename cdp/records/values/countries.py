"""A country is its ISO 3166-1 alpha-2 code."""

from __future__ import annotations

import gettext
from functools import cache

import pycountry
from anyascii import anyascii

from cdp.records.values.text import Unclean, fold, is_null

_LANGUAGES = ("de", "es", "pt", "pt_BR", "fr", "ru", "it", "nl", "pl", "tr", "sv", "da", "cs")
_LOCAL = {
    "GB": ("uk", "great britain", "britain", "england", "scotland", "wales", "northern ireland", "großbritannien", "velikobritaniya"),
    "US": ("usa", "u.s.", "u.s.a.", "america", "united states of america", "eeuu", "ee.uu.", "eua", "сша"),
    "DE": ("brd", "d", "germaniya"),
    "AT": ("oesterreich", "a"),
    "FR": ("f",),
    "NL": ("holland", "nederland"),
    "BE": ("belgie", "belgique"),
    "RU": ("russia", "russland", "россия", "rossiya", "rusia", "russie", "rusland"),
    "CZ": ("czech republic", "česká republika", "tschechische republik"),
    "TR": ("turkey", "türkiye", "tuerkei"),
    "KR": ("south korea", "korea", "südkorea", "corea del sur"),
    "FI": ("suomi",),
    "GR": ("hellas", "ellada"),
    "HU": ("magyarország",),
    "IE": ("éire", "republic of ireland"),
    "HR": ("hrvatska",),
    "RO": ("românia",),
    "UA": ("україна", "ukraina"),
    "NO": ("norge",),
    "CH": ("svizzera", "schweizerische eidgenossenschaft"),
    "IN": ("bharat",),
    "JP": ("nippon",),
    "CI": ("ivory coast",),
    "AE": ("uae", "vae"),
}
"""What people write beside the names of ISO 3166 and their translations, which pycountry ships."""


def clean(text: str) -> str | None:
    """The alpha-2 code of a code (alpha-2, alpha-3, numeric) or a name in a language that customers write it in.

    Raises:
        Unclean: `unknown_country`.
    """
    text = fold(text)
    code = _names().get(_key(text))
    if code:
        return code
    if is_null(text):
        return None
    raise Unclean("unknown_country")


def _key(text: str) -> str:
    return anyascii(text).lower().strip(" .")


@cache
def _names() -> dict[str, str]:
    """Folded name or code -> alpha-2; an earlier source of names wins over a later."""
    names: dict[str, str] = {}
    countries = list(pycountry.countries)
    for country in countries:
        for attribute in ("alpha_2", "alpha_3", "numeric", "name", "official_name", "common_name"):
            names.setdefault(_key(getattr(country, attribute, "")), country.alpha_2)
    names |= {_key(name): code for code, local in _LOCAL.items() for name in local}
    for language in _LANGUAGES:
        translation = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for country in countries:
            names.setdefault(_key(translation.gettext(getattr(country, "common_name", country.name))), country.alpha_2)
    names.pop("", None)
    return names
