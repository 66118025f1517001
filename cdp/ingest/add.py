"""A new source is understood from a sample of it: which connector reads it, what its fields seem to mean, and rows as they would become."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from cdp.ingest.connectors import NotSet, open_source
from cdp.ingest.definition import SourceDefinition
from cdp.records import Mapping as FieldMapping
from cdp.records import Proposal, propose
from cdp.records.source import ConfigError, Page, Source

_SQL = re.compile(r"^(postgresql|mysql|mariadb|sqlite|oracle|mssql)(\+\w+)?:")
SAMPLE = 2_000


@dataclass(frozen=True)
class SampledStream:
    """A stream with its first rows and the mapping proposed for it."""

    name: str
    rows: pa.Table | Sequence[Mapping[str, Any]]
    proposal: Proposal


def check_definition(definition: SourceDefinition) -> str | None:
    """Find what would stop the first sync before a definition takes the place of another; the source is not asked.

    Returns:
        What could not be looked at: an environment variable that is not set here.

    Raises:
        ConfigError: there is no such connector, a setting is missing or wrong, or there is no mapping.
        MappingError: the mapping cannot be used.
    """
    if definition.connector == "events":
        return None
    if not definition.mapping:
        show = f"`cdp connectors show {definition.connector}` prints the one that ships with a connector"
        raise ConfigError(f"source {definition.name}: no mapping, so nothing would be read. {show}; `cdp sources add FILE` proposes one")
    FieldMapping.load(definition.mapping)
    try:
        open_source(definition.name, definition.connector, definition.config)
    except NotSet as error:
        return str(error)
    return None


def guess_connector(location: str) -> tuple[str, dict[str, Any]]:
    """Connector and configuration for a path or URL: a database URL is read by `sql`, anything else by `files`."""
    if _SQL.match(location):
        if urlsplit(location).password:
            raise ConfigError(
                "the database URL holds a password, and what is registered is stored: put the URL into an environment variable "
                "and give it as env:NAME"
            )
        return "sql", {"url": location}
    if location.startswith("env:"):
        return "sql", {"url": location}
    if "://" not in location and not any(sign in location for sign in "*?[") and not Path(location).exists():
        raise ConfigError(f"{location}: no such file or folder")
    return "files", {"path": location if "://" in location else str(Path(location).resolve())}


def guess_name(location: str) -> str:
    """A source name out of a path or URL."""
    stem = re.split(r"[/\\]", location.rstrip("/\\"))[-1].split(".")[0] if not location.startswith("env:") else location[4:]
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:60]
    return name if name[:1].isalpha() else f"source_{name}".rstrip("_")


def sample_streams(source: Source, country: str | None = None, default_country: str | None = None) -> list[SampledStream]:
    """The first rows of every stream, and the mapping they suggest (see `propose`); a stream without a row is left out."""
    found = []
    for stream in source.streams():
        page: Page | None = next((p for p in source.read(stream.name) if len(p.rows)), None)
        if page is not None:
            rows = page.rows.slice(0, SAMPLE) if isinstance(page.rows, pa.Table) else page.rows[:SAMPLE]
            found.append(SampledStream(stream.name, rows, propose(rows, default_country, stream.name, country=country)))
    return found


def propose_source(
    location: str, name: str | None, department: str | None, country: str | None, default_country: str | None
) -> tuple[SourceDefinition, list[SampledStream]]:
    """A definition for what lies at `location`, with the mapping proposed from a sample.

    Args:
        country: where its customers live (alpha-2); None where the sample shall tell, or else is that of `default_country`.

    Raises:
        SourceError: nothing readable is there.
    """
    connector, config = guess_connector(location)
    name = name or guess_name(location)
    definition = SourceDefinition.of({"name": name, "connector": connector, "config": config, "department": department or name})
    streams = sample_streams(open_source(name, connector, config), country, default_country)
    if not streams:
        raise ConfigError(f"{location} has no row to learn from; add the source once it has one")
    mapping = {"streams": {stream.name: stream.proposal.mapping for stream in streams}}
    return replace(definition, mapping=mapping), streams
