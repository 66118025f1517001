"""The web shop keeps tidy Parquet: customers, orders with their items, payments, returns, visits.

Whoever forgets the password registers again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cdp.demo import chance, goods, stock, writing
from cdp.demo.departments.base import Complaint, Department, Row, numbered
from cdp.demo.people import LAST_DAY, Person
from cdp.demo.sightings import Sighting

NAME = "web_shop"
_BY_SKU = {product.sku: product for product in stock.PRODUCTS}
_REFERRERS = ("direct", "search", "newsletter", "social", "price comparison")
_DEVICES = ("phone", "phone", "laptop", "tablet")
_CENT = Decimal("0.01")

_SCHEMAS = {
    "customers": pa.schema(
        [
            ("customer_id", pa.int64()),
            ("first_name", pa.string()),
            ("last_name", pa.string()),
            ("gender", pa.string()),
            ("birth_date", pa.date32()),
            ("email", pa.string()),
            ("phone", pa.string()),
            ("street", pa.string()),
            ("postal_code", pa.string()),
            ("city", pa.string()),
            ("state", pa.string()),
            ("country", pa.string()),
            ("company", pa.string()),
            ("guest", pa.bool_()),
            ("ads_consent", pa.string()),
            ("registered_at", pa.timestamp("us", "UTC")),
            ("updated_at", pa.timestamp("us", "UTC")),
        ]
    ),
    "orders": pa.schema(
        [
            ("order_id", pa.string()),
            ("customer_id", pa.int64()),
            ("ordered_at", pa.timestamp("us", "UTC")),
            ("status", pa.string()),
            ("currency", pa.string()),
            ("total", pa.decimal128(12, 2)),
            ("coupon", pa.string()),
            (
                "items",
                pa.list_(
                    pa.struct(
                        [
                            ("sku", pa.string()),
                            ("title", pa.string()),
                            ("category", pa.string()),
                            ("qty", pa.int32()),
                            ("price", pa.decimal128(12, 2)),
                        ]
                    )
                ),
            ),
        ]
    ),
    "payments": pa.schema(
        [
            ("payment_id", pa.string()),
            ("order_id", pa.string()),
            ("customer_id", pa.int64()),
            ("paid_at", pa.timestamp("us", "UTC")),
            ("method", pa.string()),
            ("amount", pa.decimal128(12, 2)),
            ("currency", pa.string()),
            ("state", pa.string()),
        ]
    ),
    "returns": pa.schema(
        [
            ("return_id", pa.string()),
            ("order_id", pa.string()),
            ("customer_id", pa.int64()),
            ("returned_at", pa.timestamp("us", "UTC")),
            ("reason", pa.string()),
            ("refund", pa.decimal128(12, 2)),
            ("currency", pa.string()),
            (
                "items",
                pa.list_(
                    pa.struct(
                        [
                            ("sku", pa.string()),
                            ("title", pa.string()),
                            ("category", pa.string()),
                            ("qty", pa.int32()),
                            ("price", pa.decimal128(12, 2)),
                        ]
                    )
                ),
            ),
        ]
    ),
    "visits": pa.schema(
        [
            ("visit_id", pa.string()),
            ("customer_id", pa.int64()),
            ("started_at", pa.timestamp("us", "UTC")),
            ("ended_at", pa.timestamp("us", "UTC")),
            ("landing_page", pa.string()),
            ("referrer", pa.string()),
            ("device", pa.string()),
            ("pages", pa.int32()),
        ]
    ),
}


def build(random: Random, records: Sequence[Sighting]) -> tuple[Department, list[Complaint]]:
    """The shop's rows, and what its customers will complain about."""
    known = numbered(records, lambda number: str(400000 + number))
    shop = _Shop(random)
    for person, own in chance.people_of(known):
        shop.serve(person, own)
    for name in ("orders", "payments", "returns", "visits"):
        shop.streams[name].sort(key=lambda row: (_moment(row), row["customer_id"]))
    _number(shop)
    shop.streams["customers"] = [_customer(random, record) for record in known]
    return Department(NAME, "customers", known, shop.streams), shop.complaints


def _moment(row: Row) -> datetime:
    found = row.get("ordered_at") or row.get("paid_at") or row.get("returned_at") or row["started_at"]
    assert isinstance(found, datetime)
    return found


