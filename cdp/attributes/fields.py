"""A name of the language leads to one column of `event` or `person`, wherever those are: in PostgreSQL or in the columnar copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    DateTime,
    Double,
    FromClause,
    Integer,
    Numeric,
    Text,
    case,
    cast,
    column,
    extract,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import JSONB

from cdp.attributes.errors import UnknownName
from cdp.attributes.language.check import unknown
from cdp.attributes.language.sql import SEPARATOR, Field, Sql, text
from cdp.attributes.language.tree import Type
from cdp.records.model import InteractionKind

_EVENT_COLUMNS: dict[str, tuple[Type, str]] = {
    **{name: (Type.TEXT, name) for name in ("source", "stream", "kind", "name", "channel", "direction", "currency", "status")},
    **{name: (Type.TEXT, name) for name in ("subject", "campaign", "priority", "staff")},
    "at": (Type.TIME, "at"),
    "ended_at": (Type.TIME, "ended_at"),
    "amount": (Type.NUMBER, "amount"),
    "value": (Type.NUMBER, "value"),
    "rating": (Type.NUMBER, "rating"),
    "items.category": (Type.LIST, "categories"),
    "items.sku": (Type.LIST, "skus"),
    "items.name": (Type.LIST, "products"),
}
_ITEM_TEXTS = ("category", "sku", "name")
_ITEM_NUMBERS = ("amount", "quantity", "unit_price")
_COMPUTED = {"hour": Type.NUMBER, "weekday": Type.NUMBER, "duration": Type.NUMBER}

EVENT_FIELDS: dict[str, Type] = {name: kind for name, (kind, _) in _EVENT_COLUMNS.items()} | _COMPUTED
"""What a condition on an event can name, besides `properties.NAME`. `value` is the amount in the base currency."""

_TEXTS = ("full_name", "prefix", "given_name", "middle_name", "family_name", "suffix", "nickname", "organisation_name", "job_title")
GOLDEN_TEXTS = (*_TEXTS, "birth_place", "gender", "language")
GOLDEN_DATES = ("birth_date", "death_date")
LISTS = {
    "email": "emails",
    "phone": "phones",
    "city": "cities",
    "region": "regions",
    "country": "countries",
    "postal_code": "postal_codes",
    "source": "sources",
    "channel": "channels",
}
PERSON_FIELDS: dict[str, Type] = {
    **dict.fromkeys(GOLDEN_TEXTS, Type.TEXT),
    **dict.fromkeys(GOLDEN_DATES, Type.DATE),
    **dict.fromkeys(LISTS, Type.LIST),
    **dict.fromkeys(("id", "kind", "display_name"), Type.TEXT),
    **dict.fromkeys(("record_count", "source_count", "interaction_count", "confidence", "age"), Type.NUMBER),
    **dict.fromkeys(("created_at", "first_seen_at", "last_seen_at"), Type.TIME),
}
"""What a condition on a person can name, besides attributes and `custom.NAME`."""


def kinds(word: str) -> str | None:
    """The interaction kind that a word of the language names: `orders` and `order`; `*` for `interactions`; null for any other word."""
    folded = word.lower()
    return _KINDS.get(folded)


def _plural(kind: str) -> str:
    if kind.endswith("y") and kind[-2] not in "aeiou":
        return kind[:-1] + "ies"
    return kind + ("es" if kind.endswith("ch") else "s")


_KINDS = {"interaction": "*", "interactions": "*"} | {word: k.value for k in InteractionKind for word in (k.value, _plural(k.value))}
PLURALS = {"*": "interactions"} | {k.value: _plural(k.value) for k in InteractionKind}
"""Interaction kind -> how the text form names it."""


def event_view() -> FromClause:
    """The view `event` with the columns that conditions read."""
    names = {name for _, name in _EVENT_COLUMNS.values()} | {"event_id", "profile_id", "items"}
    return table("event", *(column(name) for name in sorted(names)), column("properties", JSONB))


@dataclass(frozen=True)
class EventFields:
    """Fields of the event that `relation` (a form of the view) has in hand."""

    relation: FromClause

    def field(self, name: str, place: str) -> Field:
        if name in _EVENT_COLUMNS:
            kind, where = _EVENT_COLUMNS[name]
            return Field(kind, self.relation.c[where])
        if name == "hour":
            return Field(Type.NUMBER, extract("hour", self.relation.c.at))
        if name == "weekday":
            return Field(Type.NUMBER, extract("isodow", self.relation.c.at))
        if name == "duration":
            return Field(Type.NUMBER, extract("epoch", self.relation.c.ended_at - self.relation.c.at))
        if name.startswith("properties."):
            return Field(Type.ANY, property_text(self.relation.c.properties, name.split(".")[1:]))
        raise unknown("field of an event", name, [*EVENT_FIELDS, "properties.NAME"], place)


@dataclass(frozen=True)
class ItemFields:
    """Fields of one item of an event: `items.category` is this item's; the rest is the event's."""

    event: EventFields
    item: Sql

    def field(self, name: str, place: str) -> Field:
        member = name.removeprefix("items.")
        if member == name:
            return self.event.field(name, place)
        if member in _ITEM_TEXTS:
            return Field(Type.TEXT, self.item.op("->>")(text(member)))
        if member in _ITEM_NUMBERS:
            return Field(Type.NUMBER, cast(self.item.op("->>")(text(member)), Numeric()))
        raise unknown("field of an item", name, [f"items.{known}" for known in (*_ITEM_TEXTS, *_ITEM_NUMBERS)], place)


def property_text(document: Sql, path: list[str]) -> Sql:
    """The member of a JSON document at a path, as text."""
    for name in path[:-1]:
        document = document.op("->")(text(name))
    return document.op("->>")(text(path[-1]))


class NoFields:
    """Where no field of a person can be named: in the filter of an attribute."""

    def field(self, name: str, place: str) -> Field:
        raise UnknownName(place, f"@{name}: the filter of an attribute cannot name other fields of the person; a segment can")


def age(birth_date: Sql, now: datetime) -> Sql:
    """Whole years since a date of birth; null where only the year or the month is known."""
    today = now.year * 10_000 + now.month * 100 + now.day
    day = cast(func.replace(birth_date, "-", ""), Integer)
    return case((func.length(birth_date) == 10, func.floor((literal_column(str(today)) - day) / literal_column("10000.0"))))


def person_view() -> FromClause:
    """The view `person` with the columns that conditions read."""
    direct = ("kind", "display_name", "record_count", "source_count", "interaction_count", "confidence", "created_at")
    names = ("profile_id", "household_id", "bucket", "granted", "denied", "first_seen_at", "last_seen_at", *direct, *LISTS.values())
    return table("person", *(column(name) for name in names), column("values", JSONB), column("attributes", JSONB))


@dataclass(frozen=True)
class PersonFields:
    """Fields of the person that `relation` (the view `person`) has in hand, attributes included, at a moment."""

    relation: FromClause
    attributes: Mapping[str, Type]
    now: datetime

    def field(self, name: str, place: str) -> Field:
        if name in self.attributes:
            kind = self.attributes[name]
            return Field(kind, self._attribute(name, kind))
        if name in GOLDEN_TEXTS or name in GOLDEN_DATES:
            return Field(PERSON_FIELDS[name], self.golden(name))
        if name in LISTS:
            return Field(Type.LIST, self.relation.c[LISTS[name]])
        if name == "age":
            return Field(Type.NUMBER, age(self.golden("birth_date"), self.now))
        if name == "id":
            return Field(Type.TEXT, cast(self.relation.c.profile_id, Text()))
        if name in PERSON_FIELDS:
            return Field(PERSON_FIELDS[name], self.relation.c[name])
        if name.startswith("custom."):
            return Field(Type.ANY, self._custom(name.removeprefix("custom.")))
        raise unknown("field or attribute", name, [*PERSON_FIELDS, *self.attributes, "custom.NAME"], place)

    def golden(self, name: str) -> Sql:
        """The chosen value of a field, as text."""
        values: Any = self.relation.c["values"]
        return property_text(values, [name, "value"])

    def _custom(self, name: str) -> Sql:
        return func.coalesce(self.golden(f"attributes.{name}"), self.golden(name))

    def _attribute(self, name: str, kind: Type) -> Sql:
        return typed_member(self.relation.c.attributes, name, kind)


def typed_member(document: Sql, name: str, kind: Type) -> Sql:
    """The value of an attribute in a JSON document of attributes, as a column of its type."""
    if kind is Type.LIST:
        elements = func.jsonb_array_elements_text(document.op("->")(text(name))).table_valued("value")
        joined = func.string_agg(func.lower(elements.c.value), text(SEPARATOR))
        return select(text(SEPARATOR) + joined + text(SEPARATOR)).select_from(elements).scalar_subquery()
    member = document.op("->>")(text(name))
    if kind is Type.NUMBER:
        return cast(member, Double())
    if kind is Type.TIME:
        return cast(member, DateTime(timezone=True))
    if kind is Type.BOOLEAN:
        return cast(member, Boolean())
    return cast(member, Text())
