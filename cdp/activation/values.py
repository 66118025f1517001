"""Each platform has its own rules for each kind of value: no rule here is shared between platforms but where both publish the same one.

A function takes what the platform holds (e-mails folded, phones E.164, countries alpha-2) and returns the text that is sent or hashed,
or None where the platform could not use it. Hashes are lower-case hex over UTF-8, unsalted.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from functools import cache

import phonenumbers
import pycountry

_SPACE = re.compile(r"\s+")
_SPACE_OR_DASH = re.compile(r"[\s\u2010-\u2015-]+")
_BRITISH = re.compile(r"[a-z]{1,2}[0-9][a-z0-9]?[0-9][a-z]{2}")
_RUN_AS_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_HASHED = re.compile(r"[0-9a-f]+")
_HASH_LENGTHS = frozenset({32, 40, 64})
_NO_DIGIT = re.compile(r"[^\d+]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PREFIXES = re.compile(r"^(mr|mrs|ms|miss|mx|dr|prof|sir|herr|frau)\.?\s+")
_SUFFIXES = re.compile(r"[\s,]+(jr|sr|ii|iii|iv|phd|md|esq)\.?$")
_GMAIL = ("gmail.com", "googlemail.com")
EEA = frozenset(
    (
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IS",
        "IE",
        "IT",
        "LV",
        "LI",
        "LT",
        "LU",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
    )
)


class AlreadyHashed(ValueError):
    """The value is a hash: hashing it again would match nobody."""


def sha256(text: str) -> str:
    """Raises AlreadyHashed."""
    return hashlib.sha256(_plain(text)).hexdigest()


def sha1(text: str) -> str:
    """Raises AlreadyHashed."""
    return hashlib.sha1(_plain(text), usedforsecurity=False).hexdigest()


def md5(text: str) -> str:
    """Raises AlreadyHashed."""
    return hashlib.md5(_plain(text), usedforsecurity=False).hexdigest()


def _plain(text: str) -> bytes:
    if len(text) in _HASH_LENGTHS and _HASHED.fullmatch(text):
        raise AlreadyHashed("a value that is a hash already is not hashed again")
    return text.encode("utf-8")


# --- Google Ads Customer Match ------------------------------------------------------------------------------------------------


def google_email(text: str) -> str | None:
    """Lower case, no white space; at gmail.com and googlemail.com no dots and nothing from `+` on before the `@`."""
    text = "".join(text.split()).lower()
    if not _EMAIL.fullmatch(text):
        return None
    local, _, domain = text.rpartition("@")
    if domain in _GMAIL:
        local = local.split("+", 1)[0].replace(".", "")
        return f"{local}@{domain}" if local else None
    return text


def google_phone(text: str, country: str | None = None) -> str | None:
    """E.164 with `+`; a number without prefix belongs to `country`."""
    digits = text if text[1:].isdecimal() else _NO_DIGIT.sub("", text)
    if digits.startswith("+"):
        return digits if 8 <= len(digits) <= 16 and digits[1:].isdecimal() else None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def google_given_name(text: str) -> str | None:
    """Lower case, no title, single spaces."""
    if text.isalpha():
        return text.lower()
    return _PREFIXES.sub("", _SPACE.sub(" ", text).strip().lower()).strip() or None


def google_family_name(text: str) -> str | None:
    """Lower case, no suffix such as Jr., no punctuation."""
    if text.isalpha():
        return text.lower()
    return _without_punctuation(_SUFFIXES.sub("", _SPACE.sub(" ", text).strip().lower())) or None


# --- Meta custom audiences ------------------------------------------------------------------------------------------------------


def meta_email(text: str) -> str | None:
    """Trimmed, lower case."""
    text = text.strip().lower()
    return text if _EMAIL.fullmatch(text) else None


def meta_phone(text: str) -> str | None:
    """Digits with the country code, without `+` and leading zeros."""
    digits = (text[1:] if text[1:].isdecimal() and text[0] == "+" else re.sub(r"\D", "", text)).lstrip("0")
    return digits if 7 <= len(digits) <= 15 else None


def meta_name(text: str) -> str | None:
    """Lower case, no punctuation; letters of any script stay."""
    return _without_punctuation(_SPACE.sub(" ", text).strip().lower()) or None


def meta_city(text: str) -> str | None:
    """Lower-case letters only."""
    return "".join(sign for sign in text.lower() if sign.isalpha()) or None


def meta_zip(text: str, country: str | None = None) -> str | None:
    """Lower case, no spaces or dashes; of the United States the first five digits, of the United Kingdom area, district and sector."""
    text = _SPACE_OR_DASH.sub("", text).lower()
    if country == "GB":
        text = text[:-2] if _BRITISH.fullmatch(text) else text
    elif country in (None, "US") and text[:5].isdigit():
        text = text[:5]
    return text or None


def meta_state(text: str, country: str | None = None) -> str | None:
    """Lower case, no punctuation or spaces; of the United States the two letters, None where they are not known."""
    if country == "US":
        text = us_state(text) or ""
    return "".join(sign for sign in text.lower() if sign.isalnum()) or None


def us_state(text: str) -> str | None:
    """The two letters of a state of the United States, given as these or by name."""
    return _states().get(" ".join(text.replace(".", "").lower().split()))


@cache
def _states() -> Mapping[str, str]:
    found = {state.code[3:]: state.name for state in pycountry.subdivisions if state.country_code == "US"}
    return {code.lower(): code for code in found} | {name.lower(): code for code, name in found.items()}


def meta_gender(text: str) -> str | None:
    """`f` or `m`; anything else is left blank, never guessed."""
    return {"female": "f", "f": "f", "male": "m", "m": "m"}.get(text.strip().lower())


# --- LiveRamp -----------------------------------------------------------------------------------------------------------------------


def liveramp_email(text: str) -> str | None:
    """Lower case, no white space."""
    text = _SPACE.sub("", text).lower()
    return text if _EMAIL.fullmatch(text) else None


def liveramp_phone(text: str) -> str | None:
    """The national digits: no country code, brackets or hyphens."""
    if text[:1] == "+" and text[1:].isdecimal():
        code = _country_code(text)
        return text[1:].removeprefix(code) or None if code else None
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.national_significant_number(number) or None


def european_phone(text: str) -> bool:
    """Whether a number (E.164) is of a country in the EEA."""
    code = _country_code(text)
    return code is not None and not EEA.isdisjoint(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)])


def _country_code(text: str) -> str | None:
    """The country code of a number in E.164."""
    digits = text[1:]
    if text[:1] != "+" or not digits.isdecimal():
        return None
    codes = (digits[:length] for length in (1, 2, 3))
    return next((code for code in codes if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), None)


def liveramp_state(text: str, country: str | None = None) -> str:
    """Of the United States the two letters where they are known."""
    return (us_state(text) if country == "US" else None) or text


def liveramp_zip(text: str) -> str | None:
    """ZIP+4 without hyphen."""
    return re.sub(r"[\s-]", "", text) or None


# --- Mailchimp ------------------------------------------------------------------------------------------------------------------------


def mailchimp_email(text: str) -> str | None:
    """Trimmed; None where there is a sign outside ASCII before the `@`."""
    text = text.strip()
    return text if _EMAIL.fullmatch(text) and text.rsplit("@", 1)[0].isascii() else None


def mailchimp_member(email: str) -> str:
    """The id of a list member: MD5 of the lower-case e-mail address."""
    return md5(email.lower())


def mailchimp_text(text: str) -> str | None:
    """At most 255 bytes of UTF-8, cut between characters."""
    return text.encode("utf-8")[:255].decode("utf-8", "ignore").strip() or None


def mailchimp_birthday(birth_date: str) -> str | None:
    """`MM/DD`."""
    return f"{birth_date[5:7]}/{birth_date[8:10]}" if len(birth_date) == 10 else None


# --- files that people open ------------------------------------------------------------------------------------------------------------


def formula_safe(text: str) -> str:
    """The text with `'` before it where a spreadsheet would run it as a formula."""
    return "'" + text if text.startswith(_RUN_AS_FORMULA) else text


def _without_punctuation(text: str) -> str:
    if text.isalpha():
        return text
    return _SPACE.sub(" ", "".join(sign for sign in text if unicodedata.category(sign)[0] not in "PSC")).strip()
