"""Connectors are found by entry point and opened with their secrets resolved; nothing here knows a particular one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

import jsonschema

from cdp.records.source import ConfigError, Source
from cdp.settings import load

GROUP = "cdp.connectors"


class NotSet(ConfigError):
    """An environment variable that the configuration names is not set."""


def available() -> list[str]:
    """Names of the connectors that are installed."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def connector(name: str) -> type[Source]:
    """The connector class of this name.

    Raises:
        ConfigError: none is installed under it.
    """
    for point in entry_points(group=GROUP):
        if point.name == name:
            found: type[Source] = point.load()
            return found
    raise ConfigError(f"no connector is called {name!r}; installed are: {', '.join(available())}")


def _resolve(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolve(member, f"{where}.{key}") for key, member in value.items()}
    if isinstance(value, list):
        return [_resolve(member, where) for member in value]
    if isinstance(value, str) and value.startswith("env:"):
        variable = value.removeprefix("env:")
        if variable not in os.environ:
            raise NotSet(f"{where} names the environment variable {variable}, which is not set")
        return os.environ[variable]
    return value


def _reason(error: jsonschema.ValidationError) -> str:
    """The reason without the value, which may be a secret."""
    if error.validator in ("required", "additionalProperties", "unevaluatedProperties"):
        return str(error.message)
    return f"the value must meet {error.validator}: {error.validator_value}"


def _under_home(kind: type[Source]) -> dict[str, str]:
    """Folders that a connector keeps (members of its schema with `x-under-home`), each under the home of the platform."""
    folders = {name: spec["x-under-home"] for name, spec in kind.config_schema.get("properties", {}).items() if "x-under-home" in spec}
    return {name: str(load().home / folder) for name, folder in folders.items()} if folders else {}


def open_source(name: str, connector_name: str, config: Mapping[str, Any]) -> Source:
    """The source `name`, ready to be read.

    Raises:
        ConfigError: its configuration does not meet the connector's schema.
        NotSet: it names a variable that is not set.
    """
    kind = connector(connector_name)
    resolved = _under_home(kind) | _resolve(config, f"source {name}, config")
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(kind.config_schema).iter_errors(resolved))
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path)
        raise ConfigError(f"source {name}, config{'.' + place if place else ''}: {_reason(error)}")
    return kind(resolved)
