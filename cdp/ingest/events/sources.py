"""What processing needs to know of a source that sends events: its id space, its mapping, its plan; read once for each batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, Row, text

from cdp.ingest.events.plans import Plan, compiled
from cdp.ingest.events.visitors import PEOPLE, default_mapping, id_types
from cdp.ingest.stream import defaults_of
from cdp.records import Defaults, StreamMapping
from cdp.records import Mapping as RecordsMapping
from cdp.settings import Settings


@dataclass(frozen=True)
class Sender:
    """A source that sends events.

    Attributes:
        id_types: of its id space; None where the source maps people in a way of its own.
    """

    id: int
    name: str
    mapping: RecordsMapping
    id_types: Mapping[str, str] | None
    defaults: Defaults
    plan: Plan
    kinds: Mapping[str, str]
    own: Mapping[str, Any]

    @property
    def currency(self) -> str:
        """Of amounts that name none."""
        return self.defaults.currency or "USD"

    def stream(self, name: str) -> StreamMapping:
        """How rows of a webhook's stream are mapped.

        Raises:
            PlatformError: the source has no mapping for it.
        """
        return RecordsMapping.load(self.own).stream(name)


def senders(connection: Connection, settings: Settings, ids: Collection[int]) -> dict[int, Sender]:
    """The sources with these ids."""
    rows = connection.execute(
        text(
            """select s.id, s.name, s.department, s.config, s.mapping, p.document as plan from source s
               left join tracking_plan p on p.source_id = s.id where s.id = any(:ids)"""
        ),
        {"ids": list(ids)},
    )
    return {row.id: _sender(row, settings) for row in rows}


def _sender(row: Row[Any], settings: Settings) -> Sender:
    space = str(row.config.get("id_space") or row.department)
    return Sender(
        row.id,
        row.name,
        _mapping(space, orjson.dumps(row.mapping)),
        None if PEOPLE in (row.mapping.get("streams") or {}) else id_types(space),
        defaults_of(settings),
        compiled(row.plan),
        row.config.get("kinds") or {},
        row.mapping,
    )


@lru_cache(maxsize=256)
def _mapping(space: str, own: bytes) -> RecordsMapping:
    """The mapping of the published traits, with what the source maps otherwise."""
    document: dict[str, Any] = default_mapping(space)
    given = orjson.loads(own)
    document["streams"] |= given.get("streams") or {}
    return RecordsMapping.load(document | {name: given[name] for name in ("country", "currency", "timezone") if name in given})
