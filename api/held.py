"""Figures that take a walk over whole tables are held for a few minutes in each worker: a page must not get slower as the company grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from flask import current_app

T = TypeVar("T")
SECONDS = 300


def held(name: str, make: Callable[[], T], *, seconds: float = SECONDS) -> T:
    """What `make` gave last, at most `seconds` ago. Nothing (an empty list, None) is not held: what comes first shows at once."""
    kept: dict[str, tuple[float, T]] = current_app.extensions.setdefault("cdp.held", {})
    found = kept.get(name)
    if found is not None and time.monotonic() - found[0] < seconds:
        return found[1]
    value = make()
    if value:
        kept[name] = (time.monotonic(), value)
    return value
