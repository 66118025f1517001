"""How a source is asked for what changed since a time, and how the time of a change is read from a row.

Times are compared as instants, never as text: `2026-01-01T01:00+02:00` is before `2026-01-01T00:00Z`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from connectors.contract import ContractError
from connectors.http import Request, with_params

FORMATS: Mapping[str, Callable[[datetime], str | int]] = {
    "iso": lambda time: time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "iso_offset": lambda time: time.astimezone(UTC).isoformat(timespec="seconds"),
    "unix": lambda time: int(time.timestamp()),
    "unix_ms": lambda time: int(time.timestamp() * 1000),
    "unix_ms_text": lambda time: str(int(time.timestamp() * 1000)),
}
"""Name -> how a time is written in a request; fractions are cut off, so that nothing is skipped."""


class Since(Protocol):
    """A kind of question, as data."""

    def ask(self, request: Request, time: datetime | None) -> Request:
        """The request for what changed at or after `time`; for everything where it is None."""
        ...


@dataclass(frozen=True)
class SinceParam:
    """The time goes into a parameter; the source must take it inclusively, or the overlap of the stream makes up for it."""

    param: str
    format: str = "iso"

    def ask(self, request: Request, time: datetime | None) -> Request:
        return request if time is None else with_params(request, {self.param: FORMATS[self.format](time)})


@dataclass(frozen=True)
class SinceText:
    """The time goes into a text that is a parameter, at `{}`; `otherwise` is the text where there is no time."""

    param: str
    text: str
    otherwise: str = ""
    format: str = "iso"

    def ask(self, request: Request, time: datetime | None) -> Request:
        if time is not None:
            return with_params(request, {self.param: self.text.replace("{}", str(FORMATS[self.format](time)))})
        return with_params(request, {self.param: self.otherwise}) if self.otherwise else request


def instant(value: Any, where: str) -> datetime | None:
    """A time in a row: ISO 8601 (UTC where it names no offset), or seconds or milliseconds since 1970. None where there is none.

    Raises:
        ContractError: it is none of these.
    """
    if value in (None, ""):
        return None
    try:
        if isinstance(value, str) and not value.lstrip("-").replace(".", "", 1).isdigit():
            time = datetime.fromisoformat(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if abs(number) >= 1e11 else number, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise ContractError(
            f"{where}: the field that says when a row changed holds no time. The source has changed, or `cursor` is wrong"
        ) from None
