"""The OpenAPI document is assembled from the routes and from `schemas/`: what they declare is in it, and nothing else can be."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

import schemas
from api.operations import Operation, requirement_of
from cdp import __version__

Json = dict[str, Any]
_CONVERTER = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_PATH_SCHEMA: dict[str, Json] = {"uuid": {"type": "string", "format": "uuid"}, "int": {"type": "integer"}}

SECURITY: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, as `cdp keys create` prints it."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in a header of its own."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "cdp_session",
        "description": "The session of the page; changes also need `X-CSRF-Token`.",
    },
    "write_key": {"type": "http", "scheme": "basic", "description": "The write key of a tracking source as the user name."},
}


def operations(app: Flask) -> Iterator[tuple[Rule, str, Operation, Callable[..., Any]]]:
    """Every REST route: its rule, method, declaration and function."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        function = app.view_functions[rule.endpoint]
        declared = requirement_of(function)
        if isinstance(declared, Operation):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method.lower(), declared, function


def path_of(rule: Rule) -> str:
    """The rule as OpenAPI writes paths."""
    return _CONVERTER.sub(lambda match: "{" + match["name"] + "}", rule.rule)


def names_in(path: str) -> list[str]:
    """Names of the parameters in a path of the document."""
    return re.findall(r"{(\w+)}", path)


def document(app: Flask) -> Json:
    """The OpenAPI 3.1 document of `app`."""
    paths: dict[str, Json] = {}
    used: set[str] = {"problem"}
    for rule, method, declared, function in operations(app):
        paths.setdefault(path_of(rule), {})[method] = _operation(rule, method, declared, function)
        used |= {name.partition(".")[0] for name in (declared.answer, declared.body) if name}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Customer data platform",
            "version": __version__,
            "description": "Who is who, everything that happened, and who may see it. Times are UTC (RFC 3339), amounts decimal strings.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": components(used), "securitySchemes": SECURITY},
    }


def _operation(rule: Rule, method: str, declared: Operation, function: Callable[..., Any]) -> Json:
    path = [
        {"name": match["name"], "in": "path", "required": True, "schema": _PATH_SCHEMA.get(match["kind"] or "", {"type": "string"})}
        for match in _CONVERTER.finditer(rule.rule)
    ]
    query: list[Json] = [
        {"name": q.name, "in": "query", "required": q.required, "description": q.description, "schema": q.schema()} for q in declared.query
    ]
    written: Json = {
        "operationId": f"{method}_{rule.endpoint.replace('.', '_')}",
        "summary": declared.summary,
        "description": declared.description or inspect.cleandoc(function.__doc__ or ""),
        "parameters": path + query,
        "responses": _responses(declared, bool(path)),
        "security": [{name: []} for name in declared.security],
    }
    if declared.tag:
        written["tags"] = [declared.tag]
    if declared.action:
        written["x-action"] = declared.action
    if declared.body:
        written["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(declared.body)}}}
    return written


def _responses(declared: Operation, has_path: bool) -> Json:
    content: Json = {}
    if declared.answer is not None:
        content = {"content": {"application/json": {"schema": _ref(declared.answer)}}}
    elif declared.media is not None:
        content = {"content": {declared.media: {"schema": {"type": "string"}}}}
    found: Json = {str(declared.status): {"description": HTTPStatus(declared.status).phrase, **content}}
    statuses = {
        *declared.problems,
        *((404,) if has_path else ()),
        *((401,) if declared.security else ()),
        *((403,) if declared.action else ()),
    }
    problem = {"content": {"application/problem+json": {"schema": _ref("problem")}}}
    return found | {str(status): {"description": HTTPStatus(status).phrase, **problem} for status in sorted(statuses)}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def components(used: set[str]) -> Json:
    """The named schemas and all that they refer to; `FILE` and, for its definitions, `FILE.DEFINITION`."""
    found: Json = {}
    waiting = sorted(used)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        source = schemas.load(name)
        for part, schema in [(name, source), *((f"{name}.{key}", value) for key, value in source.get("$defs", {}).items())]:
            found[part] = _rewritten(schema, name, waiting)
    return dict(sorted(found.items()))


def _rewritten(node: Any, file: str, waiting: list[str]) -> Any:
    """`node` with each reference pointing into the components; files that it names are put on the list."""
    if isinstance(node, list):
        return [_rewritten(item, file, waiting) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _rewritten(value, file, waiting) for key, value in node.items() if key not in ("$id", "$schema", "$defs", "$ref")}
    if isinstance(target := node.get("$ref"), str):
        kept["$ref"] = _component(target, file, waiting)
    return kept


def _component(target: str, file: str, waiting: list[str]) -> str:
    name, _, pointer = target.partition("#")
    other = name.rpartition("/")[2].removesuffix(".schema.json") or file
    waiting.append(other)
    return f"#/components/schemas/{other}" + (f".{pointer.removeprefix('/$defs/')}" if pointer else "")
