"""What the demo company's marketing works with: a few segments, and a destination that nothing has been sent to yet."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import Engine

from cdp import activation, segments
from cdp.demo.people import LAST_DAY

SEGMENTS = (
    ("regulars", "Bought twice in ninety days", "orders.count in last 90 days >= 2"),
    ("win_back", "Good customers who stopped buying", "lifetime_value > 500 and orders.count in last 270 days = 0"),
    ("unhappy", "Complained in the last half year", "tickets[name = complaint].count in last 180 days >= 1"),
    ("several_departments", "Known to three departments or more", "source_count >= 3"),
    (
        "newsletter_readers",
        "Opened a campaign and may be mailed",
        "campaign_touches[name = opened].count in last 180 days >= 1 and consent(email)",
    ),
)
"""Name, title, condition."""


def set_up(engine: Engine, folder: Path, lake: Path) -> dict[str, int]:
    """Store the segments, decide their members as of the company's last day, and register a destination; members by title.

    What conditions read is left in `lake` as a columnar copy, so that the first preview is as fast as those to come.
    """
    destination = {
        "name": "win_back_ads",
        "title": "Win back",
        "segment": "win_back",
        "purpose": "ads",
        "format": "google_ads",
        "to": {"files": {"path": str(folder.resolve() / "exports")}},
    }
    with engine.begin() as connection:
        for name, title, condition in SEGMENTS:
            segments.save(connection, name, condition, "demo", title=title)
        activation.register(connection, destination, "demo")
    segments.refresh_all(engine, as_of=datetime.combine(LAST_DAY + timedelta(days=1), time(), UTC), lake=lake)
    with engine.connect() as connection:
        found = segments.segments(connection)
    return {title: found[name].members for name, title, _ in SEGMENTS}
