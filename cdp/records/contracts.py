"""A document that does not meet its schema is refused with the place, the reason and what is allowed there."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

import schemas
from cdp.errors import PlatformError


class DocumentError(PlatformError):
    """A document breaks its contract: correct it at the place named."""


@cache
def validator(name: str) -> Validator:
    """A validator of `schemas/NAME.schema.json`."""
    schema = schemas.load(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def check(document: Any, name: str, where: str) -> None:
    """Check `document` against the schema `name`; `where` says in the message what it is.

    Raises:
        DocumentError: names the first place that is wrong; a wrong member of `oneOf` is reported where it comes closest.
    """
    error = jsonschema.exceptions.best_match(validator(name).iter_errors(document))
    if error is None:
        return
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    raise DocumentError(f"{where}{' at ' + place if place else ''}: {error.message}")
