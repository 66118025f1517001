"""A country is its ISO 3166-1 alpha-2 code."""

from __future__ import annotations

from functools import cache

import pycountry
from anyascii import anyascii

from cdp.records.values.text import Unclean, fold, is_null

_LOCAL = {
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "britain": "GB",
    "grossbritannien": "GB", "vereinigtes koenigreich": "GB", "reino unido": "GB", "royaume-uni": "GB", "velikobritaniia": "GB", "velikobritaniya": "GB",
    "usa": "US", "u.s.": "US", "u.s.a.": "US", "america": "US", "united states of america": "US", "vereinigte staaten": "US", "estados unidos": "US",
    "etats-unis": "US", "eeuu": "US", "ee.uu.": "US", "eua": "US", "ssha": "US",
    "deutschland": "DE", "alemania": "DE", "alemanha": "DE", "allemagne": "DE", "germaniia": "DE", "germaniya": "DE", "brd": "DE", "d": "DE",
    "osterreich": "AT", "oesterreich": "AT", "autriche": "AT", "austria": "AT", "a": "AT",
    "schweiz": "CH", "suisse": "CH", "svizzera": "CH", "suiza": "CH", "suica": "CH",
    "frankreich": "FR", "francia": "FR", "franca": "FR", "frantsiia": "FR", "frantsiya": "FR", "f": "FR",
    "spanien": "ES", "espana": "ES", "espanha": "ES", "espagne": "ES", "ispaniia": "ES", "ispaniya": "ES",
    "italien": "IT", "italia": "IT", "italie": "IT", "italiia": "IT", "italiya": "IT",
    "niederlande": "NL", "holland": "NL", "nederland": "NL", "pays-bas": "NL", "paises bajos": "NL",
    "belgien": "BE", "belgique": "BE", "belgie": "BE", "belgica": "BE", "polen": "PL", "polska": "PL", "pologne": "PL",
    "brasil": "BR", "brasilien": "BR", "bresil": "BR", "mexico": "MX", "mexiko": "MX", "mexique": "MX",
    "russia": "RU", "russland": "RU", "rossiia": "RU", "rossiya": "RU", "rusia": "RU", "russie": "RU",
    "tschechien": "CZ", "ceska republika": "CZ", "cesko": "CZ", "czech republic": "CZ", "turkei": "TR", "turkey": "TR", "turkiye": "TR", "tuerkei": "TR",
    "danemark": "DK", "danmark": "DK", "daenemark": "DK", "schweden": "SE", "sverige": "SE", "norwegen": "NO", "norge": "NO", "finnland": "FI", "suomi": "FI",
    "griechenland": "GR", "ellada": "GR", "hellas": "GR", "ungarn": "HU", "magyarorszag": "HU", "irland": "IE", "eire": "IE",
    "japon": "JP", "nippon": "JP", "china": "CN", "indien": "IN", "bharat": "IN", "south korea": "KR", "korea": "KR", "vietnam": "VN", "kroatien": "HR",
    "hrvatska": "HR", "rumanien": "RO", "rumaenien": "RO", "ukraina": "UA", "luxemburg": "LU", "ivory coast": "CI", "russian federation": "RU",
}  # fmt: skip


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
    names: dict[str, str] = {}
    for country in pycountry.countries:
        for attribute in ("alpha_2", "alpha_3", "numeric", "name", "official_name", "common_name"):
            value = getattr(country, attribute, None)
            if value:
                names.setdefault(_key(value), country.alpha_2)
    return names | {_key(name): code for name, code in _LOCAL.items()}
