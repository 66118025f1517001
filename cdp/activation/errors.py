"""What can go wrong on the way out, named by what the caller does next::

ActivationError
├── UnknownDestination   correct the name
├── DestinationConfig    correct the definition
├── Forbidden            the address is not one that may be called; the operator decides
└── Undelivered          later: the destination does not take it now; what it took stays recorded
    └── Throttled        not before `until`: it wants no call until then
"""

from __future__ import annotations

from datetime import datetime

from cdp.errors import PlatformError


class ActivationError(PlatformError):
    """Something about sending audiences."""


class UnknownDestination(ActivationError):
    """No destination has this name."""


class DestinationConfig(ActivationError):
    """The definition names what is not there or cannot be used."""


class Forbidden(ActivationError):
    """An address inside the own network, or one that is not an address of the web."""


class Undelivered(ActivationError):
    """The destination does not answer, or refuses the call."""


class Throttled(Undelivered):
    """The destination wants no call before `until` (UTC): a scheduler comes back then, and holds nothing meanwhile."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until
