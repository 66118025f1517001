"""What a mapping reads of a row: its key, before anything else is mapped, and which of its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from cdp.records import Defaults, RecordMapping, StreamMapping, source_keys


def keys_of(rows: pa.Table | Sequence[Mapping[str, Any]], mapping: StreamMapping, defaults: Defaults) -> pa.Array:
    """The source key of each row, null where it has none."""
    keys = source_keys(rows, mapping, defaults)
    return keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys


def _records(mapping: StreamMapping) -> list[RecordMapping]:
    return [record for record in (mapping.customer, mapping.interaction) if record is not None]


def mapped_paths(mapping: StreamMapping) -> frozenset[str]:
    """Dotted paths of the fields that the mapping reads; those of list elements count as their list."""
    return frozenset(path.split("[]")[0] for record in _records(mapping) for path in record.paths())


def unmapped(fields: Mapping[str, str], mapping: StreamMapping) -> list[str]:
    """Fields that the source has and the mapping does not read; none where it takes everything."""
    if any(record.everything for record in _records(mapping)):
        return []
    mapped = mapped_paths(mapping)
    parents = {path.rsplit(".", depth)[0] for path in mapped for depth in range(1, path.count(".") + 1)}
    return sorted(f for f in fields if f not in mapped and f not in parents and not any(f.startswith(f"{path}.") for path in mapped))
