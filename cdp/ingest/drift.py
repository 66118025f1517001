"""A field that appears is noted; a mapped field that changes its type stops its stream, before anything wrong is landed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from cdp.records.source import ContractError

_DEPTH = 4


class Fields(NamedTuple):
    """Dotted path -> type of every field that a stream ever had, and the paths that these rows have."""

    known: dict[str, str]
    here: frozenset[str]


def note_fields(known: Mapping[str, str], rows: pa.Table | Sequence[Mapping[str, Any]], mapped: Collection[str], where: str) -> Fields:
    """`known` (dotted path -> type) with the fields of `rows` added.

    Types are string, number, boolean, time, object, array; a field that had several from the start is `mixed`, and one that was always
    empty has none yet (an empty text: vendors write `""` and `[]` for whatever has no value).

    Raises:
        ContractError: a field that the mapping uses had another type until now.
    """
    seen = _of_schema(rows.schema) if isinstance(rows, pa.Table) else _of_objects(rows)
    result = dict(known)
    for path, kind in seen.items():
        before = known.get(path)
        if not before:
            result[path] = kind
        elif not kind or before in (kind, "mixed"):
            continue
        elif path in mapped:
            raise ContractError(
                f"{where}the field {path!r}, which the mapping uses, was {before} and is now {kind}. Nothing of this page was taken; "
                "correct the source, or change the mapping and sync again."
            )
        else:
            result[path] = kind
    return Fields(result, frozenset(seen))


def _of_schema(schema: pa.Schema) -> dict[str, str]:
    return {field.name: _arrow_kind(field.type) for field in schema if not pa.types.is_null(field.type)}


def _arrow_kind(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _arrow_kind(kind.value_type)
    checks = (
        ("boolean", pa.types.is_boolean),
        ("number", lambda t: pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t)),
        ("time", pa.types.is_temporal),
        ("array", lambda t: pa.types.is_list(t) or pa.types.is_large_list(t)),
        ("object", lambda t: pa.types.is_struct(t) or pa.types.is_map(t)),
    )
    return next((name for name, check in checks if check(kind)), "string")


def _of_objects(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    seen: dict[str, str] = {}
    for row in rows:
        for path, kind in _walk(row, "", 1):
            before = seen.get(path)
            if not before:
                seen[path] = kind
            elif kind and before != kind:
                seen[path] = "mixed"
    return seen


def _walk(row: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        path = f"{prefix}{name}"
        if value is None:
            continue
        if isinstance(value, Mapping):
            yield path, "object"
            if depth < _DEPTH:
                yield from _walk(value, f"{path}.", depth + 1)
        else:
            yield path, _json_kind(value)


def _json_kind(value: Any) -> str:
    if value in ("", []):
        return ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "string"
