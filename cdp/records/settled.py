"""A text of a settled form is its own standard form: it is kept without being read, which spares most texts of a tidy column.

A property test holds that a cleaner returns every text unchanged that has its settled form.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cdp.records.values import addresses, emails, names, text


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
    """Which texts are their own standard form, false where null; None where the cleaner has no settled form."""
    form = FORMS.get(clean.func if isinstance(clean, partial) else clean)
    if form is None:
        return None
    found = pc.match_substring_regex(texts, form.pattern)
    return pc.and_(found, pc.less_equal(pc.binary_length(texts), form.limit)).fill_null(False)
