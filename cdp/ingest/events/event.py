"""An event as the platform understands it: who, what, and when by the server's clock.

A device's clock may be wrong, but it is wrong by the same amount when it notes an event and when it sends it. So an event happened
`receivedAt - (sentAt - originalTimestamp)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from cdp.records.values import times
from cdp.records.values.text import Unclean

_EARLY = timedelta(minutes=1)
"""How far ahead of its arrival an event may claim to be."""


@dataclass(frozen=True)
class Issue:
    """A value of an event that could not be used as it was; kept as written."""

    field: str
    value: str
    reason: str

    def document(self) -> dict[str, str]:
        """As a canonical document holds it."""
        return {"field": self.field, "value": self.value[:200], "reason": self.reason}


@dataclass(frozen=True)
class Event:
    """One call of the tracking API, read.

    Attributes:
        raw: the event as it was accepted.
        at: when it happened, UTC.
        traits: of identify and group, wherever the client puts them.
    """

    raw: Mapping[str, Any]
    type: str
    message_id: str
    user_id: str | None
    anonymous_id: str | None
    at: datetime
    traits: Mapping[str, Any] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()

    @cached_property
    def person(self) -> str:
        """Key of the customer record that the event belongs to."""
        return f"user:{self.user_id}" if self.user_id else f"anon:{self.anonymous_id}"

    @cached_property
    def at_text(self) -> str:
        """`at` in ISO 8601 with microseconds."""
        return self.at.isoformat(timespec="microseconds")


def read(raw: Mapping[str, Any]) -> Event:
    """The event of an accepted JSON object; it carries `type`, `messageId` and `receivedAt`."""
    at, issues = _happened(raw)
    return Event(
        raw=raw,
        type=raw["type"],
        message_id=raw["messageId"],
        user_id=raw.get("userId"),
        anonymous_id=raw.get("anonymousId"),
        at=at,
        traits=_traits(raw),
        issues=issues,
    )


def _traits(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    traits = raw.get("traits") or (raw.get("context") or {}).get("traits") or {}
    return traits if isinstance(traits, dict) else {}


def _happened(raw: Mapping[str, Any]) -> tuple[datetime, tuple[Issue, ...]]:
    received = instant(raw["receivedAt"]) or datetime.now(UTC)
    name = "originalTimestamp" if raw.get("originalTimestamp") is not None else "timestamp"
    original, sent = instant(raw.get(name)), instant(raw.get("sentAt"))
    if original is None:
        given = raw.get(name)
        return received, () if given is None else (Issue(name, str(given), "unknown_time"),)
    at = original if sent is None else _shifted(received, original - sent)
    if at > received + _EARLY:
        return received, (Issue(name, str(raw.get(name)), "in_the_future"),)
    return at, ()


def _shifted(received: datetime, by: timedelta) -> datetime:
    try:
        return received + by
    except OverflowError:
        return received


def instant(value: Any) -> datetime | None:
    """A point in time from ISO 8601 text or seconds or milliseconds since 1970; None where it is neither."""
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if abs(value) > 1e11 else value
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, OSError, ValueError):
            return None
    return None


@lru_cache(maxsize=1024)  # the events of a request share the times at which it was sent and received
def _of_text(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    try:
        micros = times.clean(text)
    except Unclean:
        return None
    return None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC)
