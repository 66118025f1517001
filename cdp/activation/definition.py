"""A destination is a document under a name (schemas/destination.schema.json); after a change the next delivery looks at everybody."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from croniter import croniter
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from cdp.activation.errors import ActivationError, DestinationConfig, UnknownDestination
from cdp.activation.formats import FIELDS, FORMATS, Format, attributes_of, columns_of
from cdp.attributes import types
from cdp.db import activation_tables as tables
from cdp.db.segment_tables import segment
from cdp.records.contracts import check

VENDORS = frozenset({"google_ads", "meta", "mailchimp", "hubspot"})
"""Places that take only the format of their own name."""

_BY_PERSON = frozenset({"sql", "webhook"})


@dataclass(frozen=True)
class Destination:
    """Where an audience is sent."""

    id: int
    name: str
    document: Mapping[str, Any]
    enabled: bool
    changed_at: datetime

    @property
    def title(self) -> str:
        """The audience's name for people."""
        return str(self.document.get("title") or self.document.get("segment") or self.name)

    @property
    def segment(self) -> str | None:
        """The segment that is sent; None: every profile."""
        return self.document.get("segment")

    def aimed_at(self, segment: str) -> Destination:
        """This destination with another segment, which makes everybody looked at again."""
        changed = datetime.now(UTC) if segment != self.segment else self.changed_at
        return replace(self, document={**self.document, "segment": segment}, changed_at=changed)

    @property
    def purpose(self) -> str | None:
        """What people must have agreed to; None: the definition names a legal basis."""
        return self.document.get("purpose")

    @property
    def format(self) -> Format:
        """How it wants people."""
        return FORMATS[self.document["format"]]

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the format."""
        kind, place = self.place
        mode = "people" if kind == "email" else place.get("mode", "upload") if kind == "files" else "api" if kind in VENDORS else "upload"
        return {**self.document.get("options", {}), "mode": mode}

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes that a row carries, or must have."""
        return attributes_of(self.options)

    @property
    def headers(self) -> tuple[str, ...]:
        """What a row carries."""
        return columns_of(self.document["format"], self.options)[0]

    @property
    def keys(self) -> tuple[int, ...]:
        """Numbers of the columns that a person is known by there."""
        return columns_of(self.document["format"], self.options)[1]

    @property
    def contacts(self) -> int:
        """How many of the key columns, from the first on, are a contact point that matches by itself."""
        return len([key for key in self.keys if self.headers[key].lower().startswith(("email", "phone"))])

    @property
    def by_person(self) -> bool:
        """Whether the place knows each person by the profile's id, whatever the format's keys are."""
        return self.kind in _BY_PERSON

    @property
    def kind(self) -> str:
        """The kind of its place, one of KINDS."""
        return self.place[0]

    @property
    def place(self) -> tuple[str, Mapping[str, Any]]:
        """One of `schemas/destination.schema.json` (`files`, `webhook`, `meta` …), and its settings."""
        kind, settings = next(iter(self.document["to"].items()))
        return kind, settings


def load(path: Path) -> Mapping[str, Any]:
    """A definition from a YAML or JSON file.

    Raises:
        DocumentError: it does not meet the schema.
        ActivationError: no such file, or no YAML.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ActivationError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ActivationError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    check(document, "destination", str(path))
    return dict(document)


def register(connection: Connection, document: Mapping[str, Any], by: str = "system") -> Destination:
    """Store a destination, new or changed.

    Raises:
        DocumentError: the document does not meet its schema.
        DestinationConfig: it names a segment that does not exist, a format that the place does not take, or no schedule.
    """
    check(document, "destination", "destination")
    kind = next(iter(document["to"]))
    if kind in VENDORS and document["format"] != kind:
        raise DestinationConfig(f"the interface of {kind} takes the format {kind}, not {document['format']}")
    known = FORMATS[document["format"]].options
    if odd := sorted(set(document.get("options", {})) - set(known)):
        may = f"has {' and '.join(known)}" if known else "has none"
        raise DestinationConfig(f"the format {document['format']} {may}: it does nothing with the option {', '.join(odd)}")
    if kind == "google_ads" and document.get("options", {}).get("hash") is False:
        raise DestinationConfig("the interface of google_ads takes hashes only: leave out `hash: false`")
    if (schedule := document.get("schedule")) is not None and not croniter.is_valid(schedule):
        raise DestinationConfig(f"{schedule!r} is no schedule: five fields of cron (minute hour day month weekday), or @hourly, @daily …")
    if document.get("segment"):
        segment_id(connection, document["segment"])
    _check_attributes(connection, attributes_of(document.get("options", {})))
    table = tables.destination
    old = connection.execute(select(table.c.document, table.c.enabled).where(table.c.name == document["name"])).first()
    if old is None or old.document != dict(document) or not old.enabled:
        values = {"name": document["name"], "document": dict(document), "changed_by": by}
        changes = {"document": dict(document), "changed_by": by, "changed_at": func.clock_timestamp(), "enabled": True}
        connection.execute(insert(table).values(values).on_conflict_do_update(index_elements=["name"], set_=changes))
    return by_name(connection, document["name"])


def _check_attributes(connection: Connection, named: Iterable[str]) -> None:
    known = types(connection)
    for name in named:
        if name not in known:
            near = get_close_matches(name, [*FIELDS, *known], 1)
            hint = f"; did you mean {near[0]}?" if near else "; `cdp attributes list` names the attributes"
            raise DestinationConfig(f"options: {name} is neither a field of a person nor an attribute{hint}")


def disable(connection: Connection, name: str, by: str = "system") -> None:
    """Send nothing more there; what was sent stays in the ledger."""
    found = by_name(connection, name)
    connection.execute(tables.destination.update().where(tables.destination.c.id == found.id).values(enabled=False, changed_by=by))


def by_name(connection: Connection, name: str) -> Destination:
    """The destination called `name`.

    Raises:
        UnknownDestination: there is none; lists those there are.
    """
    for found in destinations(connection):
        if found.name == name:
            return found
    known = ", ".join(found.name for found in destinations(connection))
    raise UnknownDestination(f"no destination is called {name!r}; there are: {known or 'none yet (cdp destinations add FILE)'}")


def destinations(connection: Connection) -> list[Destination]:
    """All destinations, by name."""
    table = tables.destination
    rows = connection.execute(select(table).order_by(table.c.name))
    return [Destination(row.id, row.name, row.document, row.enabled, row.changed_at) for row in rows]


def segment_id(connection: Connection, name: str) -> int:
    """The id of a segment.

    Raises:
        DestinationConfig: no segment has this name; lists those there are.
    """
    rows = connection.execute(select(segment.c.id, segment.c.name).where(segment.c.deleted_at.is_(None)).order_by(segment.c.name)).all()
    for row in rows:
        if row.name == name:
            return int(row.id)
    raise DestinationConfig(f"no segment is called {name!r}; there are: {', '.join(row.name for row in rows) or 'none yet'}")


def secret(value: str, where: str) -> str:
    """`value`, or what the environment variable holds that it names as `env:NAME`.

    Raises:
        DestinationConfig: the variable is not set.
    """
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    if name not in os.environ:
        raise DestinationConfig(f"{where} names the environment variable {name}, which is not set")
    return os.environ[name]
