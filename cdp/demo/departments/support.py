"""The support desk exports JSON Lines: requesters, tickets, chats.

It knows people by how they write in: often a name and one way to answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from cdp.demo import chance, stock, writing
from cdp.demo.departments.base import Complaint, Department, Row, numbered
from cdp.demo.people import LAST_DAY
from cdp.demo.sightings import Sighting

NAME = "support_desk"
_TOPICS = (
    ("delivery", "Where is my {0}?", "I ordered the {0} and the parcel has not moved for days. When will it arrive?"),
    ("invoice", "Copy of an invoice", "I need the invoice for the {0} once more, please, for my papers."),
    ("product", "Question about the {0}", "Which parts fit the {0}, and is there a manual that I can download?"),
    ("account", "Cannot sign in", "The page says that my password is wrong. I only wanted to look up my order of the {0}."),
    ("warranty", "Warranty for {0}", "How long is the warranty for the {0}, and what does it cover?"),
)
_ANGRY = (
    "The {0} from order {1} arrived damaged. I am very disappointed and want my money back.",
    "The {0} from order {1} stopped working after two days. This is the second time, please sort it out.",
    "The {0} in order {1} is not what the page showed. I would like to send it back.",
)
_CHATS = (
    ("Is the {0} in stock?", "Yes, it ships tomorrow."),
    ("Does the {0} come with a warranty?", "Two years, from the day of delivery."),
    ("Can I change the address of my order?", "Done, it goes to the new address."),
    ("My discount code does not work.", "I have put it into your basket, please try again."),
)


def build(random: Random, records: Sequence[Sighting], complaints: Sequence[Complaint]) -> Department:
    """The desk's rows; `complaints` of people it knows become tickets."""
    known = numbered(records, lambda number: f"req_{20000 + number}")
    angry: dict[int, list[Complaint]] = {}
    for complaint in complaints:
        angry.setdefault(complaint.person, []).append(complaint)
    tickets: list[Row] = []
    chats: list[Row] = []
    for person, own in chance.people_of(known):
        tickets += [_complaint(random, own, complaint) for complaint in angry.get(person.id, ()) if complaint.at.date() >= own[0].day]
        tickets += [_ticket(random, own, day) for day in chance.days(random, own, 1.3)]
        chats += [_chat(random, own, day) for day in chance.days(random, own, 1.0)]
    tickets.sort(key=lambda row: (row["created_at"], row["requester_id"]))
    chats.sort(key=lambda row: (row["started_at"], row["requester_id"]))
    streams = {
        "requesters": [_requester(random, record) for record in known],
        "tickets": [{"id": 70000 + number, **row} for number, row in enumerate(tickets, 1)],
        "chats": [{"id": f"chat-{number:05}", **row} for number, row in enumerate(chats, 1)],
    }
    return Department(NAME, "requesters", known, streams)


def _requester(random: Random, record: Sighting) -> Row:
    made = datetime.combine(record.day, time(random.randrange(24), random.randrange(60)), UTC)
    contact = {
        "email": record.email.upper() if record.email and random.random() < 0.03 else record.email,
        "phone": writing.phone(random, record.mobile or record.landline, "ei" if record.person.country == "DE" else "indp"),
    }
    return {
        "id": record.key,
        "name": _name(random, record),
        "company": record.person.organisation or None,
        "contact": {key: value for key, value in contact.items() if value},
        "locale": "de-DE" if record.person.country == "DE" else "en-US",
        "created_at": chance.stamp(made),
    }


def _name(random: Random, record: Sighting) -> str | None:
    if not record.given:
        return None
    suffix = f" {record.suffix}" if record.suffix else ""
    if random.random() < 0.12:
        return f"{record.family}, {record.given}{suffix}"
    return writing.shouted(random, f"{record.given} {record.family}{suffix}", 0.02)


