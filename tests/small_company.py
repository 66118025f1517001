"""Small people for the API and the page: rows of the tables, then the platform's own refresh."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, insert

from cdp.db import tables as t
from cdp.profiles import refresh
from cdp.settings import Settings

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANNA = UUID("01930000-0000-7000-8000-000000000001")
BORIS = UUID("01930000-0000-7000-8000-000000000002")
OLD_ANNA = UUID("01930000-0000-7000-8000-0000000000aa")
HOME = UUID("01930000-0000-7000-8000-0000000000ff")


@dataclass
class World:
    """Writes rows; remembers the ids of sources and records by name."""

    connection: Connection
    sources: dict[str, int] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)

    def source(self, name: str, department: str, **more: Any) -> None:
        values = {"name": name, "department": department, "connector": "files", "config": {"path": "/secret/place"}, **more}
        made = self.connection.execute(insert(t.source).values(**values).returning(t.source.c.id))
        self.sources[name] = made.scalar_one()
        for stream, kind in (("customers", "customer"), ("orders", "interaction")):
            self.connection.execute(
                insert(t.stream).values(source_id=self.sources[name], name=stream, kind=kind, last_success_at=NOW - timedelta(hours=2))
            )

    def profile(self, id: UUID, **more: Any) -> None:
        self.connection.execute(insert(t.profile).values(id=id, created_at=NOW - timedelta(days=90), **more))

    def record(self, source: str, key: str, profile: UUID, **canonical: Any) -> None:
        raw = {"ID": key, "everything": json.dumps(canonical, default=str)}
        document = {"source_key": key, "kind": "person", **canonical}
        values = {"source_id": self.sources[source], "stream": "customers", "source_key": key, "raw": raw, "canonical": document}
        made = self.connection.execute(
            insert(t.record).values(content_hash=b"x" * 16, profile_id=profile, changed_at=NOW, **values).returning(t.record.c.id)
        )
        self.records[f"{source}/{key}"] = made.scalar_one()

    def link(self, one: str, other: str, probability: float, **pattern: Any) -> None:
        a, b = sorted((self.records[one], self.records[other]))
        self.connection.execute(insert(t.link).values(record_a=a, record_b=b, evidence=12.5, probability=probability, pattern=pattern))

    def interaction(
        self, source: str, key: str, profile: UUID, kind: str, channel: str, days: int, customer: str, **canonical: Any
    ) -> None:
        at = NOW - timedelta(days=days)
        document = {"source_key": key, "kind": kind, "at": at.isoformat(), **canonical}
        columns = {name: canonical.get(name) for name in ("name", "amount", "currency", "status")}
        self.connection.execute(
            insert(t.interaction).values(
                source_id=self.sources[source],
                stream="orders",
                source_key=key,
                customer_stream="customers",
                customer_key=customer,
                kind=kind,
                channel=channel,
                at=at,
                canonical=document,
                raw=document,
                content_hash=b"y" * 16,
                profile_id=profile,
                **columns,
            )
        )


def small_company(engine: Engine, settings: Settings) -> None:
    """Anna, known to sales, support and the shop; Boris of her household; an old id of Anna's; a refused row."""
    with engine.begin() as connection:
        w = World(connection)
        w.source("crm", "sales", priority=1)
        w.source("desk", "support")
        w.source("shop", "e-commerce")
        w.profile(ANNA, household_id=HOME, confidence=0.997)
        w.profile(BORIS, household_id=HOME)
        w.profile(OLD_ANNA, merged_into=ANNA, retired_at=NOW)
        _records(w)
        _interactions(w)
        _notes(w)
    refresh(engine, settings, full=True)


def _records(w: World) -> None:
    """What the sources say of Anna and Boris, and why Anna's are hers."""
    where = {"street": "Lindenweg", "house_number": "12", "postal_code": "10999", "city": "Berlin", "country": "DE"}
    w.record(
        "crm",
        "C-7",
        ANNA,
        given_name="Anna",
        family_name="Berg",
        full_name="Anna Berg",
        emails=["anna.berg@mail.example"],
        birth_date="1984-03-09",
        addresses=[where],
        identifiers=[{"type": "tax_id", "value": "DE4711"}],
    )
    w.record(
        "desk",
        "anna.berg@mail.example",
        ANNA,
        given_name="Ann",
        family_name="Berg",
        full_name="Ann Berg",
        emails=["anna.berg@mail.example"],
        phones=["+493012345678"],
    )
    w.record(
        "shop",
        "88",
        ANNA,
        given_name="Anna",
        family_name="Berg-Koch",
        full_name="Anna Berg-Koch",
        phones=["+493012345678"],
        birth_date="1984-09-03",
        attributes=json.dumps({"tier": "gold"}),
    )
    w.record(
        "crm",
        "C-8",
        BORIS,
        given_name="Boris",
        family_name="Berg",
        full_name="Boris Berg",
        emails=["boris@mail.example"],
        addresses=[where],
    )
    w.link("crm/C-7", "desk/anna.berg@mail.example", 0.9991, emails=3, given_name=2)
    w.link("desk/anna.berg@mail.example", "shop/88", 0.98, phones=3, family_name=1, birth_date=0)


def _interactions(w: World) -> None:
    """Anna's thirty orders and her complaint."""
    for n in range(30):
        w.interaction(
            "shop",
            f"o{n}",
            ANNA,
            "order",
            "web",
            n * 9,
            "88",
            amount="120.00",
            currency="EUR",
            status="paid",
            items=[{"sku": "S1", "name": "Walnut shelf", "quantity": "1", "amount": "120.00"}],
        )
    w.interaction(
        "desk",
        "t1",
        ANNA,
        "ticket",
        "phone",
        3,
        "anna.berg@mail.example",
        subject="Shelf arrived scratched",
        text="The left side has a long scratch.",
        status="open",
        staff="m.ito",
    )


def _notes(w: World) -> None:
    """A merge in the journal, a consent denied, a row refused."""
    w.connection.execute(
        insert(t.profile_journal).values(
            change="merged", profile_id=ANNA, from_profile_id=OLD_ANNA, record_ids=[w.records["shop/88"]], cause={"run": 1}
        )
    )
    w.connection.execute(
        insert(t.consent).values(
            source_id=w.sources["crm"], stream="customers", source_key="C-7", purpose="newsletter", state="denied", at=NOW, basis="form"
        )
    )
    w.connection.execute(
        insert(t.quarantine).values(
            source_id=w.sources["shop"],
            stream="customers",
            place="customers.csv row 17",
            field="birth_date",
            reason="date",
            message="customers.csv row 17, birth_date: 31 February is no date",
            raw={"name": "Secret Person"},
            content_hash=b"z" * 16,
        )
    )
