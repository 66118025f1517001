"""What whole columns can tell at once needs no reading text by text: a text of a settled form is its own standard form.

Property tests hold that the cleaners say the same of every such text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cdp.records.values import addresses, emails, names, phones, text


class Form(NamedTuple):
    """A pattern (RE2) of whole texts, and the most bytes one may have."""

    pattern: str
    limit: int = 1 << 20


_UPPER, _LOWER = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_NAME = rf"[{_UPPER}][{_LOWER}]+"
FORMS: dict[Callable[..., Any], Form] = {
    text.clean_key: Form(r"^[!-~]+(?: [!-~]+)*$"),
    text.clean: Form(r"^(?:[A-Za-z0-9]+|[!-~]{5,})(?: [!-~]+)*$"),
    names.clean: Form(rf"^{_NAME}(?:[ '-]{_NAME})*$"),
    emails.clean: Form(r"^[a-z0-9_+]+(?:[.-][a-z0-9_+]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,24}$", 64),
    addresses.clean_postal_code: Form(r"^[0-9]{5,6}$"),
}
"""Cleaner -> the form whose texts it returns as they are, whatever its hints."""


def settled(texts: pa.Array, clean: Callable[..., Any]) -> pa.Array | None:
    """The standard forms that whole columns give at once, null where a text must be read; None where the cleaner has no such way."""
    function, hints = (clean.func, clean.keywords) if isinstance(clean, partial) else (clean, {})
    if function is phones.clean:
        return phones.usual_numbers(texts, hints["country"]) if hints.get("country") else None
    form = FORMS.get(function)
    if form is None:
        return None
    found = pc.match_substring_regex(texts, form.pattern)
    return pc.if_else(pc.and_(found, pc.less_equal(pc.binary_length(texts), form.limit)), texts, None)
