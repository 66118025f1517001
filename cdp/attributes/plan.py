"""A dry run computes what would be, looks at the difference, and leaves everything as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, select, text

from cdp.attributes.definition import Definition
from cdp.attributes.language.check import unknown
from cdp.attributes.refresh import compute
from cdp.attributes.store import declare, definitions
from cdp.db.segment_tables import profile_attribute


@dataclass(frozen=True)
class Difference:
    """What would become of one attribute among the people looked at: how many values differ, and some of them (id, now, then)."""

    name: str
    differing: int
    examples: tuple[tuple[UUID, Any, Any], ...]


@dataclass(frozen=True)
class AttributesPlan:
    people: int
    differences: tuple[Difference, ...]


_SAMPLE = "select id from profile where merged_into is null and retired_at is null order by md5(id::text) limit :size"


def plan(engine: Engine, wanted: Iterable[Definition], *, sample: int = 2_000, as_of: datetime | None = None) -> AttributesPlan:
    """What declaring these definitions would change, on a sample of people that is the same every time.

    Raises:
        DefinitionError: they cannot be declared.
    """
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    wanted = list(wanted)
    with engine.connect() as connection, connection.begin() as transaction:
        ids = list(connection.execute(text(_SAMPLE), {"size": sample}).scalars())
        before = _values(connection, ids)
        declare(connection, wanted, "dry run")
        compute(connection, ids, definitions(connection), now)
        after = _values(connection, ids)
        transaction.rollback()
    names = sorted({d.name for d in wanted})
    return AttributesPlan(len(ids), tuple(_difference(name, before, after) for name in names))


def values_as_of(engine: Engine, profile_id: UUID, moment: datetime) -> dict[str, Any]:
    """The attributes of a person as they would have been at a past moment, from what is known today; nothing is stored."""
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("delete from profile_attribute where profile_id = :id"), {"id": profile_id})
        compute(connection, [profile_id], definitions(connection), moment.astimezone(UTC))
        found = _values(connection, [profile_id]).get(profile_id, {})
        transaction.rollback()
    return found


@dataclass(frozen=True)
class Spread:
    """What the values of an attribute look like among the people who were looked at, the commonest values first."""

    name: str
    people: int
    with_value: int
    least: Any
    middle: Any
    most: Any
    common: tuple[tuple[Any, int], ...]


def spread(engine: Engine, wanted: Iterable[Definition], *, sample: int = 2_000, as_of: datetime | None = None) -> list[Spread]:
    """The values that definitions give, on the sample of people that `plan` looks at; nothing is stored.

    Raises:
        DefinitionError: they cannot be declared.
    """
    now = (as_of or datetime.now(UTC)).astimezone(UTC)
    wanted = list(wanted)
    with engine.connect() as connection, connection.begin() as transaction:
        ids = list(connection.execute(text(_SAMPLE), {"size": sample}).scalars())
        declare(connection, wanted, "dry run")
        compute(connection, ids, definitions(connection), now)
        found = _values(connection, ids)
        transaction.rollback()
    return [_spread(d.name, len(ids), [values[d.name] for values in found.values() if d.name in values]) for d in wanted]


def _spread(name: str, people: int, values: list[Any]) -> Spread:
    ordered = sorted(value for value in values if not isinstance(value, list | bool))
    least, middle, most = (ordered[0], ordered[len(ordered) // 2], ordered[-1]) if ordered else (None, None, None)
    words = Counter(word for value in values for word in (value if isinstance(value, list) else [value]))
    return Spread(name, people, len(values), least, middle, most, tuple(words.most_common(5)))


def _values(connection: Connection, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    rows = connection.execute(
        text('select profile_id, "values" from profile_attribute where profile_id = any(cast(:ids as uuid[]))'), {"ids": ids}
    )
    return {row.profile_id: row[1] for row in rows}


def _difference(name: str, before: dict[UUID, dict[str, Any]], after: dict[UUID, dict[str, Any]]) -> Difference:
    found = [(i, before.get(i, {}).get(name), values.get(name)) for i, values in after.items()]
    differing = [one for one in found if one[1] != one[2]]
    return Difference(name, len(differing), tuple(differing[:5]))


@dataclass(frozen=True)
class AttributeWhy:
    """A value with its definition, the moment it stands at, when it was computed, and how many events or items it came from."""

    name: str
    value: Any
    definition: dict[str, Any]
    as_of: datetime | None
    computed_at: datetime | None
    inputs: int | None
    needs: dict[str, Any]


def explain(connection: Connection, name: str, profile_id: UUID) -> AttributeWhy:
    """Where the value of an attribute of a person comes from. `needs` are the values that an expression was computed from.

    Raises:
        UnknownName: there is no such attribute.
    """
    known = {d.name: d for d in definitions(connection)}
    if name not in known:
        raise unknown("attribute", name, known, "")
    definition = known[name]
    row = connection.execute(select(profile_attribute).where(profile_attribute.c.profile_id == profile_id)).mappings().one_or_none()
    if row is None:
        return AttributeWhy(name, None, dict(definition.document), None, None, None, {})
    values = row["values"]
    needs = {needed: values.get(needed) for needed in definition.needs}
    return AttributeWhy(name, values.get(name), dict(definition.document), row["as_of"], row["computed_at"], row["inputs"].get(name), needs)
