"""One-line builders for sources made of small files."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from cdp.ingest.definition import SourceDefinition, register
from cdp.ingest.sync import SyncReport, sync
from cdp.settings import Settings

PEOPLE = {
    "streams": {
        "people": {
            "customer": {
                "source_key": "id",
                "given_name": {"field": "first", "optional": True},
                "family_name": {"field": "last", "optional": True},
                "birth_date": {"field": "born", "optional": True},
                "emails": {"field": "email", "optional": True},
                "phones": {"field": "phone", "optional": True},
            }
        }
    }
}
ORDERS = {
    "streams": {
        "orders": {
            "interaction": {
                "source_key": "id",
                "customer_key": "customer",
                "kind": {"const": "order"},
                "at": "at",
                "amount": "total",
                "currency": {"const": "EUR"},
            }
        }
    }
}


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A CSV file of `rows`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A JSON Lines file of `rows`."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def add_source(engine: Engine, path: Path, mapping: Mapping[str, Any] = PEOPLE, name: str = "crm", **more: Any) -> None:
    """Register `path` as a source of files; a file is the stream that the mapping names."""
    config = {"path": str(path)} if path.is_dir() else {"streams": {next(iter(mapping["streams"])): str(path)}}
    document = {"name": name, "connector": "files", "config": config, "mapping": mapping, **more}
    with engine.begin() as connection:
        register(connection, SourceDefinition.of(document))


def sync_all(engine: Engine, settings: Settings) -> SyncReport:
    """Sync every source in this process."""
    from dataclasses import replace

    return sync(engine, replace(settings, workers=1))


def rows(engine: Engine, query: str, **params: Any) -> list[Any]:
    """Rows of a query."""
    with engine.connect() as connection:
        return list(connection.execute(text(query), params))
