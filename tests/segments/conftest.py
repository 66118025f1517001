"""Three people with a past, whom conditions are asked of."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from cdp import attributes
from cdp.attributes import declare, load, shipped
from cdp.segments.columnar import Copy
from tests.attributes.people import NOW, ago, event, person

ATTRIBUTES = [
    {"name": "n", "kind": "count", "of": "order", "where": "status = paid"},
    {"name": "recent", "kind": "time_since", "of": "order"},
    {"name": "together", "kind": "sum", "field": "amount", "of": "order", "per": "household", "window": {"last": "20 days"}},
    {"name": "score", "kind": "expression", "expression": "band(recent, 7, 14) + together"},
]


@pytest.fixture
def world(engine: Engine) -> Engine:
    """Three people of the test's own."""
    return populated(engine)


@pytest.fixture(scope="module")
def same_world(module_engine: Engine) -> Engine:
    """The same three people for all tests that only read."""
    return populated(module_engine)


def populated(engine: Engine) -> Engine:
    with engine.begin() as c:
        declare(c, [load(d) for d in ATTRIBUTES], "test", withdraw=[d.name for d in shipped()])
        person(
            c,
            1,
            household=1,
            given_name="Ann",
            city="Berlin",
            email=["ann@example.org", "a@example.com"],
            birth_date="1990-06-20",
            consents={"email": "granted"},
        )
        person(
            c,
            2,
            household=1,
            given_name="Bob",
            city="Bern",
            birth_date="2008-06-16",
            consents={"email": "denied"},
            **{"attributes.tier": "Gold"},
        )
        person(c, 3, city="Paris", birth_date="1980")
        event(c, 1, "page_view", 31, name="pricing")
        event(c, 1, "order", 30, amount=30, status="paid", items=[{"category": "Shoes"}], properties={"level": 3, "code": "x1"})
        event(c, 1, "order", 10, amount=10, status="paid", properties={"level": "12"})
        event(c, 1, "return", 9, amount=10)
        event(c, 2, "page_view", 20, name="pricing")
        event(c, 2, "order", 5, amount=50, status="cancelled")
        event(c, 2, "ticket", 6, status="open", channel="phone", ended_at=ago(6 - 1 / 144).isoformat())
        event(c, 3, "ticket", -5, status="open")
    attributes.refresh(engine, as_of=NOW)
    return engine


@pytest.fixture
def copies() -> dict[str, Copy]:
    """One copy for all examples of a property."""
    return {}
