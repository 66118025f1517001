"""Sales keeps its CRM in a SQL database: contacts, opportunities, calls and meetings.

It asks more than the others and sells to organisations, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Column, Float, Integer, MetaData, Table, Text, create_engine

from cdp.demo import chance, stock, writing
from cdp.demo.departments.base import Department, Row, iso, numbered
from cdp.demo.people import LAST_DAY, Person
from cdp.demo.sightings import Sighting

NAME = "sales_crm"
FILE = "crm.sqlite"

_metadata = MetaData()
_CONTACT = (
    "salutation",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "account",
    "job_title",
    "birthdate",
    "email",
    "phone",
    "mobile",
    "street",
    "city",
    "state",
    "zip",
    "country",
    "phone_permission",
    "permission_date",
    "owner",
    "created_at",
    "modified_at",
)
_TABLES = {
    "contacts": Table(
        "contacts",
        _metadata,
        Column("contact_id", Text, primary_key=True),
        *(Column(name, Text) for name in _CONTACT),
    ),
    "opportunities": Table(
        "opportunities",
        _metadata,
        Column("opportunity_id", Text, primary_key=True),
        Column("contact_id", Text),
        Column("name", Text),
        Column("stage", Text),
        Column("amount", Float),
        Column("currency", Text),
        Column("opened_at", Text),
        Column("closed_at", Text),
        Column("product_line", Text),
        Column("owner", Text),
    ),
    "activities": Table(
        "activities",
        _metadata,
        Column("activity_id", Text, primary_key=True),
        Column("contact_id", Text),
        Column("type", Text),
        Column("direction", Text),
        Column("started_at", Text),
        Column("minutes", Integer),
        Column("subject", Text),
        Column("outcome", Text),
        Column("staff", Text),
        Column("notes", Text),
    ),
}
_SUBJECTS = ("Offer for {}", "Spring range: {}", "Question about {}", "Bulk price for {}", "Follow-up on {}", "Delivery of {}")
_NOTES = (
    "Wants a second offer.",
    "Happy with the last delivery.",
    "Budget is decided next month.",
    "Prefers to be called in the morning.",
    "Asked for a sample.",
)


def build(random: Random, records: Sequence[Sighting]) -> Department:
    """The CRM's rows."""
    known = numbered(records, lambda number: f"C-{10000 + number}")
    opportunities: list[Row] = []
    activities: list[Row] = []
    for person, own in chance.people_of(known):
        opportunities += _opportunities(random, person, own)
        activities += _activities(random, person, own)
    opportunities.sort(key=lambda row: (row["opened_at"], row["contact_id"]))
    activities.sort(key=lambda row: (row["started_at"], row["contact_id"]))
    streams = {
        "contacts": [_contact(random, record) for record in known],
        "opportunities": [{"opportunity_id": f"O-{number:05}", **row} for number, row in enumerate(opportunities, 1)],
        "activities": [{"activity_id": f"A-{number:06}", **row} for number, row in enumerate(activities, 1)],
    }
    return Department(NAME, "contacts", known, streams)


def _contact(random: Random, record: Sighting) -> Row:
    person, address = record.person, record.address
    made = datetime.combine(record.day, time(random.randrange(8, 18), random.randrange(60)), UTC)
    permission = random.choices(("yes", "no", None), (35, 20, 45))[0]
    style = "i" if person.country == "DE" else "nnid"
    return {
        "contact_id": record.key,
        "salutation": {"f": "Ms.", "m": "Mr."}.get(person.sex) if random.random() < 0.6 else None,
        "first_name": record.given or None,
        "middle_name": (record.middle[:1] + "." if random.random() < 0.5 else record.middle) if record.middle else None,
        "last_name": record.family if record.given else None,
        "suffix": record.suffix or None,
        "account": _account(random, person),
        "job_title": random.choice(stock.JOBS) if random.random() < 0.4 and record.given else None,
        "birthdate": iso(record.birth),
        "email": record.email,
        "phone": writing.phone(random, record.landline, style),
        "mobile": writing.phone(random, record.mobile, style),
        "street": writing.street(random, address) if address else None,
        "city": address.city if address else None,
        "state": (address.region or None) if address else None,
        "zip": address.postal_code if address else None,
        "country": (random.choice(("USA", "United States", "US")) if person.country == "US" else random.choice(("Germany", "DE"))),
        "phone_permission": permission,
        "permission_date": chance.stamp(made) if permission else None,
        "owner": random.choice(stock.STAFF),
        "created_at": chance.stamp(made),
        "modified_at": chance.stamp(made + timedelta(days=random.randrange(20))),
    }


def _account(random: Random, person: Person) -> str | None:
    if not person.organisation:
        return None
    short = person.organisation.rsplit(" ", 1)[0]
    return short if random.random() < 0.3 else person.organisation


