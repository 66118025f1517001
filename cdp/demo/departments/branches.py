"""The branch offices share one Excel workbook, made in Germany: German headings, days before months, commas before cents.

The rest is whatever the person at the till typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

from openpyxl import Workbook

from cdp.demo import chance, goods, stock, writing
from cdp.demo.departments.base import Department, Row, numbered
from cdp.demo.people import Person
from cdp.demo.sightings import Sighting

NAME = "branch_offices"
FILE = "branches.xlsx"
CUSTOMERS = "customers"
VISITS = "visits"
_SHEETS = {CUSTOMERS: "Kunden", VISITS: "Besuche"}
_HEADINGS = {
    CUSTOMERS: (
        "Kd.-Nr.",
        "Filiale",
        "Anrede",
        "Name, Vorname",
        "Zusatz",
        "geb. am",
        "Tel. privat",
        "Mobil",
        "E-Mail-Adresse",
        "Straße / Nr.",
        "PLZ",
        "Ort",
        "Land",
        "angelegt",
    ),
    VISITS: ("Beleg-Nr.", "Kd.-Nr.", "Filiale", "Datum", "Vorgang", "Warengruppe", "Betrag", "Währung", "Bemerkung"),
}
_REMARKS = (
    "wants a call when it is back in stock",
    "picked up in person",
    "asked about delivery",
    "exchange without receipt",
    "regular customer",
)


def build(random: Random, records: Sequence[Sighting]) -> Department:
    """The workbook's rows."""
    known = numbered(records, lambda number: f"F{30000 + number}")
    visits: list[tuple[datetime, Row]] = []
    for person, own in chance.people_of(known):
        branch = _branch(random, person)
        for day in chance.days(random, own, 2.4):
            row = _visit(random, person, chance.record_on(own, day).key, branch, day)
            visits.append((chance.by_day(random, day), row))
    visits.sort(key=lambda pair: (pair[0], pair[1]["Kd.-Nr."]))
    streams = {
        CUSTOMERS: [_customer(random, record) for record in known],
        VISITS: [
            {"Beleg-Nr.": f"{at:%y}-{number:05}", **row, "Datum": f"{at:%d.%m.%Y %H:%M}"} for number, (at, row) in enumerate(visits, 1)
        ],
    }
    return Department(NAME, CUSTOMERS, known, streams)


def _branch(random: Random, person: Person) -> str:
    city = person.homes[0][1].city
    if city in stock.BRANCHES:
        return city
    german = {place.name for place in stock.CITIES_DE}
    return random.choice([name for name in stock.BRANCHES if (name in german) == (person.country == "DE")])


def _customer(random: Random, record: Sighting) -> Row:
    person, address = record.person, record.address
    style = "nnd" if person.country == "DE" else "iie"
    return {
        "Kd.-Nr.": record.key,
        "Filiale": _branch(random, person),
        "Anrede": {"f": "Frau", "m": "Herr"}.get(person.sex, "Firma"),
        "Name, Vorname": person.organisation or writing.shouted(random, f"{record.family}, {record.given}", 0.04),
        "Zusatz": {"Sr.": "senior", "Jr.": "junior"}.get(record.suffix),
        "geb. am": _typed_day(random, record.birth),
        "Tel. privat": writing.phone(random, record.landline, style),
        "Mobil": writing.phone(random, record.mobile, style),
        "E-Mail-Adresse": record.email,
        "Straße / Nr.": writing.street(random, address) if address else None,
        "PLZ": address.postal_code if address else None,
        "Ort": address.city if address else None,
        "Land": {"DE": "D", "US": "USA"}[person.country],
        "angelegt": f"{record.day:%d.%m.%Y}",
    }


def _typed_day(random: Random, day: date | None) -> str | None:
    """DD.MM.YYYY, mostly; some tills write it short or the way computers do."""
    if day is None:
        return None
    draw = random.random()
    if draw < 0.08:
        return f"{day.day}.{day.month}.{day.year}"
    return day.isoformat() if draw < 0.14 else f"{day:%d.%m.%Y}"


def _visit(random: Random, person: Person, customer: str, branch: str, day: date) -> Row:
    bought = random.random() < 0.72
    product = goods.wish(random, person.likes, day.month)
    amount = product.price * goods.quantity(random, product.price)
    return {
        "Kd.-Nr.": customer,
        "Filiale": branch,
        "Datum": "",
        "Vorgang": "Kauf" if bought else random.choice(("Beratung", "Beratung", "Abholung", "Reklamation")),
        "Warengruppe": product.category,
        "Betrag": f"{amount:,.2f}".translate(str.maketrans(",.", ".,")) if bought else None,
        "Währung": "EUR" if person.country == "DE" else "USD",
        "Bemerkung": random.choice(_REMARKS) if random.random() < 0.12 else None,
    }


def write(folder: Path, department: Department) -> None:
    """One workbook with a sheet a stream."""
    book = Workbook(write_only=True)
    for name, rows in department.streams.items():
        sheet = book.create_sheet(_SHEETS[name])
        sheet.append(_HEADINGS[name])
        for row in rows:
            sheet.append([row[heading] for heading in _HEADINGS[name]])
    book.save(folder / FILE)


def definition(folder: Path) -> dict[str, Any]:
    """The source as it is registered."""
    customer = {
        "source_key": "Kd.-Nr.",
        "kind": {"field": "Anrede", "values": {"Firma": "organisation"}, "default": "person"},
        "prefix": {"field": "Anrede", "values": {"Frau": "Ms", "Herr": "Mr"}},
        "full_name": {"field": "Name, Vorname", "order": "family_first"},
        "suffix": "Zusatz",
        "birth_date": {"field": "geb. am", "format": "%d.%m.%Y", "day_first": True},
        "emails": ["E-Mail-Adresse"],
        "phones": ["Tel. privat", "Mobil"],
        "addresses": [{"street": "Straße / Nr.", "postal_code": "PLZ", "city": "Ort", "country": "Land"}],
        "created_at": {"field": "angelegt", "format": "%d.%m.%Y"},
        "attributes": ["Filiale"],
    }
    visit = {
        "source_key": "Beleg-Nr.",
        "customer_key": "Kd.-Nr.",
        "customer_stream": {"const": CUSTOMERS},
        "kind": {"field": "Vorgang", "values": {"Kauf": "order"}, "default": "visit"},
        "name": {
            "field": "Vorgang",
            "values": {"Kauf": "purchase", "Beratung": "advice", "Abholung": "pick-up", "Reklamation": "complaint"},
        },
        "channel": {"const": "in_person"},
        "at": {"field": "Datum", "format": "%d.%m.%Y %H:%M"},
        "amount": "Betrag",
        "currency": "Währung",
        "text": "Bemerkung",
        "properties": {"branch": "Filiale", "category": "Warengruppe"},
    }
    sheets = {name: {"path": FILE, "sheet": sheet} for name, sheet in _SHEETS.items()}
    return {
        "name": NAME,
        "department": "Branches",
        "connector": "files",
        "config": {"path": str(folder), "streams": sheets},
        "mapping": {"version": 1, "country": "DE", "streams": {CUSTOMERS: {"customer": customer}, VISITS: {"interaction": visit}}},
        "priority": 40,
        "duplicate_free": False,
    }
