"""An e-mail address is kept in lower case and is syntactically valid; nothing asks the DNS."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

from cdp.records.values.text import Unclean, fold, is_null

_PLAIN = re.compile(r"[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*@(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_BRACKETS = re.compile(r".*<([^<>]+)>\s*$")


def clean(text: str) -> str | None:
    """The address in lower case, without `mailto:` or a display name.

    Raises:
        Unclean: `invalid_email`.
    """
    plain = text.strip().lower()
    if len(plain) <= 64 and _PLAIN.fullmatch(plain) and "--" not in plain:
        return plain
    return _thorough(fold(text))


def _thorough(text: str) -> str | None:
    if is_null(text):
        return None
    inside = _BRACKETS.match(text)
    address = (inside.group(1) if inside else text).strip().removeprefix("mailto:").removeprefix("MAILTO:").strip(" ;,\"'").lower()
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        raise Unclean("invalid_email") from None