def _opportunities(random: Random, person: Person, records: list[Sighting]) -> list[Row]:
    rows = []
    for day in chance.days(random, records, 2.2 if person.organisation else 0.55):
        opened = chance.by_day(random, day)
        closed = opened + timedelta(days=random.randrange(5, 80))
        decided = closed.date() <= LAST_DAY
        product = random.choice([item for item in stock.PRODUCTS if item.price > 60])
        count = random.randrange(4, 40) if person.organisation else random.randrange(1, 4)
        rows.append(
            {
                "contact_id": chance.record_on(records, day).key,
                "name": f"{count} x {product.name}",
                "stage": random.choices(("won", "lost"), (45, 55))[0]
                if decided
                else random.choice(("qualified", "proposal", "negotiation")),
                "amount": round(count * product.price * (1 - random.randrange(15) / 100), 2),
                "currency": "EUR" if person.country == "DE" else "USD",
                "opened_at": chance.stamp(opened),
                "closed_at": chance.stamp(closed) if decided else None,
                "product_line": product.category,
                "owner": random.choice(stock.STAFF),
            }
        )
    return rows


def _activities(random: Random, person: Person, records: list[Sighting]) -> list[Row]:
    rows = []
    for day in chance.days(random, records, 5.0 if person.organisation else 2.1):
        kind = random.choices(("call", "email", "meeting"), (60, 25, 15))[0]
        outcome = random.choice(("reached", "reached", "voicemail", "call back")) if kind == "call" else "done"
        rows.append(
            {
                "contact_id": chance.record_on(records, day).key,
                "type": kind,
                "direction": random.choice(("inbound", "outbound", "outbound")),
                "started_at": chance.stamp(chance.by_day(random, day)),
                "minutes": random.randrange(2, 25) if kind == "call" else (random.randrange(20, 90) if kind == "meeting" else None),
                "subject": random.choice(_SUBJECTS).format(random.choice(stock.PRODUCTS).name),
                "outcome": outcome,
                "staff": random.choice(stock.STAFF),
                "notes": random.choice(_NOTES) if random.random() < 0.4 else None,
            }
        )
    return rows


def write(folder: Path, department: Department) -> None:
    """One SQLite file with a table a stream; a file of an earlier run is replaced."""
    path = folder / FILE
    path.unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    _metadata.create_all(engine)
    with engine.begin() as connection:
        for name, rows in department.streams.items():
            connection.execute(_TABLES[name].insert(), rows)
    engine.dispose()


def definition(folder: Path) -> dict[str, Any]:
    """The source as it is registered."""
    customer = {
        "source_key": "contact_id",
        "prefix": "salutation",
        "given_name": "first_name",
        "middle_name": "middle_name",
        "family_name": "last_name",
        "suffix": "suffix",
        "organisation_name": "account",
        "job_title": "job_title",
        "birth_date": "birthdate",
        "emails": ["email"],
        "phones": ["phone", "mobile"],
        "addresses": [{"street": "street", "postal_code": "zip", "city": "city", "region": "state", "country": "country"}],
        "consents": {"phone": {"field": "phone_permission", "at": "permission_date", "basis": {"const": "asked by sales"}}},
        "created_at": "created_at",
        "updated_at": "modified_at",
        "attributes": ["owner"],
    }
    shared = {"customer_key": "contact_id", "customer_stream": {"const": "contacts"}}
    streams = {
        "contacts": {"customer": customer},
        "opportunities": {
            "interaction": {
                **shared,
                "source_key": "opportunity_id",
                "kind": {"const": "opportunity"},
                "name": "name",
                "at": "opened_at",
                "ended_at": "closed_at",
                "amount": "amount",
                "currency": "currency",
                "status": "stage",
                "staff": "owner",
                "properties": ["product_line"],
            }
        },
        "activities": {
            "interaction": {
                **shared,
                "source_key": "activity_id",
                "kind": "type",
                "channel": {"field": "type", "values": {"call": "phone", "email": "email", "meeting": "in_person"}},
                "direction": "direction",
                "at": "started_at",
                "subject": "subject",
                "text": "notes",
                "status": "outcome",
                "staff": "staff",
                "properties": ["minutes"],
            }
        },
    }
    keys = {"contacts": "contact_id", "opportunities": "opportunity_id", "activities": "activity_id"}
    return {
        "name": NAME,
        "department": "Sales",
        "connector": "sql",
        "config": {"url": f"sqlite:///{folder / FILE}", "streams": {name: {"table": name, "key": key} for name, key in keys.items()}},
        "mapping": {"version": 1, "streams": streams},
        "priority": 10,
        "duplicate_free": False,
    }
