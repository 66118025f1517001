"""Why a request or an event is refused: a code that programs read and a text that people read, neither with a person's data.

EventError
├── Rejected      the request as a whole: nothing of it is stored, the caller is told
└── Unavailable   nothing is stored and the fault is here: the caller sends it again
"""

from __future__ import annotations

from cdp.errors import PlatformError


class EventError(PlatformError):
    """Something about receiving or processing events."""


class Rejected(EventError):
    """A request that is answered with an error; `retry_after` (seconds) where it may be repeated."""

    def __init__(self, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class Unavailable(EventError):
    """The database cannot be reached or written: repeating the request is safe, since messages are deduplicated."""
