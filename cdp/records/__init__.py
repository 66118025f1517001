"""Customer records and interactions: what they are, what a source's fields mean, and the standard form of their values."""

from cdp.records.batch import MappedBatch, RefusedRow, map_batch
from cdp.records.canonical import canonical_json, from_canonical
from cdp.records.columns import Defaults
from cdp.records.mapping import Mapping, MappingError, StreamMapping

__all__ = [
    "Defaults",
    "MappedBatch",
    "Mapping",
    "MappingError",
    "RefusedRow",
    "StreamMapping",
    "canonical_json",
    "from_canonical",
    "map_batch",
]
