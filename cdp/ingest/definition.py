"""A source definition is data: what is in the table `source` is all that is needed to pull it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from cdp.db import tables
from cdp.errors import PlatformError
from cdp.records import Mapping as RecordsMapping
from cdp.records.contracts import check

EVENTS = "events"
"""The connector of a source that sends, and is not pulled."""


class UnknownSource(PlatformError):
    """No source has this name."""


@dataclass(frozen=True)
class SourceDefinition:
    """A system that records come from; `schemas/source.schema.json`."""

    name: str
    connector: str
    department: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 100
    duplicate_free: bool = False
    enabled: bool = True

    @classmethod
    def of(cls, document: Mapping[str, Any], where: str = "source definition") -> SourceDefinition:
        """A definition from a document that meets the schema.

        Raises:
            DocumentError: it does not.
        """
        check(document, "source", where)
        return cls(**{"department": document["name"], **document})

    @classmethod
    def load(cls, path: Path) -> SourceDefinition:
        """A definition from a YAML or JSON file."""
        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except FileNotFoundError:
            raise PlatformError(f"{path}: no such file") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise PlatformError(f"{path} is not valid YAML: {error}") from None
        return cls.of(document, str(path))


def register(connection: Connection, definition: SourceDefinition) -> int:
    """Store a definition, new or changed; its id.

    Raises:
        DocumentError, PlatformError: `config` (`schemas/event-source.schema.json`) or `mapping` of a source that sends events is wrong: one
            such source would stop them all.
    """
    if definition.connector == EVENTS:
        check(definition.config, "event-source", f"config of {definition.name}")
        if definition.mapping.get("streams"):
            RecordsMapping.load(definition.mapping)
    values = asdict(definition) | {"department": definition.department or definition.name}
    statement = insert(tables.source).values(values)
    statement = statement.on_conflict_do_update(index_elements=["name"], set_={k: statement.excluded[k] for k in values if k != "name"})
    return int(connection.execute(statement.returning(tables.source.c.id)).scalar_one())


def unregister(connection: Connection, name: str) -> None:
    """Forget a source that has no records yet; one that has is switched off (`enabled`), since records are kept for good."""
    row = by_name(connection, name)
    landed = connection.execute(select(tables.record.c.id).where(tables.record.c.source_id == row.id).limit(1)).first()
    landed = landed or connection.execute(select(tables.interaction.c.id).where(tables.interaction.c.source_id == row.id).limit(1)).first()
    if landed:
        connection.execute(tables.source.update().where(tables.source.c.id == row.id).values(enabled=False))
    else:
        connection.execute(delete(tables.source).where(tables.source.c.id == row.id))


def registered(connection: Connection, names: Sequence[str] | None = None) -> list[Row[Any]]:
    """Rows of `source`: the named ones, or every enabled one that is pulled, by name.

    Raises:
        UnknownSource: a name that is not there; lists those that are.
        PlatformError: one of the names sends events, and is not pulled.
    """
    if names:
        rows = [by_name(connection, name) for name in names]
        sending = [row.name for row in rows if row.connector == EVENTS]
        if sending:
            raise PlatformError(
                f"{', '.join(sending)}: this source sends by itself, so nothing is pulled; what it sent is processed by `cdp serve`"
            )
        return rows
    query = select(tables.source).where(tables.source.c.enabled, tables.source.c.connector != EVENTS)
    return list(connection.execute(query.order_by(tables.source.c.name)))


def by_name(connection: Connection, name: str) -> Row[Any]:
    """The row of `source` with this name.

    Raises:
        UnknownSource: there is none; lists those there are.
    """
    row = connection.execute(select(tables.source).where(tables.source.c.name == name)).first()
    if row is None:
        known = connection.execute(select(tables.source.c.name).order_by(tables.source.c.name)).scalars().all()
        raise UnknownSource(f"no source is called {name!r}; there are: {', '.join(known) or 'none yet (cdp sources add)'}")
    return row
