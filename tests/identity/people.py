"""One-letter builders: `t(r(...), r(...))` is a table of customers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from cdp.records.model import CUSTOMER

INPUT = pa.schema([*CUSTOMER, pa.field("source", pa.string()), pa.field("record_id", pa.string())])


def r(key: int | str, name: str = "", source: str = "crm", **more: Any) -> dict[str, Any]:
    """A record: 'Given Family' for a name; email, phone, street, postcode, city for single values."""
    given, _, family = name.partition(" ")
    row: dict[str, Any] = {"record_id": str(key), "source": source, "source_key": str(key), "kind": more.pop("kind", "person")}
    row |= {"given_name": given or None, "family_name": family or None}
    address = {
        k: v
        for k, v in (("street", more.pop("street", None)), ("postal_code", more.pop("postcode", None)), ("city", more.pop("city", None)))
        if v
    }
    row["addresses"] = [address] if address else None
    for one, many in (("email", "emails"), ("phone", "phones")):
        value = more.pop(one, None)
        row[many] = [value] if value else None
    return row | more


def t(*rows: dict[str, Any]) -> pa.Table:
    """The records as the engine takes them."""
    return pa.Table.from_pylist(list(rows), schema=INPUT)


def crowd(people: int = 60) -> list[dict[str, Any]]:
    """Unlike people, each seen twice, so that the engine has something to learn from."""
    given = ("Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Karla", "Leo")
    family = ("Abel", "Brandt", "Conti", "Duval", "Evans", "Fuchs", "Gomez", "Haas", "Ibsen", "Jansen", "Kovacs")
    rows = []
    for i in range(people):
        name = f"{given[i % 12]} {family[i % 11]}{'ovi'[: i // 44]}"
        facts = {
            "birth_date": f"{1940 + i % 60}-{1 + i % 12:02d}-{1 + i % 28:02d}",
            "email": f"{name.replace(' ', '.').lower()}{i}@mail{i % 3}.example",
        }
        home = {"street": f"{i + 1} Linden Road", "postcode": f"{10000 + 37 * i}", "city": "Aville"}
        rows += [r(f"a{i}", name, "crm", **facts, **home), r(f"b{i}", name, "shop", **facts, phone=f"+4930{1000000 + 7919 * i}")]
    return rows
