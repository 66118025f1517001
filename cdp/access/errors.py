"""What access control says no with, named by what the caller does next.

AccessError
├── NotAuthenticated   sign in again, or use another key
│   └── TooManyAttempts    wait, then try again
├── Forbidden          ask an administrator for another role or field
└── AccessConfigError  correct the policy, the user or the key, then run again
"""

from __future__ import annotations

from cdp.errors import PlatformError


class AccessError(PlatformError):
    """Something is not allowed, or not set up."""


class NotAuthenticated(AccessError):
    """Nobody knows who is asking: the text never says which half of the credentials was wrong."""


class TooManyAttempts(NotAuthenticated):
    """Too many failed sign-ins; the next is looked at after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many failed sign-ins: wait {max(1, round(retry_after / 60))} minute(s), then try again")
        self.retry_after = retry_after


class Forbidden(AccessError):
    """The principal is known and may not do this."""


class AccessConfigError(AccessError):
    """A user, a key or the field policy is not what it must be."""
