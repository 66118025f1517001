"""JSON as it came: integers of any size stay whole; half a character, which no database holds, becomes the sign for an unreadable one."""

from __future__ import annotations

import json
import re
from typing import Any

_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
"""What may be half of a character; two halves in a row are a whole one, and nothing is left of them after parsing."""
_HALF = re.compile("[\ud800-\udfff]")


def loads(text: str) -> Any:
    """What a JSON text says; NaN and the like, which are no JSON, are null.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    value = json.loads(text, parse_constant=lambda name: None)
    return _whole(value) if _ESCAPED.search(text) else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(each) for name, each in value.items()}
    return value
