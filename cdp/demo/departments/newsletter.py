"""Marketing's newsletter tool exports CSV: subscribers with what they agreed to, and what each campaign did with them.

Often an e-mail address is all it knows.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from cdp.demo import chance
from cdp.demo.departments.base import Department, Row, numbered
from cdp.demo.people import LAST_DAY, Person, Temper
from cdp.demo.sightings import Sighting

NAME = "newsletter"
_CAMPAIGNS = tuple(
    (date(year, month, day), f"{title} {year}")
    for year, month, day, title in (
        (2024, 11, 21, "Winter lights"),
        (2024, 12, 9, "Gifts"),
        (2025, 2, 6, "Seeds and soil"),
        (2025, 3, 20, "Spring garden"),
        (2025, 5, 8, "Outdoor living"),
        (2025, 7, 10, "Summer sale"),
        (2025, 9, 11, "Autumn tools"),
        (2025, 11, 20, "Winter lights"),
        (2025, 12, 8, "Gifts"),
        (2026, 2, 5, "Seeds and soil"),
        (2026, 3, 19, "Spring garden"),
        (2026, 5, 7, "Outdoor living"),
        (2026, 7, 9, "Summer sale"),
        (2026, 9, 10, "Autumn tools"),
        (2026, 10, 15, "Early winter"),
    )
)
_OPENS = {Temper.LOYAL: 0.58, Temper.REGULAR: 0.38, Temper.OCCASIONAL: 0.22, Temper.LEAVER: 0.36}
_SUBSCRIBER = (
    "subscriber_id",
    "email",
    "first_name",
    "last_name",
    "language",
    "subscribed_at",
    "status",
    "consent",
    "consent_at",
    "consent_text",
)
_TOUCH = ("touch_id", "subscriber_id", "campaign", "action", "happened_at", "device")


def build(random: Random, records: Sequence[Sighting]) -> Department:
    """The tool's rows. An address subscribes once: of two records with one address only the older stays."""
    first: dict[str, Sighting] = {}
    for record in numbered(records, str):
        first.setdefault(str(record.email), record)
    known = numbered(list(first.values()), lambda number: str(50000 + number))
    subscribers: list[Row] = []
    touches: list[Row] = []
    for record in known:
        row, until = _subscriber(random, record)
        subscribers.append(row)
        if row["status"] != "pending":
            touches += _touches(random, record, until)
    touches.sort(key=lambda row: (row["happened_at"], row["subscriber_id"], row["action"]))
    numbered_touches = [{"touch_id": f"T{number:06}", **row} for number, row in enumerate(touches, 1)]
    return Department(NAME, "subscribers", known, {"subscribers": subscribers, "touches": numbered_touches})


def _subscriber(random: Random, record: Sighting) -> tuple[Row, date]:
    """A subscriber, and the last day on which a campaign may reach it."""
    made = datetime.combine(record.day, time(random.randrange(24), random.randrange(60)), UTC)
    status, until, changed = "subscribed", LAST_DAY, made
    if random.random() < 0.05:
        status = "pending"
    elif random.random() < 0.13 and (LAST_DAY - record.day).days > 40:
        status = "unsubscribed"
        changed = made + timedelta(days=random.randrange(20, (LAST_DAY - record.day).days))
        until = changed.date()
    shared = record.email == record.person.shared_mailbox
    named = random.random() < 0.72 or shared or record.person.story is not None
    row: Row = {
        "subscriber_id": record.key,
        "email": record.email,
        "first_name": record.given if named else "",
        "last_name": record.family if named and (random.random() < 0.85 or record.person.story) else "",
        "language": "de" if record.person.country == "DE" else "en",
        "subscribed_at": chance.stamp(made),
        "status": status,
        "consent": {"subscribed": "yes", "unsubscribed": "no", "pending": ""}[status],
        "consent_at": "" if status == "pending" else chance.stamp(changed),
        "consent_text": "" if status == "pending" else "double opt-in" if status == "subscribed" else "unsubscribe link",
    }
    return row, until


def _touches(random: Random, record: Sighting, until: date) -> list[Row]:
    rows = []
    person = record.person
    for day, campaign in _CAMPAIGNS:
        if not record.day < day <= until:
            continue
        sent = datetime.combine(day, time(6, random.randrange(60), random.randrange(60)), UTC)
        steps = [("sent", sent)]
        if random.random() < _opens(person, day):
            opened = sent + timedelta(minutes=int(random.expovariate(1 / 500)) + 2)
            steps.append(("opened", opened))
            if random.random() < 0.24:
                steps.append(("clicked", opened + timedelta(seconds=random.randrange(10, 240))))
        elif random.random() < 0.008:
            steps.append(("bounced", sent + timedelta(seconds=30)))
        device = random.choice(("phone", "phone", "desktop"))
        rows += [
            {
                "subscriber_id": record.key,
                "campaign": campaign,
                "action": action,
                "happened_at": chance.stamp(at),
                "device": device if action != "sent" else "",
            }
            for action, at in steps
            if chance.within(at)
        ]
    return rows


def _opens(person: Person, day: date) -> float:
    return 0.05 if person.left and day > person.left else _OPENS[person.temper]


def write(folder: Path, department: Department) -> None:
    """One CSV file a stream."""
    for name, columns in (("subscribers", _SUBSCRIBER), ("touches", _TOUCH)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(department.streams[name])


def definition(folder: Path) -> dict[str, Any]:
    """The source as it is registered."""
    customer = {
        "source_key": "subscriber_id",
        "given_name": "first_name",
        "family_name": "last_name",
        "emails": ["email"],
        "language": "language",
        "consents": {"email": {"field": "consent", "at": "consent_at", "basis": "consent_text"}},
        "created_at": "subscribed_at",
        "updated_at": "consent_at",
        "attributes": ["status"],
    }
    touch = {
        "source_key": "touch_id",
        "customer_key": "subscriber_id",
        "customer_stream": {"const": "subscribers"},
        "kind": {"const": "campaign_touch"},
        "name": "action",
        "status": "action",
        "channel": {"const": "email"},
        "direction": {"const": "outbound"},
        "at": "happened_at",
        "campaign": "campaign",
        "properties": ["device"],
    }
    return {
        "name": NAME,
        "department": "Marketing",
        "connector": "files",
        "config": {"path": str(folder), "streams": {"subscribers": "subscribers.csv", "touches": "touches.csv"}},
        "mapping": {"version": 1, "streams": {"subscribers": {"customer": customer}, "touches": {"interaction": touch}}},
        "priority": 60,
        "duplicate_free": False,
    }
