"""A dotted path names a member of a JSON document; a number in it names an element of a list, and a member may itself contain dots."""

from __future__ import annotations

from typing import Any


def at(document: Any, path: str) -> Any:
    """What lies at `path`, or None. An empty path is the document."""
    if not path:
        return document
    if isinstance(document, dict) and path in document:
        return document[path]
    head, _, rest = path.partition(".")
    if isinstance(document, dict):
        return at(document[head], rest) if head in document else None
    if isinstance(document, list) and head.isdigit() and int(head) < len(document):
        return at(document[int(head)], rest)
    return None


def put(document: Any, path: str, value: Any) -> None:
    """Write `value` at `path`, making the objects on the way."""
    head, _, rest = path.partition(".")
    name: Any = int(head) if isinstance(document, list) else head
    if not rest:
        document[name] = value
        return
    if isinstance(document, dict) and not isinstance(document.get(head), (dict, list)):
        document[head] = {}
    put(document[name], rest, value)
