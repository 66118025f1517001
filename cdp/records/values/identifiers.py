"""An identifier is compared without its punctuation: upper case letters and digits, its leading zeros kept."""

from __future__ import annotations

import re

from cdp.records.values.text import fold, is_null, upper

_NOISE = re.compile(r"[\s.\-_/\\]+")
_EXCEL = re.compile(r"(\d+)\.0")


def clean(text: str) -> str | None:
    """The identifier in upper case without blanks, dots, hyphens and slashes; `123.0` is what a spreadsheet makes of `123`."""
    text = fold(text)
    if is_null(text):
        return None
    excel = _EXCEL.fullmatch(text)
    bare = upper(excel.group(1) if excel else _NOISE.sub("", text))
    return None if is_null(bare) else bare
