"""One-line builders of profiles, segments and destinations on a real database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, insert, select, update

from cdp.db import segment_tables, tables
from tests.activation.vendors import company, vendor

__all__ = ["company", "vendor"]


def profile_id(number: int) -> UUID:
    return UUID(int=number)


def document(email: str | None = None, phone: str | None = None, ads: str | None = "granted", **values: str) -> dict[str, Any]:
    address = {name: values.pop(name) for name in ("street", "house_number", "postal_code", "city", "region", "country") if name in values}
    return {
        "values": {
            name: {"value": value, "source": "crm", "source_key": "1", "rule": "longest", "others": []} for name, value in values.items()
        },
        "contact": {
            "emails": [{"value": email, "sources": ["crm"]}] if email else [],
            "phones": [{"value": phone, "sources": ["crm"]}] if phone else [],
            "addresses": [{**address, "sources": ["crm"]}] if address else [],
        },
        "identifiers": [],
        "consents": {"ads": {"state": ads, "at": "2026-01-02T03:04:05+00:00", "source": "crm"}} if ads else {},
        "stats": {"interactions": 0},
    }


class World:
    """A few people in one segment."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with engine.begin() as connection:
            values = {"name": "buyers", "title": "Buyers", "condition": {}, "updated_by": "test"}
            statement = insert(segment_tables.segment).values(values).returning(segment_tables.segment.c.id)
            self.segment: int = connection.execute(statement).scalar_one()

    def person(self, number: int, member: bool = True, **fields: Any) -> UUID:
        """Make or change a person."""
        id = profile_id(number)
        with self.engine.begin() as connection:
            known = connection.execute(select(tables.golden.c.profile_id).where(tables.golden.c.profile_id == id)).first()
            if known:
                changes = {"document": document(**fields), "updated_at": func.clock_timestamp()}
                connection.execute(update(tables.golden).where(tables.golden.c.profile_id == id).values(changes))
                return id
            connection.execute(insert(tables.profile).values(id=id))
            connection.execute(insert(tables.golden).values(profile_id=id, document=document(**fields), record_count=1, source_count=1))
            if member:
                connection.execute(insert(segment_tables.segment_member).values(segment_id=self.segment, profile_id=id))
        return id

    def leave(self, number: int) -> None:
        """Take a person out of the segment."""
        table = segment_tables.segment_member
        with self.engine.begin() as connection:
            connection.execute(table.delete().where(table.c.profile_id == profile_id(number)))


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


Definition = Callable[..., dict[str, Any]]


@pytest.fixture
def definition() -> Definition:
    def make(to: dict[str, Any], **changes: Any) -> dict[str, Any]:
        base = {"name": "ads", "segment": "buyers", "purpose": "ads", "format": "google_ads", "to": to}
        return {name: value for name, value in {**base, **changes}.items() if value is not None}

    return make
