"""What can be wrong with a definition, named by what its author does next.

DefinitionError        correct the definition at the place it names
├── UnknownName        name something that exists (the message lists what does)
└── CircularDefinition take one reference out of the circle
"""

from __future__ import annotations

from cdp.errors import PlatformError


class DefinitionError(PlatformError):
    """A definition cannot be used; `place` is where (line and column, or a JSON pointer), `reason` is why and what to do."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.place = place
        self.reason = reason

    def within(self, outer: str) -> DefinitionError:
        """The same error, told from a document that holds the definition."""
        return type(self)(f"{outer}, {self.place}" if self.place else outer, self.reason)


class UnknownName(DefinitionError):
    """A field, attribute, segment or kind that does not exist."""


class CircularDefinition(DefinitionError):
    """A definition that leads back to itself."""
