"""Waiting ends as soon as what is waited for is there, so a long patience costs nothing where things are quick."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0
"""Seconds: enough for a machine that starts ten processes at once."""


def eventually(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What `true` finds at last, or what it found when patience ended."""
    until = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
