"""What a customer record and an interaction are, and how the rows of a source become them.

The names below are the room; each is imported when first asked for, so a connector that needs `cdp.records.source` loads nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdp.records.batch import MappedBatch, RefusedRow, map_batch, source_keys
    from cdp.records.canonical import canonical_json
    from cdp.records.columns import Defaults
    from cdp.records.documents import from_canonical, invalid_documents
    from cdp.records.mapping import Mapping, MappingError, RecordMapping, StreamMapping
    from cdp.records.model import CUSTOMER, INTERACTION
    from cdp.records.proposal import FieldGuess, Proposal, preview, propose

_HOMES = {
    "batch": ("MappedBatch", "RefusedRow", "map_batch", "source_keys"),
    "canonical": ("canonical_json",),
    "columns": ("Defaults",),
    "documents": ("from_canonical", "invalid_documents"),
    "mapping": ("Mapping", "MappingError", "RecordMapping", "StreamMapping"),
    "model": ("CUSTOMER", "INTERACTION"),
    "proposal": ("FieldGuess", "Proposal", "preview", "propose"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CUSTOMER",
    "INTERACTION",
    "Defaults",
    "FieldGuess",
    "MappedBatch",
    "Mapping",
    "MappingError",
    "Proposal",
    "RecordMapping",
    "RefusedRow",
    "StreamMapping",
    "canonical_json",
    "from_canonical",
    "invalid_documents",
    "map_batch",
    "preview",
    "propose",
    "source_keys",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
