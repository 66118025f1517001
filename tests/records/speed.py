"""Rows per second of one process through mapping, writing and reading, on generated customers whose contact points all differ.

Run it as `python -m tests.records.speed [ROWS]`; it is no test. Its first line says how fast the machine is at the moment.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import Any

import phonenumbers
import pyarrow as pa

from cdp.records import Mapping, canonical_json, from_canonical, invalid_documents, map_batch

MAPPING = {
    "country": "DE",
    "customer": {
        "source_key": "id",
        "given_name": "first",
        "family_name": "last",
        "birth_date": "dob",
        "emails": "email",
        "phones": "phone",
        "addresses": {"street": "street", "postal_code": "plz", "city": "city"},
        "identifiers": {"loyalty": "card"},
        "created_at": "created",
    },
}
BATCH = 50_000


def generated(count: int) -> pa.Table:
    """People as a CRM exports them; the same every time."""
    draw = random.Random(1)
    first, last = ["anna", "peter", "maria", "john", "lena", "max"], ["Müller", "Smith", "García", "O'Brien", "von der Heide", "Meyer"]
    streets, cities = ["Hauptstraße", "Gartenweg", "Bergallee", "Lindenplatz"], ["Berlin", "München", "Köln", "Leipzig"]
    rows = [
        {
            "id": str(number),
            "first": draw.choice(first) + draw.choice("abcdefghij"),
            "last": draw.choice(last) + draw.choice("abcdefghij") * 2,
            "dob": f"{draw.randint(1, 28):02d}.{draw.randint(1, 12):02d}.{draw.randint(1940, 2005)}",
            "email": f"{draw.choice(first)}.{number}@example.org",
            "phone": f"0{draw.choice(['171', '30', '89'])}/{draw.randint(1000000, 9999999)}",
            "street": f"{draw.choice(streets)} {draw.randint(1, 200)}",
            "plz": f"{draw.randint(1000, 99999):05d}",
            "city": draw.choice(cities),
            "card": f"{draw.randint(10**9, 10**10)}",
            "created": f"2023-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d} {draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:00",
        }
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows)


def timed(what: str, rows: int, work: Callable[[], Any]) -> Any:
    """Do the work, and say its rows per second of processor time and of clock."""
    clock, processor = time.perf_counter(), time.process_time()
    made = work()
    core, seconds = time.process_time() - processor, time.perf_counter() - clock
    print(f"{what:<13} {rows / core:>10,.0f} a second of one core, {rows / seconds:>10,.0f} by the clock")
    return made


def main(count: int) -> None:
    numbers = [f"030 {number}" for number in range(1_000_000, 1_005_000)]
    timed("phonenumbers", len(numbers), lambda: [phonenumbers.parse(number, "DE") for number in numbers])
    stream = Mapping.load(MAPPING).stream("people")
    people = generated(count)
    map_batch(people.slice(0, 100), stream)
    batches = timed("map", count, lambda: [map_batch(people.slice(start, BATCH), stream).table for start in range(0, count, BATCH)])
    documents = timed("write", count, lambda: [canonical_json(batch) for batch in batches])
    timed("validate", count, lambda: [invalid_documents(batch, "customer") for batch in documents])
    timed("read", count, lambda: [from_canonical(batch) for batch in documents])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
