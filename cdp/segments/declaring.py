"""Attributes change only so far that every segment and every monitor can still be decided."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from cdp import attributes
from cdp.attributes import Change, Definition, DefinitionError
from cdp.attributes.language.check import unknown
from cdp.db.activation_tables import destination
from cdp.db.segment_tables import monitor
from cdp.segments.check import check
from cdp.segments.store import conditions, naming, segments


def declare_attributes(
    connection: Connection, wanted: Iterable[Definition], principal: str, *, withdraw: Iterable[str] = ()
) -> list[Change]:
    """Declare attributes as `cdp.attributes.declare` does, and end others.

    Raises:
        UnknownName: there is no attribute to withdraw of that name.
        DefinitionError: they cannot be computed, or a segment or a monitor could no longer be decided; roll back then.
    """
    known = attributes.types(connection)
    gone = sorted(set(withdraw))
    for name in gone:
        if name not in known:
            raise unknown("attribute", name, known, "")
        users = [*naming(connection, name), *_marking(connection, name), *_carrying(connection, name)]
        if users:
            raise DefinitionError(name, f"the attribute is named by {', '.join(users)}: change or delete those first")
    changes = attributes.declare(connection, wanted, principal, withdraw=gone)
    after = attributes.types(connection)
    changed = [name for name, kind in known.items() if name in after and after[name] is not kind]
    if changed:
        _still_decided(connection, changed)
    return changes


def _marking(connection: Connection, name: str) -> list[str]:
    """Monitors that set an attribute."""
    rows = connection.execute(select(monitor.c.name, monitor.c.action).order_by(monitor.c.name))
    return [f"monitor {row.name}, as a mark" for row in rows if name in row.action.get("mark", {})]


def _carrying(connection: Connection, name: str) -> list[str]:
    """Destinations whose rows carry an attribute."""
    table = destination
    rows = connection.execute(select(table.c.name, table.c.document).where(table.c.enabled).order_by(table.c.name))
    options = {row.name: row.document.get("options", {}) for row in rows}
    return [f"destination {one}" for one, said in options.items() if name in (*said.get("fields", ()), *said.get("required", ()))]


def _still_decided(connection: Connection, changed: list[str]) -> None:
    """Refuse another type of value where a condition compares the value, or a monitor sets it."""
    types = attributes.types(connection)
    stored = {name: one.condition for name, one in segments(connection).items()}
    for who, condition in conditions(connection).items():
        try:
            check(condition, types, stored)
        except DefinitionError as error:
            reason = f"{error.reason}. Change that one first, or give the attribute another name"
            raise DefinitionError(f"{', '.join(changed)}, {who}", reason) from None
    for name in changed:
        users = _marking(connection, name)
        if users:
            raise DefinitionError(name, f"it is set by {', '.join(users)}, to a {types[name]} no more: change those first")
