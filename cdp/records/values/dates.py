"""A date is `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, as precise as the source wrote it, and exists in the calendar."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from anyascii import anyascii
from dateutil import parser

from cdp.records.values.text import Unclean, fold, is_null

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_ISO_LONG = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ].*")
_YEAR_FIRST = re.compile(r"(\d{4})[-/. ]+(\d{1,2})[-/. ]+(\d{1,2})\.?(?:[T ].*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/. ]+(\d{1,2})[-/. ]+(\d{4}|\d{2})\.?(?:,? +\d.*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_PARTIAL = re.compile(r"(\d{4})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{4})")
_YEAR = re.compile(r"\d{4}")
_SERIAL = re.compile(r"(\d{5})(?:\.0+)?")
_EXCEL_EPOCH = date(1899, 12, 30)
_MONTHS = {
    "january": "januar janner enero janeiro janvier ianvaria yanvarya",
    "february": "februar febrero fevereiro fevrier fevralia fevralya",
    "march": "marz maerz marzo marco mars marta mrz",
    "april": "abril avril aprelia aprelya",
    "may": "mai mayo maio maia maya",
    "june": "juni junio junho juin iiunia iyunya",
    "july": "juli julio julho juillet iiulia iyulya",
    "august": "agosto aout avgusta",
    "september": "septiembre setiembre setembro septembre sentiabria sentyabrya",
    "october": "oktober octubre outubro octobre oktiabria oktyabrya okt",
    "november": "noviembre novembro novembre noiabria noyabrya",
    "december": "dezember diciembre dezembro decembre dekabria dekabrya dez dic",
}
_ENGLISH = {name: month for month, foreign in _MONTHS.items() for name in foreign.split()}
_WORD = re.compile(r"[a-z]+")
_JUNK = re.compile(r"\b(de|del|le|of|the|den|am|g)\b\.?")


def clean(text: str, format: str | None = None, day_first: bool | None = None, latest: date | None = None) -> str | None:
    """The date in ISO 8601, partial where the source is.

    Args:
        format: of `strptime`; tried first, and a text that ISO 8601 or a month's name makes plain is still read.
        day_first: how to read `03/04/2020`; None reads the month first where a slash divides, the day first where a dot does.
        latest: no date lies behind it; two-digit years are read as the last such year before it (today where None).

    Raises:
        Unclean: `impossible_date` for 31 February, `unknown_date` for what is no date.
    """
    iso = _ISO.fullmatch(text)
    if iso:
        return _exact(int(iso[1]), int(iso[2]), int(iso[3]))
    text = fold(text)
    if is_null(text) or not text.strip("0-/. :T"):
        return None
    if format:
        formatted = _formatted(text, format)
        if formatted:
            return formatted
    return _numeric(text, day_first, latest) or _worded(text, day_first)


def from_parts(year: str | None, month: str | None, day: str | None) -> str | None:
    """The date of three fields; as precise as they are. Raises as `clean`."""
    numbers = [_number(part) for part in (year, month, day)]
    if numbers[0] is None:
        return None
    if numbers[1] is None:
        return _year(numbers[0])
    return _exact(numbers[0], numbers[1], numbers[2]) if numbers[2] is not None else _month(numbers[0], numbers[1])


def _number(text: str | None) -> int | None:
    text = fold(text or "").removesuffix(".0")
    if is_null(text):
        return None
    if not text.isascii() or not text.isdigit():
        raise Unclean("unknown_date")
    return int(text) or None


def _numeric(text: str, day_first: bool | None, latest: date | None) -> str | None:
    long = _ISO_LONG.fullmatch(text) or _YEAR_FIRST.fullmatch(text)
    if long:
        return _exact(int(long[1]), int(long[2]), int(long[3]))
    last = _YEAR_LAST.fullmatch(text)
    if last:
        first, second, year = int(last[1]), int(last[2]), _century(last[3], latest)
        if day_first is None:
            day_first = "." in text or first > 12
        day, month = (first, second) if day_first else (second, first)
        return _exact(year, day, month) if month > 12 >= day else _exact(year, month, day)
    compact = _COMPACT.fullmatch(text)
    if compact:
        return _compact(text, day_first)
    partial = _PARTIAL.fullmatch(text)
    if partial:
        return _month(int(partial[1] or partial[4]), int(partial[2] or partial[3]))
    if _YEAR.fullmatch(text):
        return _year(int(text))
    serial = _SERIAL.fullmatch(text)
    return (_EXCEL_EPOCH + timedelta(days=int(serial[1]))).isoformat() if serial and 60 < int(serial[1]) < 73051 else None


def _compact(text: str, day_first: bool | None) -> str | None:
    """`YYYYMMDD`; where that is no year of ours, `DDMMYYYY` or `MMDDYYYY`."""
    if 1000 <= int(text[:4]) <= 2200 and int(text[4:6]) <= 12:
        return _exact(int(text[:4]), int(text[4:6]), int(text[6:]))
    first, second, year = int(text[:2]), int(text[2:4]), int(text[4:])
    return _exact(year, first, second) if day_first is False else _exact(year, second, first)


def _worded(text: str, day_first: bool | None) -> str:
    """A date with a month's name, read by dateutil after the name is put into English."""
    english = _WORD.sub(lambda word: _ENGLISH.get(word[0], word[0]), _JUNK.sub(" ", anyascii(text).lower()))
    if not any(char.isdigit() for char in english) or not any(char.isalpha() for char in english):
        raise Unclean("unknown_date")
    try:
        first = parser.parse(english, dayfirst=bool(day_first), default=datetime(2004, 1, 1))
        second = parser.parse(english, dayfirst=bool(day_first), default=datetime(2008, 2, 2))
    except (ValueError, OverflowError, TypeError):
        raise Unclean("impossible_date" if re.search(r"\b3[01]\b", english) else "unknown_date") from None
    if first.year != second.year or first.month != second.month:
        raise Unclean("unknown_date")
    return first.date().isoformat() if first.day == second.day else _month(first.year, first.month)


def _formatted(text: str, format: str) -> str | None:
    try:
        moment = datetime.strptime(text, format)
    except ValueError:
        return None
    if "%y" in format and moment.date() > date.today():
        moment = moment.replace(year=moment.year - 100)
    if any(code in format for code in ("%d", "%j", "%x", "%c")):
        return moment.date().isoformat()
    return _month(moment.year, moment.month) if any(code in format for code in ("%m", "%b", "%B")) else _year(moment.year)


def _century(text: str, latest: date | None) -> int:
    if len(text) == 4:
        return int(text)
    this_year = (latest or date.today()).year
    year = this_year // 100 * 100 + int(text)
    return year - 100 if year > this_year else year


def _exact(year: int, month: int, day: int) -> str | None:
    """The date; a zero stands for what is not known."""
    if not year and not month and not day:
        return None
    if month and not day:
        return _month(year, month)
    if not month and not day:
        return _year(year)
    if not 1000 <= year <= 2200:
        raise Unclean("impossible_date")
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise Unclean("impossible_date") from None


def _month(year: int, month: int) -> str:
    if not 1 <= month <= 12 or not 1000 <= year <= 2200:
        raise Unclean("impossible_date")
    return f"{year:04d}-{month:02d}"


def _year(year: int) -> str:
    if not 1000 <= year <= 2200:
        raise Unclean("impossible_date")
    return f"{year:04d}"
