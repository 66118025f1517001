"""A time is an instant: whole microseconds since 1970 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil import parser

from cdp.records.values import dates
from cdp.records.values.text import Unclean, fold, is_null

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBER = re.compile(r"-?\d{9,19}(?:\.\d+)?")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_NOISE = re.compile(r"\s+(?:um|at|a las|às|à|в|uhr)\b", re.IGNORECASE)
_CLOCK = re.compile(r"[T ,]+\d{1,2}[:.h]\d{2}.*|[T ]\d{6}.*")


def clean(text: str, timezone: str = "UTC", format: str | None = None, day_first: bool | None = None) -> int | None:
    """Microseconds since 1970 of a date and time, a date (its midnight), an epoch (s, ms, µs or ns) or a spreadsheet's serial.

    Args:
        timezone: IANA name; where a time without offset is read.

    Raises:
        Unclean: `impossible_date`, `unknown_time`.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is not None and len(text) >= 10 and (text[4] == "-" or text[8:9] == "T"):
        return _micros(moment, timezone)
    text = _NOISE.sub(" ", fold(text))
    text = text.strip()
    if is_null(text) or not text.strip("0-/. :T"):
        return None
    if format:
        try:
            return _micros(datetime.strptime(text, format), timezone)
        except ValueError:
            pass
    if _NUMBER.fullmatch(text):
        return _epoch(text)
    if _SERIAL.fullmatch(text):
        return _micros(datetime(1899, 12, 30) + timedelta(days=float(text)), timezone)
    return _micros(_read(text, day_first), timezone)


def _epoch(text: str) -> int:
    number = float(text) if "." in text else int(text)
    size = abs(number)
    for limit, factor in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if size < limit:
            return round(number * factor)
    return round(number) // 1000


def _read(text: str, day_first: bool | None) -> datetime:
    """The date by the rules of dates, the clock by dateutil."""
    clock = _CLOCK.search(text)
    day = dates.clean(text[: clock.start()] if clock else text, day_first=day_first)
    if day is None or len(day) != 10:
        raise Unclean("unknown_time")
    midnight = datetime.fromisoformat(day)
    if clock is None:
        return midnight
    try:
        return parser.parse(clock[0].strip(" T,").replace("h", ":"), default=midnight)
    except (ValueError, OverflowError):
        raise Unclean("unknown_time") from None


def _micros(moment: datetime, timezone: str) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(timezone))
    try:
        return (moment - _EPOCH) // _MICROSECOND
    except OverflowError:
        raise Unclean("unknown_time") from None


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises KeyError or ValueError where there is none."""
    return ZoneInfo(name)
