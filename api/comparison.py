"""Records side by side: one row a field, one cell a record, and where the records that speak of a field do not agree it is marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.templating import address_line, text_of

ORDER = (
    *("full_name", "prefix", "given_name", "middle_name", "family_name", "suffix", "nickname", "former_names"),
    *("organisation_name", "job_title", "birth_date", "death_date", "birth_place", "gender"),
    *("emails", "phones", "addresses", "identifiers", "language", "consents", "created_at", "updated_at"),
)
_NOT_COMPARED = frozenset({"source_key", "kind", "issues", "attributes"})
_NEVER_MARKED = frozenset({"created_at", "updated_at", "consents"})


@dataclass(frozen=True)
class Cell:
    """What one record says of a field, line by line; `marks` says of each line whether the others say otherwise."""

    lines: tuple[str, ...]
    marks: tuple[bool, ...]


@dataclass(frozen=True)
class FieldRow:
    """A field over all records."""

    field: str
    cells: tuple[Cell, ...]
    differs: bool


def compare(records: Sequence[Mapping[str, Any]]) -> list[FieldRow]:
    """A row for each field that any record has, in the order people read them."""
    flat = [_flat(record["canonical"]) for record in records]
    fields = sorted({name for document in flat for name in document}, key=lambda name: (rank(name), name))
    return [_row(name, [document.get(name, ()) for document in flat]) for name in fields]


def rank(name: str) -> int:
    """Where a field stands among the fields; those that nobody placed come last."""
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _flat(canonical: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = {name: _lines(name, value) for name, value in canonical.items() if name not in _NOT_COMPARED}
    found |= {f"attributes.{name}": _lines(name, value) for name, value in (canonical.get("attributes") or {}).items()}
    return {name: lines for name, lines in found.items() if lines}


def _lines(name: str, value: Any) -> tuple[str, ...]:
    if name == "addresses":
        return tuple(address_line(address) for address in value)
    if name == "identifiers":
        return tuple(f"{item['type']} {item['value']}" for item in value)
    if name == "consents":
        return tuple(f"{item['purpose']}: {item['state']}" for item in value)
    if name in ("created_at", "updated_at"):
        return (str(value)[:10],)
    if isinstance(value, list):
        return tuple(text_of(item) for item in value)
    text = text_of(value)
    return (text,) if text else ()


def _row(name: str, lines: Sequence[tuple[str, ...]]) -> FieldRow:
    """A line is marked where not every record that speaks of the field says it, save the one most say; case and spacing do not count."""
    said = Counter(same for cell in lines for same in {_same(line) for line in cell})
    speaking = sum(1 for cell in lines if cell)
    (most, top), *rest = said.most_common(2)
    alone = not rest or rest[0][1] < top
    agreed = {same for same, count in said.items() if count == speaking or (alone and same == most)}
    compared = name not in _NEVER_MARKED
    cells = tuple(Cell(cell, tuple(compared and _same(line) not in agreed for line in cell)) for cell in lines)
    return FieldRow(name, cells, any(any(cell.marks) for cell in cells))


def _same(line: str) -> str:
    return " ".join(line.casefold().split())