def _number(shop: _Shop) -> None:
    """Give payments, returns and visits their keys in order of time (orders have theirs, others refer to them)."""
    for name, prefix in (("payments", "PAY"), ("returns", "RET"), ("visits", "VIS")):
        for number, row in enumerate(shop.streams[name], 1):
            row[name[:-1] + "_id"] = f"{prefix}-{number:06}"


def _customer(random: Random, record: Sighting) -> Row:
    person, address = record.person, record.address
    made = datetime.combine(record.day, time(random.randrange(24), random.randrange(60)), UTC)
    consent = random.choices(("granted", "denied", None), (45, 25, 30))[0]
    return {
        "customer_id": int(record.key),
        "first_name": writing.shouted(random, record.given, 0.03) or None,
        "last_name": writing.shouted(random, record.family, 0.03) if record.given else None,
        "gender": {"f": "female", "m": "male"}.get(person.sex) if random.random() < 0.5 else None,
        "birth_date": record.birth,
        "email": record.email,
        "phone": writing.phone(random, record.mobile or record.landline, "eei" if person.country == "DE" else "einnp"),
        "street": writing.street(random, address) if address else None,
        "postal_code": address.postal_code if address else None,
        "city": address.city if address else None,
        "state": (address.region or None) if address else None,
        "country": address.country if address else person.country,
        "company": person.organisation or None,
        "guest": random.random() < 0.2,
        "ads_consent": consent,
        "registered_at": made,
        "updated_at": made + timedelta(days=random.randrange(3)),
    }