def _complaint(random: Random, records: list[Sighting], complaint: Complaint) -> Row:
    day = complaint.at.date()
    text = random.choice(_ANGRY).format(complaint.product, complaint.order)
    row = _case(random, records, day, complaint.at, "complaint", f"Complaint: {complaint.product}", text)
    row["priority"] = random.choice(("high", "high", "urgent", "normal"))
    row["escalated"] = random.random() < 0.3
    if row["satisfaction"] is not None:
        row["satisfaction"] = {"score": random.choice((1, 1, 2, 2, 3))}
    row["order"] = complaint.order
    return row


def _ticket(random: Random, records: list[Sighting], day: date) -> Row:
    topic, subject, body = random.choice(_TOPICS)
    product = random.choice(stock.PRODUCTS).name
    return _case(random, records, day, chance.online(random, day), topic, subject.format(product), body.format(product))


def _case(random: Random, records: list[Sighting], day: date, at: datetime, topic: str, subject: str, text: str) -> Row:
    solved = at + timedelta(hours=random.randrange(2, 150))
    done = solved.date() <= LAST_DAY and random.random() > 0.03
    rated = done and random.random() < 0.45
    return {
        "requester_id": chance.record_on(records, day).key,
        "created_at": chance.stamp(at),
        "solved_at": chance.stamp(solved) if done else None,
        "via": random.choice(("email", "email", "phone", "web")),
        "topic": topic,
        "subject": subject,
        "description": text,
        "status": "solved" if done else "open",
        "priority": random.choice(("low", "normal", "normal", "high")),
        "escalated": False,
        "satisfaction": {"score": random.choice((3, 4, 4, 5, 5))} if rated else None,
        "agent": random.choice(stock.STAFF),
    }


def _chat(random: Random, records: list[Sighting], day: date) -> Row:
    question, answer = random.choice(_CHATS)
    at = chance.online(random, day)
    text = question.format(random.choice(stock.PRODUCTS).name)
    return {
        "requester_id": chance.record_on(records, day).key,
        "started_at": chance.stamp(at),
        "ended_at": chance.stamp(at + timedelta(minutes=random.randrange(2, 20))),
        "agent": random.choice(stock.STAFF),
        "transcript": f"Customer: {text}\nAgent: {answer}\nCustomer: Thank you!",
        "rating": random.choice((3, 4, 5, 5)) if random.random() < 0.4 else None,
    }


def write(folder: Path, department: Department) -> None:
    """One JSON Lines file a stream."""
    for name, rows in department.streams.items():
        lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8", newline="\n")


def definition(folder: Path) -> dict[str, Any]:
    """The source as it is registered."""
    customer = {
        "source_key": "id",
        "full_name": "name",
        "organisation_name": "company",
        "emails": ["contact.email"],
        "phones": ["contact.phone"],
        "language": "locale",
        "created_at": "created_at",
    }
    shared = {
        "customer_key": "requester_id",
        "customer_stream": {"const": "requesters"},
        "direction": {"const": "inbound"},
        "staff": "agent",
    }
    streams = {
        "requesters": {"customer": customer},
        "tickets": {
            "interaction": {
                **shared,
                "source_key": "id",
                "kind": {"const": "ticket"},
                "name": "topic",
                "channel": "via",
                "at": "created_at",
                "ended_at": "solved_at",
                "status": "status",
                "subject": "subject",
                "text": "description",
                "rating": "satisfaction.score",
                "priority": "priority",
                "properties": ["escalated", "order"],
            }
        },
        "chats": {
            "interaction": {
                **shared,
                "source_key": "id",
                "kind": {"const": "chat"},
                "channel": {"const": "chat"},
                "at": "started_at",
                "ended_at": "ended_at",
                "text": "transcript",
                "rating": "rating",
            }
        },
    }
    return {
        "name": NAME,
        "department": "Support",
        "connector": "files",
        "config": {"path": str(folder), "streams": {name: f"{name}.jsonl" for name in streams}},
        "mapping": {"version": 1, "streams": streams},
        "priority": 50,
        "duplicate_free": False,
    }
