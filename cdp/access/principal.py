"""Who asks, and what their role lets them do: what ACTIONS does not grant is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cdp.access.errors import Forbidden


class Role(StrEnum):
    """What somebody does with the platform."""

    VIEWER = "viewer"
    """Looks customers up."""
    MARKETER = "marketer"
    """Builds segments and sends audiences."""
    STEWARD = "steward"
    """Settles doubtful matches; sees values unmasked."""
    ENGINEER = "engineer"
    """Adds sources and runs the platform; sees personal values masked."""
    ADMIN = "admin"
    """Manages users, keys and the audit trail."""


_ALL = frozenset(Role)
_WORKSHOP = frozenset({Role.STEWARD, Role.ENGINEER, Role.ADMIN})
_MARKETING = frozenset({Role.MARKETER, Role.ADMIN})

ACTIONS: Mapping[str, frozenset[Role]] = {
    "profile.read": _ALL,
    "record.read": _ALL,
    "status.read": _ALL,
    "source.read": _ALL,
    "source.write": frozenset({Role.ENGINEER, Role.ADMIN}),
    "quarantine.read": _WORKSHOP,
    "quarantine.write": _WORKSHOP,
    "receipt.read": _WORKSHOP,
    "review.read": _WORKSHOP,
    "decision.write": frozenset({Role.STEWARD, Role.ADMIN}),
    "attribute.read": _ALL,
    "attribute.write": frozenset({Role.MARKETER, Role.ENGINEER, Role.ADMIN}),
    "segment.read": _ALL,
    "segment.write": _MARKETING,
    "monitor.read": _ALL,
    "monitor.write": _MARKETING,
    "task.read": _ALL,
    "task.write": _ALL - {Role.VIEWER},
    "destination.read": _MARKETING | {Role.ENGINEER},
    "destination.write": frozenset({Role.ENGINEER, Role.ADMIN}),
    "audience.export": _MARKETING,
    "audit.read": frozenset({Role.ADMIN}),
    "user.write": frozenset({Role.ADMIN}),
}
"""Action -> the roles that may do it. An action that is not here may be done by nobody."""


@dataclass(frozen=True)
class Principal:
    """Somebody, or some program, whose credentials have been checked.

    Attributes:
        departments: those the principal belongs to; None for one who belongs to no one department (a service, the board).
    """

    id: int
    name: str
    role: Role
    departments: frozenset[str] | None = None

    def may(self, action: str) -> bool:
        """Whether the role grants `action`; an action that ACTIONS does not name is granted to nobody."""
        return self.role in ACTIONS.get(action, frozenset())

    def require(self, action: str) -> None:
        """Raises Forbidden where the role does not grant `action`."""
        if not self.may(action):
            granted = ", ".join(sorted(ACTIONS.get(action, frozenset()))) or "nobody"
            raise Forbidden(f"the role {self.role} may not do {action}; it is granted to: {granted}")


SYSTEM = Principal(0, "system", Role.ADMIN)
"""The command line and scheduled runs: whoever starts them holds the database already."""
