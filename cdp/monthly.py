"""The report of a month is a function of what is stored about that month: made again, it says the same as long as nothing arrives late."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from html import escape
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from cdp.errors import PlatformError

Rows = list[dict[str, Any]]

_PROFILES = """select count(*) filter (where created_at >= :start and created_at < :end) as new,
    count(*) filter (where merged_into is not null and retired_at >= :start and retired_at < :end) as merged,
    count(*) filter (where created_at < :end and (retired_at is null or retired_at >= :end)) as living from profile"""
_INTERACTIONS = """select kind, coalesce(channel, '–') as channel, count(*) as interactions, count(distinct profile_id) as customers
    from interaction where at >= :start and at < :end and deleted_at is null group by 1, 2 order by 3 desc, 1, 2"""
_REVENUE = """select currency, count(*) as orders, sum(amount)::text as amount from interaction
    where kind = 'order' and amount is not null and at >= :start and at < :end and deleted_at is null group by 1 order by 2 desc, 1"""
_SEGMENTS = """select s.name, s.title, count(*) filter (where c.change = 'entered') as came,
    count(*) filter (where c.change = 'left') as gone
    from segment s join segment_change c on c.segment_id = s.id and c.at >= :start and c.at < :end group by 1, 2 order by 1"""
_SENT = """select t.name as destination, count(distinct d.id) as deliveries, count(*) filter (where l.change = 'added') as added,
    count(*) filter (where l.change = 'updated') as updated, count(*) filter (where l.change = 'removed') as removed,
    count(*) filter (where l.answer like 'refused%') as refused
    from delivery d join destination t on t.id = d.destination_id left join export_ledger l on l.delivery_id = d.id
    where d.started_at >= :start and d.started_at < :end group by 1 order by 1"""
_REFUSED = """select coalesce(s.name, '–') as source, q.reason, count(*) as rows from quarantine q left join source s on s.id = q.source_id
    where q.created_at >= :start and q.created_at < :end group by 1, 2 order by 3 desc, 1, 2"""


@dataclass(frozen=True)
class Month:
    """A calendar month (UTC)."""

    year: int
    month: int

    @staticmethod
    def parse(text: str) -> Month:
        """`2026-10`. Raises PlatformError."""
        try:
            found = datetime.strptime(text, "%Y-%m")
        except ValueError:
            raise PlatformError(f"{text!r} is no month: write it as 2026-10") from None
        return Month(found.year, found.month)

    @staticmethod
    def of(day: date) -> Month:
        """The month that a day lies in."""
        return Month(day.year, day.month)

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.next.start

    @property
    def next(self) -> Month:
        """The month after."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def before(self) -> Month:
        """The month before."""
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@dataclass(frozen=True)
class MonthReport:
    """What happened in a month; counts only, nobody's data."""

    month: str
    profiles: dict[str, int]
    interactions: Rows
    revenue: Rows
    segments: Rows
    deliveries: Rows
    refused: Rows


def month_report(connection: Connection, month: Month) -> MonthReport:
    """Count a month."""
    span = {"start": month.start, "end": month.end}

    def rows(query: str) -> Rows:
        return [dict(row) for row in connection.execute(text(query), span).mappings()]

    return MonthReport(str(month), rows(_PROFILES)[0], rows(_INTERACTIONS), rows(_REVENUE), rows(_SEGMENTS), rows(_SENT), rows(_REFUSED))


def write_month(engine: Engine, folder: Path, month: Month) -> list[Path]:
    """Write a month's report as JSON and as a page to read; the files."""
    with engine.connect() as connection:
        report = month_report(connection, month)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for suffix, content in (("json", json.dumps(asdict(report), indent=1)), ("html", _page(report))):
        path = folder / f"{month}.{suffix}"
        partial = path.with_name(f".{path.name}.part")
        partial.write_text(content, "utf-8")
        made.append(partial.replace(path))
    return made


_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;max-width:860px;margin:32px auto;padding:0 16px;color-scheme:light dark;"
    "font-variant-numeric:tabular-nums}h1{font-size:20px}h2{font-size:14px;margin:24px 0 4px}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:4px 12px 4px 0;border-top:1px solid #8884}th{font-weight:500;opacity:.7;border:0}"
    "td.n,th.n{text-align:right}"
)


def _page(report: MonthReport) -> str:
    people = report.profiles
    parts = [
        ("Interactions", report.interactions),
        ("Orders", report.revenue),
        ("Segments", report.segments),
        ("Sent to destinations", report.deliveries),
        ("Refused rows", report.refused),
    ]
    tables = "".join(f"<h2>{escape(title)}</h2>{_table(rows)}" for title, rows in parts)
    summary = (
        f"{people['living']:,} customers at its end, {people['new']:,} of them new; "
        f"{people['merged']:,} found to be the same as another one."
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{report.month}</title><style>{_STYLE}</style><h1>Customers in {report.month}</h1><p>{summary}</p>{tables}</html>\n"
    )


def _table(rows: Rows) -> str:
    if not rows:
        return "<p>None.</p>"
    numeric = {name for name, value in rows[0].items() if isinstance(value, int)}
    head = "".join(f"<th{_class(name in numeric)}>{escape(name)}</th>" for name in rows[0])
    lines = "".join(
        "<tr>" + "".join(f"<td{_class(name in numeric)}>{_cell(value)}</td>" for name, value in row.items()) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{lines}</table>"


def _class(number: bool) -> str:
    return ' class="n"' if number else ""


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else escape(str(value if value is not None else "–"))