class _Shop:
    """Serves one customer after the other; what happened piles up in `streams` and `complaints`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.streams: dict[str, list[Row]] = {name: [] for name in ("customers", "orders", "payments", "returns", "visits")}
        self.complaints: list[Complaint] = []
        self.orders = 0

    def serve(self, person: Person, records: list[Sighting]) -> None:
        currency = "EUR" if person.country == "DE" else "USD"
        leaves: datetime | None = None
        for day in chance.days(self.random, records, 2.6 if not person.organisation else 4.0):
            at = chance.online(self.random, day)
            if leaves and at > leaves:
                break
            customer = int(chance.record_on(records, day).key)
            angry = self.order(person, customer, at, currency)
            if angry and self.random.random() < 0.3:
                leaves = angry + timedelta(days=5)
        for day in chance.days(self.random, records, 9.0):
            if leaves is None or day <= leaves.date():
                self.visit(int(chance.record_on(records, day).key), chance.online(self.random, day), bought=False)

    def order(self, person: Person, customer: int, at: datetime, currency: str) -> datetime | None:
        """One order with its visit, payment and troubles; the moment of a complaint, if there is one."""
        self.orders += 1
        order = f"{at:%y%m}-{self.orders:05}"
        items = self.basket(person, at.date())
        total = sum((item["price"] * item["qty"] for item in items), Decimal(0))
        coupon = self.random.choice(("WELCOME10", "SPRING", "THANKYOU")) if self.random.random() < 0.12 else None
        if coupon:
            total = (total * Decimal("0.9")).quantize(_CENT)
        cancelled = self.random.random() < 0.02
        status = "cancelled" if cancelled else ("shipped" if (LAST_DAY - at.date()).days < 5 else "delivered")
        base: Row = {"order_id": order, "customer_id": customer, "currency": currency}
        self.streams["orders"].append({**base, "ordered_at": at, "status": status, "total": total, "coupon": coupon, "items": items})
        if self.random.random() < 0.35:
            self.visit(customer, at - timedelta(minutes=self.random.randrange(6, 40)), bought=True)
        if cancelled:
            return None
        paid = at + timedelta(minutes=self.random.choice((1, 1, 1, 2, 1500, 4300)))
        method = self.random.choice(("card", "card", "wallet", "invoice", "bank transfer"))
        if chance.within(paid):
            self.streams["payments"].append({**base, "paid_at": paid, "method": method, "amount": total, "state": "settled"})
        return self.trouble(person, base, at, items)

    def trouble(self, person: Person, base: Row, at: datetime, items: list[Row]) -> datetime | None:
        draw = self.random.random()
        if draw > 0.11:
            return None
        complains = draw < 0.07
        returns = self.random.random() < 0.55 or not complains
        item = self.random.choice(items)
        complained = at + timedelta(days=self.random.randrange(3, 12), hours=self.random.randrange(-5, 5))
        returned = complained + timedelta(days=self.random.randrange(2, 10))
        if returns and chance.within(returned):
            reason = self.random.choice(("damaged", "not as described", "does not work")) if complains else "changed my mind"
            refund = item["price"] * item["qty"]
            self.streams["returns"].append({**base, "returned_at": returned, "reason": reason, "refund": refund, "items": [item]})
        if not complains or not chance.within(complained):
            return None
        self.complaints.append(Complaint(person.id, complained, str(base["order_id"]), str(item["title"]), returns))
        return complained

    def basket(self, person: Person, day: date) -> list[Row]:
        """One or two things that the customer likes and the season calls for, with what goes with them."""
        chosen: dict[str, int] = {}
        for _ in range(self.random.choice((1, 1, 1, 2, 2, 3))):
            product = goods.wish(self.random, person.likes, day.month)
            chosen[product.sku] = goods.quantity(self.random, product.price)
            for other in product.with_:
                if self.random.random() < 0.42:
                    chosen.setdefault(other, goods.quantity(self.random, _BY_SKU[other].price))
        return [_item(_BY_SKU[sku], quantity) for sku, quantity in chosen.items()]

    def visit(self, customer: int, at: datetime, *, bought: bool) -> None:
        pages = self.random.randrange(4, 15) if bought else self.random.randrange(1, 9)
        page = self.random.choice(stock.CATEGORIES).lower()
        self.streams["visits"].append(
            {
                "customer_id": customer,
                "started_at": at,
                "ended_at": at + timedelta(seconds=pages * self.random.randrange(15, 90)),
                "landing_page": f"/{page}" if self.random.random() < 0.7 else "/",
                "referrer": self.random.choice(_REFERRERS),
                "device": self.random.choice(_DEVICES),
                "pages": pages,
            }
        )


def _item(product: stock.Product, quantity: int) -> Row:
    price = Decimal(str(product.price)).quantize(_CENT)
    return {"sku": product.sku, "title": product.name, "category": product.category, "qty": quantity, "price": price}


def write(folder: Path, department: Department) -> None:
    """One Parquet file a stream."""
    for name, rows in department.streams.items():
        pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMAS[name]), folder / f"{name}.parquet")


def definition(folder: Path) -> dict[str, Any]:
    """The source as it is registered."""
    item = {"each": "items", "sku": "sku", "name": "title", "category": "category", "quantity": "qty", "unit_price": "price"}
    customer = {
        "source_key": "customer_id",
        "given_name": "first_name",
        "family_name": "last_name",
        "gender": "gender",
        "birth_date": "birth_date",
        "emails": ["email"],
        "phones": ["phone"],
        "organisation_name": "company",
        "addresses": [{"street": "street", "postal_code": "postal_code", "city": "city", "region": "state", "country": "country"}],
        "consents": {"ads": {"field": "ads_consent", "at": "registered_at", "basis": {"const": "shop account"}}},
        "created_at": "registered_at",
        "updated_at": "updated_at",
        "attributes": ["guest"],
    }
    shared = {"customer_key": "customer_id", "customer_stream": {"const": "customers"}, "channel": {"const": "web"}}
    streams = {
        "customers": {"customer": customer},
        "orders": {
            "interaction": {
                **shared,
                "source_key": "order_id",
                "kind": {"const": "order"},
                "at": "ordered_at",
                "amount": "total",
                "currency": "currency",
                "status": "status",
                "items": item,
                "properties": ["coupon"],
            }
        },
        "payments": {
            "interaction": {
                **shared,
                "source_key": "payment_id",
                "kind": {"const": "payment"},
                "name": "method",
                "at": "paid_at",
                "amount": "amount",
                "currency": "currency",
                "status": "state",
                "properties": ["order_id"],
            }
        },
        "returns": {
            "interaction": {
                **shared,
                "source_key": "return_id",
                "kind": {"const": "return"},
                "name": "reason",
                "at": "returned_at",
                "amount": "refund",
                "currency": "currency",
                "items": item,
                "properties": ["order_id"],
            }
        },
        "visits": {
            "interaction": {
                **shared,
                "source_key": "visit_id",
                "kind": {"const": "visit"},
                "name": "landing_page",
                "at": "started_at",
                "ended_at": "ended_at",
                "properties": ["referrer", "device", "pages"],
            }
        },
    }
    return {
        "name": NAME,
        "department": "Web shop",
        "connector": "files",
        "config": {"path": str(folder), "streams": {name: f"{name}.parquet" for name in streams}},
        "mapping": {"version": 1, "streams": streams},
        "priority": 20,
        "duplicate_free": False,
    }
