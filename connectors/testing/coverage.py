"""A mapping is shipped beside its connector as `mapping.json`, and what it leaves out is known, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

from cdp.records.mapping import Mapping as FieldMapping
from connectors.contract import ConfigError
from connectors.testing.clock import ManualClock
from connectors.testing.system import System


def mapping_of(kind: Any) -> dict[str, Any]:
    """The mapping that ships with a connector, checked.

    Raises:
        ConfigError: it ships none.
        MappingError: it is not valid.
    """
    try:
        text = resources.files(kind.__module__).joinpath("mapping.json").read_text("utf-8")
    except (FileNotFoundError, TypeError):
        raise ConfigError(f"{kind.__module__} ships no mapping: `cdp sources add` proposes one from a sample") from None
    document: dict[str, Any] = json.loads(text)
    FieldMapping.load(document)
    return document


def unmapped(kind: Any, makes: type[System]) -> dict[str, list[str]]:
    """Stream -> paths of fields that a row of the fake has and the shipped mapping does not name; nothing where none is shipped."""
    try:
        streams = mapping_of(kind)["streams"]
    except ConfigError:
        return {}
    fake = makes(ManualClock())
    found: dict[str, list[str]] = {}
    for stream in makes.streams:
        fake.put(stream, "1")
        named = set(_named(streams.get(stream, {})))
        wholly = any("*" in (part or {}).get(extra, "") for part, extra in _extras(streams.get(stream, {})))
        rows = fake.truth(stream).values()
        paths = sorted({path for row in rows for path in _leaves(row, "")})
        found[stream] = [] if wholly else [path for path in paths if not _is_named(path, named)]
    return found


def _extras(stream: dict[str, Any]) -> Iterator[tuple[dict[str, Any] | None, str]]:
    yield stream.get("customer"), "attributes"
    yield stream.get("interaction"), "properties"


def _is_named(path: str, named: set[str]) -> bool:
    """A path is named itself, by what it lies in or (if it is empty) what could lie in it, or as the end of a path in a list (`each`)."""
    plain = path.replace("[]", "")
    return any(
        plain == name or plain.startswith(f"{name}.") or name.startswith(f"{plain}.") or plain.endswith(f".{name}") for name in named
    )


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.replace("[]", "")
    elif isinstance(value, dict):
        for name, member in value.items():
            if name not in ("const", "values", "default", "format", "timezone", "country", "description"):
                yield from _named(member)
    elif isinstance(value, list):
        for member in value:
            yield from _named(member)


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for member in value:
            yield from _leaves(member, f"{path}[]")
    else:
        yield path
