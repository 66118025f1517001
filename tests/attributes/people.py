"""One-line builders of small people for the tests of attributes and segments."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

_CHOSEN: dict[str, Any] = {"source": "crm", "source_key": "1", "rule": "most_recent", "others": []}
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
_keys = count(1)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def uid(n: int) -> UUID:
    return UUID(int=(0x0190 << 112) | (7 << 76) | (2 << 62) | n)


def source(c: Connection, name: str = "crm") -> int:
    statement = """insert into source (name, department, connector) values (:name, 'sales', 'test')
        on conflict (name) do update set department = 'sales' returning id"""
    return int(c.execute(text(statement), {"name": name}).scalar_one())


def person(c: Connection, n: int, *, household: int | None = None, consents: dict[str, str] | None = None, **values: Any) -> UUID:
    """A living profile: `email`, `phone`, `city`, `country` go to its contact, other values to its golden fields."""
    contact = {
        "emails": [{"value": v, "sources": []} for v in _listed(values.pop("email", ()))],
        "phones": [{"value": v, "sources": []} for v in _listed(values.pop("phone", ()))],
        "addresses": [{k: values.pop(k) for k in ("city", "country", "postal_code", "region") if k in values} | {"sources": []}],
    }
    document = {
        "values": {k: {"value": v} | _CHOSEN for k, v in values.items()},
        "contact": contact,
        "identifiers": [],
        "consents": {purpose: {"state": state} for purpose, state in (consents or {}).items()},
        "stats": {"interactions": 0},
    }
    c.execute(
        text("insert into profile (id, household_id, created_at) values (:id, :h, :at)"),
        {"id": uid(n), "h": None if household is None else uid(10_000 + household), "at": ago(400)},
    )
    c.execute(
        text("""insert into golden (profile_id, display_name, document, record_count, source_count, first_seen_at, last_seen_at)
            values (:id, :name, :doc, 1, 1, :first, :last)"""),
        {"id": uid(n), "name": f"Person {n}", "doc": json.dumps(document), "first": ago(400), "last": ago(1)},
    )
    return uid(n)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def event(c: Connection, n: int, kind: str, days: float, *, amount: float | None = None, currency: str | None = None, **more: Any) -> int:
    """An interaction of profile `n`, so many days before `NOW`."""
    columns = {name: more.pop(name, None) for name in ("name", "channel", "status")}
    canonical = {k: v for k, v in (columns | more).items() if v is not None}
    statement = """insert into interaction (
        source_id, stream, source_key, kind, name, channel, status, at, amount, currency, canonical, raw,
        content_hash, profile_id) values (:source, 's', :key, :kind, :name, :channel, :status, :at, :amount, :currency, :canonical, '{}',
        '\\x00', :profile) returning id"""
    row = columns | {"kind": kind, "at": ago(days), "amount": amount, "currency": currency, "profile": uid(n), "key": str(next(_keys))}
    return int(c.execute(text(statement), row | {"source": source(c), "canonical": json.dumps(canonical)}).scalar_one())


def values(engine: Engine) -> dict[int, dict[str, Any]]:
    """Profile number -> its attributes."""
    with engine.connect() as c:
        rows = c.execute(text('select profile_id, "values" from profile_attribute order by 1')).all()
    return {row.profile_id.int & 0xFFFF: row[1] for row in rows}
