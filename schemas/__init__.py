"""The contracts of every document that crosses a boundary: JSON Schema 2020-12, one file each, `NAME.schema.json`."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """The schema `NAME.schema.json`."""
    document: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.schema.json").read_text("utf-8"))
    return document


def names() -> list[str]:
    """Names of all schemas there are."""
    return sorted(path.name.removesuffix(".schema.json") for path in files(__name__).iterdir() if path.name.endswith(".schema.json"))
