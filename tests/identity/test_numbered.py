"""Values that only number people (user1@, user2@; Lee1, Lee2; neighbouring phones) make nobody the same, with duplicates or without."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cdp.identity import resolve
from cdp.records import from_canonical


def table(people: list[dict[str, Any]], sources: tuple[str, ...]) -> pa.Table:
    """Every person once in each source."""
    documents = [json.dumps({"kind": "person", "source_key": f"{source}{n}", **p}) for source in sources for n, p in enumerate(people)]
    names = pa.array([source for source in sources for _ in people])
    return from_canonical(documents).append_column("source", names).append_column("record_id", pa.array(range(len(documents))))


def everything_numbered(n: int) -> dict[str, Any]:
    return {
        "given_name": "Ann",
        "family_name": f"Lee{n}",
        "birth_date": f"1980-01-{n % 28 + 1:02}",
        "emails": [f"ann{n}@example.org"],
        "phones": [f"+1212555{100 + n:04}"],
    }


def names_numbered(n: int) -> dict[str, Any]:
    return {"given_name": f"First{n}", "family_name": f"Last{n}", "emails": [f"user{n}@example.com"], "phones": [f"+1212555{n:04}"]}


def one_name(n: int) -> dict[str, Any]:
    return {
        "given_name": "Ann",
        "family_name": "Lee",
        "birth_date": f"19{n % 100:02}-01-{n % 28 + 1:02}",
        "emails": [f"ann{n}@example.org"],
    }


@pytest.mark.parametrize("sources", [("crm",), ("crm", "shop")], ids=len)
@pytest.mark.parametrize("size", [5, 30, 150])
@pytest.mark.parametrize("person", [everything_numbered, names_numbered, one_name])
def test_numbered_people_stay_apart(person: Any, size: int, sources: tuple[str, ...]) -> None:
    found = resolve(table([person(n) for n in range(size)], sources))
    assert np.array_equal(found.cluster, np.tile(np.arange(size), len(sources)))
