"""A condition is a tree of small frozen values; two conditions that read the same are equal, wherever they were written."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from dateutil.relativedelta import relativedelta

Unit = Literal["minute", "hour", "day", "week", "month", "year"]
UNITS: tuple[Unit, ...] = ("minute", "hour", "day", "week", "month", "year")


class Type(StrEnum):
    """What a value is. A date is `YYYY-MM-DD` (or a leading part of it); `ANY` is a property, whose type its comparison tells."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    TIME = "time"
    DATE = "date"
    LIST = "list"
    ANY = "any"


class Op(StrEnum):
    """How a value is compared. The member's value is its name in JSON."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    LESS = "less"
    AT_MOST = "at_most"
    MORE = "more"
    AT_LEAST = "at_least"
    BETWEEN = "between"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    NOT_STARTS_WITH = "not_starts_with"
    ENDS_WITH = "ends_with"
    NOT_ENDS_WITH = "not_ends_with"
    ONE_OF = "one_of"
    NOT_ONE_OF = "not_one_of"
    CONTAINS_ANY = "contains_any"
    NOT_CONTAINS_ANY = "not_contains_any"
    CONTAINS_ALL = "contains_all"
    EXISTS = "exists"
    MISSING = "missing"
    BEFORE = "before"
    AFTER = "after"
    WITHIN_LAST = "within_last"
    WITHIN_NEXT = "within_next"
    BEFORE_LAST = "before_last"
    AFTER_NEXT = "after_next"
    ANNIVERSARY_WITHIN = "anniversary_within"


NEGATIONS = {
    Op.NOT_EQUALS: Op.EQUALS,
    Op.NOT_CONTAINS: Op.CONTAINS,
    Op.NOT_STARTS_WITH: Op.STARTS_WITH,
    Op.NOT_ENDS_WITH: Op.ENDS_WITH,
    Op.NOT_ONE_OF: Op.ONE_OF,
    Op.NOT_CONTAINS_ANY: Op.CONTAINS_ANY,
    Op.MISSING: Op.EXISTS,
}
"""A negation is true exactly where its counterpart is not, a missing value included."""

DURATIONS = frozenset({Op.WITHIN_LAST, Op.WITHIN_NEXT, Op.BEFORE_LAST, Op.AFTER_NEXT, Op.ANNIVERSARY_WITHIN})
LISTS = frozenset({Op.ONE_OF, Op.NOT_ONE_OF, Op.CONTAINS_ANY, Op.NOT_CONTAINS_ANY, Op.CONTAINS_ALL})
VALUELESS = frozenset({Op.EXISTS, Op.MISSING})
ORDERED = frozenset({Op.EQUALS, Op.NOT_EQUALS, Op.LESS, Op.AT_MOST, Op.MORE, Op.AT_LEAST})


@dataclass(frozen=True)
class Duration:
    """So many units of time; months and years are calendar ones (31 March less one month is the last of February)."""

    amount: int
    unit: Unit

    def before(self, moment: datetime) -> datetime:
        return moment - self._delta()

    def after(self, moment: datetime) -> datetime:
        return moment + self._delta()

    def _delta(self) -> relativedelta:
        return relativedelta(**{f"{self.unit}s": self.amount})  # type: ignore[arg-type]  # minutes … years

    @property
    def sensible(self) -> bool:
        """Whether calendars reach so far from any day of these times."""
        return 0 < self.amount <= LONGEST // timedelta(minutes=1) and self.fixed <= LONGEST

    @property
    def fixed(self) -> timedelta:
        """The length where a calendar does not matter: between two events of a sequence a month is 30 days, a year 365."""
        days = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7, "month": 30, "year": 365}
        return timedelta(days=days[self.unit] * self.amount)

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}{'' if self.amount == 1 else 's'}"


LONGEST = timedelta(days=365 * 200)


@dataclass(frozen=True)
class Reference:
    """The value of another field of the same person: `@average_basket`."""

    name: str


Scalar: TypeAlias = str | Decimal | bool
Value: TypeAlias = Scalar | Duration | Reference | tuple[Scalar, ...] | None


@dataclass(frozen=True)
class Compare:
    """A field compared with a value; a missing value fails every operator but the negations."""

    field: str
    op: Op
    value: Value = None
    place: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True)
class And:
    parts: tuple[object, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[object, ...]


@dataclass(frozen=True)
class Not:
    part: object


Predicate: TypeAlias = Compare | And | Or | Not
"""A condition on one event; `cdp.segments` adds leaves that speak of a person."""


@dataclass(frozen=True)
class Window:
    """A stretch of time, relative to the moment a definition is evaluated at.

    `last` n units, `this` or `previous` calendar unit, `between` two moments (either may be open), or the `first` n units
    since the customer was first seen.
    """

    kind: Literal["last", "this", "previous", "between", "first"]
    length: Duration | None = None
    unit: str = ""
    start: datetime | None = None
    end: datetime | None = None
    place: str = dataclasses.field(default="", compare=False)

    def bounds(self, now: datetime) -> tuple[datetime | None, datetime]:
        """After the first (null: from the beginning), up to and including the second. Nothing after `now` ever counts."""
        if self.kind == "last" and self.length is not None:
            return self.length.before(now), now
        if self.kind in ("this", "previous"):
            start = _period_start(now, self.unit)
            if self.kind == "this":
                return start - _TICK, now
            return _period_start(start - _TICK, self.unit) - _TICK, start - _TICK
        start_at = None if self.start is None else _tick_before(self.start)
        return start_at, now if self.end is None else min(now, _tick_before(self.end))


_TICK = timedelta(microseconds=1)


def _tick_before(moment: datetime) -> datetime:
    return moment if moment.replace(tzinfo=None) == datetime.min else moment - _TICK


PERIODS = ("day", "week", "month", "quarter", "year")


def _period_start(moment: datetime, unit: str) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(day=1, month=3 * ((day.month - 1) // 3) + 1)
    if unit == "year":
        return day.replace(day=1, month=1)
    return day


ALWAYS = Window("between")
"""Everything up to now."""
