"""JSON text of whatever JSON can hold: an integer of any size is written in full, which the fast writer does not do."""

from __future__ import annotations

import json
from typing import Any

import orjson


def json_text(value: Any, *, ordered: bool = False) -> str:
    """The text of a value; with `ordered`, members by name. What JSON does not know (a time, a decimal) is written as its text."""
    options = orjson.OPT_NON_STR_KEYS | (orjson.OPT_SORT_KEYS if ordered else 0)
    try:
        return orjson.dumps(value, option=options, default=str).decode()
    except (TypeError, orjson.JSONEncodeError):  # an integer beyond 64 bits, a lone surrogate
        return json.dumps(value, sort_keys=ordered, default=str, separators=(",", ":"))
