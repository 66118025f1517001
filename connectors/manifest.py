"""A manifest is a REST source as JSON: the same dataclasses, member by member, without expressions or templates.

What a manifest cannot say is written in Python, as a subclass of `RestSource`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from connectors import auth, paging, since
from connectors.contract import ConfigError
from connectors.http import Clock, Limits, Rules
from connectors.rest import RestSource, RestStream, schema_of

KINDS: Mapping[str, type[Any]] = {
    "none": auth.NoAuth,
    "bearer": auth.Bearer,
    "header": auth.Header,
    "basic": auth.Basic,
    "oauth2": auth.OAuth2,
    "single": paging.SinglePage,
    "cursor": paging.CursorPaging,
    "link": paging.LinkPaging,
    "number": paging.NumberPaging,
    "after_key": paging.AfterKeyPaging,
    "param": since.SinceParam,
    "text": since.SinceText,
}
"""Value of the member `kind` -> what it makes."""


def load(document: Mapping[str, Any]) -> type[RestSource]:
    """A connector class out of a manifest.

    Raises:
        ConfigError: the manifest does not meet `schemas/connector.schema.json`; the text names the place.
    """
    error = best_match(_validator().iter_errors(document))
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path) or "the document"
        raise ConfigError(f"manifest, {place}: {_reason(error)}")
    names = [stream["name"] for stream in document["streams"]]
    if len(set(names)) < len(names):
        raise ConfigError(f"manifest, streams: two are called {next(name for name in names if names.count(name) > 1)!r}")
    limits = document.get("limits")
    members: dict[str, Any] = {
        "__doc__": document.get("description", ""),
        "vendor": document["name"],
        "base_url": document.get("base_url", ""),
        "auth": _built(document.get("auth", {"kind": "none"}), None),
        "limits": _built(limits, Limits) if limits else None,
        "rules": _built(document.get("rules", {}), Rules),
        "declared": tuple(_built(stream, RestStream) for stream in document["streams"]),
        "settings": document.get("settings", {}),
    }
    return type(document["name"], (RestSource,), members)


def _reason(error: ValidationError) -> str:
    """What is wrong; of a choice between kinds, with the kind that is meant."""
    if error.validator not in ("oneOf", "anyOf") or not isinstance(error.instance, dict):
        return str(error.message)
    kinds = {branch["properties"]["kind"]["const"]: number for number, branch in enumerate(error.validator_value)}
    kind = error.instance.get("kind")
    if kind not in kinds:
        return f"its kind is {kind!r}; there are {', '.join(kinds)}"
    own = best_match(each for each in error.context if each.relative_schema_path[0] == kinds[kind])
    return f"{kind}: {own.message}" if own else str(error.message)


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(resources.files("schemas").joinpath("connector.schema.json").read_text("utf-8")))


def _built(document: Any, wanted: Any) -> Any:
    """An object of the class that `kind` names, or of the one that the member is declared with."""
    made: type[Any] = wanted if isinstance(wanted, type) and is_dataclass(wanted) else KINDS[document["kind"]]
    hints = _hints(made)  # type: ignore[arg-type]  # a class is hashable
    values: dict[str, Any] = {}
    for member in fields(made):
        if member.name in document:
            values[member.name] = _value(document[member.name], hints[member.name])
        elif member.default is MISSING and member.default_factory is MISSING:
            raise ConfigError(f"manifest: {document.get('kind') or made.__name__} lacks {member.name!r}")
    unknown = set(document) - {member.name for member in fields(made)} - {"kind"}
    if unknown:
        raise ConfigError(f"manifest: {document.get('kind') or made.__name__} has no member {', '.join(sorted(unknown))}")
    return made(**values)


@cache
def _hints(made: type[Any]) -> dict[str, Any]:
    return get_type_hints(made)


def _value(value: Any, hint: Any) -> Any:
    kinds = [kind for kind in (hint, *get_args(hint)) if is_dataclass(kind)]
    if isinstance(value, dict) and "kind" in value and value["kind"] in KINDS:
        return _built(value, None)
    if isinstance(value, dict) and kinds:
        return _built(value, kinds[0])
    if isinstance(value, list):
        if "frozenset" in str(hint):
            return frozenset(value)
        return tuple(tuple(item) if isinstance(item, list) else item for item in value) if "tuple" in str(hint) else value
    return value


class ManifestSource:
    """Any REST source that a manifest describes: `{"manifest": path or document, …}` and the settings that the manifest asks for."""

    config_schema: ClassVar[Mapping[str, Any]] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"manifest": {"type": ["string", "object"], "description": "path of the manifest, or the manifest itself"}},
        "required": ["manifest"],
        "additionalProperties": {"type": ["string", "number", "boolean", "array", "object"]},
    }

    def __new__(cls, config: Mapping[str, Any], *, clock: Clock | None = None) -> Any:
        """The source that the manifest describes.

        Raises:
            ConfigError: there is no such file, it is no manifest, or a setting is missing.
        """
        kind = load(_document(config["manifest"]))
        settings = {name: value for name, value in config.items() if name != "manifest"}
        error = best_match(Draft202012Validator(schema_of(kind.auth, bool(kind.base_url), kind.settings)).iter_errors(settings))
        if error is not None:
            place = ".".join(str(part) for part in error.absolute_path)
            reason = error.message if error.validator in ("required", "additionalProperties") else f"must meet {error.validator}"
            raise ConfigError(f"config of {kind.vendor}{', ' + place if place else ''}: {reason}")
        return kind(settings, clock=clock)


def _document(manifest: Any) -> Mapping[str, Any]:
    if isinstance(manifest, Mapping):
        return manifest
    try:
        document: Mapping[str, Any] = json.loads(Path(manifest).read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{manifest}: the manifest cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ConfigError(f"{manifest}: the manifest is no JSON ({error})") from None
    return document
