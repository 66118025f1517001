"""`/openapi.json`, and the same document as a page at `/docs`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template

from api.answers import answer
from api.openapi import Json, document
from api.operations import public

blueprint = Blueprint("reference", __name__)


def _document() -> Json:
    held: Json = current_app.extensions.setdefault("cdp.openapi", {})
    if not held:
        held.update(document(current_app))
    return held


@blueprint.get("/openapi.json")
@public(csrf=False)
def openapi() -> Any:
    """The OpenAPI 3.1 document."""
    return answer(_document())


@blueprint.get("/docs")
@public()
def page() -> Any:
    """The API for people: every operation with its parameters and answers."""
    whole = _document()
    groups: dict[str, list[Json]] = {}
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            tag = next(iter(operation.get("tags", ())), "other")
            groups.setdefault(tag, []).append({"path": path, "method": method.upper(), **operation})
    return render_template("reference.html", info=whole["info"], groups=groups, schemas=whole["components"]["schemas"])
