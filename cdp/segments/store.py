"""Every version of a segment's condition is kept; a segment that is stored can be decided."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from cdp.attributes import types
from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.check import unknown
from cdp.attributes.language.document import plain_text
from cdp.attributes.language.tree import Compare, Reference
from cdp.db.segment_tables import monitor, segment, segment_version
from cdp.segments import document, text
from cdp.segments.check import check, in_order, refuse_circle
from cdp.segments.tree import CONDITIONS, Condition, event_parts, every_leaf, segments_named

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Segment:
    """A stored segment. `as_of` is the moment its members were decided at; null: never yet. `soon`: decided when something happens."""

    id: int
    name: str
    title: str
    description: str
    condition: Condition
    version: int
    refreshed_version: int | None
    members: int
    as_of: datetime | None
    refreshed_at: datetime | None
    seconds: float | None
    soon: bool = True

    @property
    def text(self) -> str:
        """The condition in its readable form."""
        return text.write(self.condition)


def read(written: str | Mapping[str, Any]) -> Condition:
    """A condition from its text or its document."""
    return text.parse(written) if isinstance(written, str) else document.read(dict(written))


def segments(connection: Connection) -> dict[str, Segment]:
    """Name -> segment, by name."""
    rows = connection.execute(select(segment).where(segment.c.deleted_at.is_(None)).order_by(segment.c.name))
    return {row.name: _segment(row) for row in rows}


def _segment(row: Row[Any]) -> Segment:
    return Segment(
        row.id,
        row.name,
        row.title,
        row.description,
        document.read_stored(row.condition),
        row.version,
        row.refreshed_version,
        row.members,
        row.as_of,
        row.refreshed_at,
        row.seconds,
        row.soon,
    )


def get(connection: Connection, name: str) -> Segment:
    """One segment.

    Raises:
        UnknownName: there is none of that name.
    """
    known = segments(connection)
    if name not in known:
        raise unknown("segment", name, known, "")
    return known[name]


def checked(connection: Connection, written: str | Mapping[str, Any] | Condition, name: str = "") -> Condition:
    """The condition, refused where it cannot be decided with the attributes and segments that there are."""
    condition = _condition(written)
    check(condition, types(connection), {n: s.condition for n, s in segments(connection).items()}, name)
    return condition


def _condition(written: str | Mapping[str, Any] | Condition) -> Condition:
    if isinstance(written, str | Mapping):
        return read(written)
    if not isinstance(written, CONDITIONS):
        raise DefinitionError("/condition", f"a condition is a text or an object, not {type(written).__name__}")
    return written


def save(
    connection: Connection,
    name: str,
    written: str | Mapping[str, Any],
    principal: str,
    *,
    title: str | None = None,
    description: str | None = None,
    soon: bool | None = None,
) -> Segment:
    """Create the segment `name`, or give it a new version where the condition differs. What is not given stays as it is.

    Raises:
        DefinitionError: the condition cannot be read or decided; its place and reason say why.
    """
    if not NAME.fullmatch(name):
        raise DefinitionError("name", f"a segment's name is small letters, digits and _, beginning with a letter, not {name!r}")
    condition = checked(connection, written, name)
    stored = document.write(condition)
    row = connection.execute(select(segment).where(segment.c.name == name)).one_or_none()
    given: dict[str, Any] = {"title": title, "description": description, "soon": soon}
    _refuse_titles(given)
    titles = {key: value for key, value in given.items() if value is not None}
    if row is None:
        values = {"name": name, "title": title or name, "condition": stored, "updated_by": principal} | titles
        found = connection.execute(insert(segment).values(values).returning(segment)).one()
    elif row.condition == stored and row.deleted_at is None:
        found = connection.execute(update(segment).where(segment.c.id == row.id).values(titles or {"name": name}).returning(segment)).one()
        return _segment(found)
    else:
        values = titles | {
            "condition": stored,
            "version": row.version + 1,
            "updated_by": principal,
            "updated_at": func.now(),
            "deleted_at": None,
        }
        found = connection.execute(update(segment).where(segment.c.id == row.id).values(values).returning(segment)).one()
    connection.execute(insert(segment_version).values(segment_id=found.id, version=found.version, condition=stored, by=principal))
    return _segment(found)


def _refuse_titles(given: Mapping[str, Any]) -> None:
    for name in ("title", "description"):
        if given[name] is not None and not isinstance(given[name], str):
            raise DefinitionError(name, f"a {name} is a text, not {given[name]!r}")
        if given[name] is not None:
            plain_text(given[name], name)
    if given["soon"] is not None and not isinstance(given["soon"], bool):
        raise DefinitionError("soon", f"soon is true or false, not {given['soon']!r}")


def save_all(connection: Connection, wanted: Mapping[str, Mapping[str, Any]], principal: str) -> list[Segment]:
    """Save segments (name -> condition, title, description, soon), those that others name first, wherever they stand.

    Raises:
        DefinitionError: one cannot be saved; roll back then.
    """
    conditions: dict[str, Condition] = {}
    for name, one in wanted.items():
        with _telling(name):
            conditions[name] = _condition(one["condition"])
    for name, condition in conditions.items():
        with _telling(name):
            refuse_circle(condition, conditions, name)
    found: dict[str, Segment] = {}
    for name in in_order(conditions):
        titles = {key: wanted[name].get(key) for key in ("title", "description", "soon")}
        with _telling(name):
            found[name] = save(connection, name, wanted[name]["condition"], principal, **titles)
    return [found[name] for name in wanted]


@contextmanager
def _telling(name: str) -> Iterator[None]:
    """What is refused in the block says of which segment."""
    try:
        yield
    except DefinitionError as error:
        raise error.within(f"segment {name}") from None


def delete(connection: Connection, name: str) -> None:
    """Withdraw a segment; its members leave at the next refresh, its history stays.

    Raises:
        DefinitionError: another segment or a monitor names it.
    """
    known = segments(connection)
    if name not in known:
        raise unknown("segment", name, known, "")
    users = [who for who, condition in conditions(connection).items() if name in segments_named(condition)]
    if users:
        raise DefinitionError(name, f"the segment is named by {', '.join(users)}: change or delete those first")
    connection.execute(update(segment).where(segment.c.name == name).values(deleted_at=func.now()))


def conditions(connection: Connection) -> dict[str, Condition]:
    """Every stored condition by whose it is: `segment a`, `monitor b`."""
    rows = connection.execute(select(monitor.c.name, monitor.c.condition).order_by(monitor.c.name))
    watched = {f"monitor {row.name}": document.read_stored(row.condition) for row in rows}
    return {f"segment {name}": one.condition for name, one in segments(connection).items()} | watched


def naming(connection: Connection, attribute: str) -> list[str]:
    """Whose condition names an attribute: `segment a`, `monitor b`."""
    return [who for who, condition in conditions(connection).items() if attribute in _attributes_named(condition)]


def _attributes_named(condition: Condition) -> set[str]:
    found = {leaf.field for leaf in every_leaf(condition) if isinstance(leaf, Compare)}
    parts = [part for leaf in every_leaf(condition) for part in (leaf, *event_parts(leaf))]
    return found | {part.value.name for part in parts if isinstance(part, Compare) and isinstance(part.value, Reference)}


def dependants(connection: Connection, name: str) -> list[str]:
    """Segments that name this one."""
    return sorted(s.name for s in segments(connection).values() if name in segments_named(s.condition))
