"""The golden document of a profile is a pure function of its records, their consents and the survivorship policy.

Contact points and identifiers are never chosen between: every one that any record gave is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cdp.profiles.survivorship import Policy, Statement

VALUES = (
    "full_name",
    "prefix",
    "given_name",
    "middle_name",
    "family_name",
    "suffix",
    "nickname",
    "organisation_name",
    "job_title",
    "birth_date",
    "death_date",
    "birth_place",
    "gender",
    "language",
)
"""Fields of a customer record that have one value on a profile."""

_ADDRESS = ("street", "house_number", "unit", "postal_code", "city", "region", "country")


@dataclass(frozen=True)
class StoredRecord:
    """A customer record as the database holds it."""

    id: int
    source: str
    stream: str
    source_key: str
    priority: int
    canonical: Mapping[str, Any]
    landed_at: datetime
    deleted: bool = False

    @property
    def at(self) -> str:
        """When the source last said so: its own time of change, else of creation, else when it landed."""
        said = self.canonical.get("updated_at") or self.canonical.get("created_at")
        return str(said) if said else self.landed_at.isoformat()


@dataclass(frozen=True)
class ConsentStatement:
    """One consent as one record carries it."""

    purpose: str
    state: str
    at: datetime
    source: str
    basis: str | None = None


def golden_document(records: Sequence[StoredRecord], consents: Iterable[ConsentStatement], policy: Policy) -> dict[str, Any]:
    """The document of `schemas/profile.schema.json`, without its `stats`.

    Records that were deleted in their source count only where no other is left.
    """
    living = [record for record in records if not record.deleted] or list(records)
    living = sorted(living, key=lambda r: (r.source, r.stream, r.source_key))
    return {
        "values": _values(living, policy),
        "contact": {
            "emails": _contact_points(living, "emails"),
            "phones": _contact_points(living, "phones"),
            "addresses": _addresses(living),
        },
        "identifiers": _identifiers(living),
        "consents": _consents(consents),
    }


def _values(records: Sequence[StoredRecord], policy: Policy) -> dict[str, Any]:
    statements: dict[str, list[Statement]] = {}
    for record in records:
        said = {name: record.canonical[name] for name in VALUES if record.canonical.get(name) is not None}
        if "given_name" in said and "family_name" in said:
            said.pop("full_name", None)  # its parts are chosen one by one; the order they were written in says nothing
        said |= {f"attributes.{name}": value for name, value in attributes_of(record.canonical).items() if value is not None}
        for name, value in said.items():
            statement = Statement(value, record.source, record.stream, record.source_key, record.at, record.priority)
            statements.setdefault(name, []).append(statement)
    return {name: policy.choose(name, found) for name, found in statements.items()}


def attributes_of(canonical: Mapping[str, Any]) -> Mapping[str, Any]:
    """The free attributes of a record, which its canonical document holds as JSON text."""
    held = canonical.get("attributes")
    value = json.loads(held) if isinstance(held, str) else held
    return value if isinstance(value, Mapping) else {}


def _gather(pairs: Iterable[tuple[Any, StoredRecord]]) -> list[tuple[Any, dict[str, Any]]]:
    """Distinct values with the sources that gave them and when; the last seen, then the most given, first."""
    held: dict[Any, list[StoredRecord]] = {}
    for value, record in pairs:
        held.setdefault(value, []).append(record)
    seen = [
        (value, {"sources": sorted({r.source for r in by}), "first_seen": min(r.at for r in by), "last_seen": max(r.at for r in by)})
        for value, by in held.items()
    ]
    seen.sort(key=lambda pair: str(pair[0]))
    seen.sort(key=lambda pair: (pair[1]["last_seen"], len(pair[1]["sources"])), reverse=True)
    return seen


def _contact_points(records: Sequence[StoredRecord], name: str) -> list[dict[str, Any]]:
    pairs = ((value, record) for record in records for value in record.canonical.get(name) or ())
    return [{"value": value} | seen for value, seen in _gather(pairs)]


def _addresses(records: Sequence[StoredRecord]) -> list[dict[str, Any]]:
    """Distinct addresses; one that says less of the same place (no region, say) counts as the one that says most."""
    said = [
        (tuple(address.get(part) for part in _ADDRESS), record) for record in records for address in record.canonical.get("addresses") or ()
    ]
    fullest = _fullest({parts for parts, _ in said})
    pairs = ((fullest[parts], record) for parts, record in said)
    return [
        {part: value for part, value in zip(_ADDRESS, parts, strict=True) if value is not None} | seen for parts, seen in _gather(pairs)
    ]


def _fullest(addresses: set[tuple[str | None, ...]]) -> dict[tuple[str | None, ...], tuple[str | None, ...]]:
    """Address -> the one address that says everything it says, in any case, and more; itself where none does or several do."""
    ordered = sorted(addresses, key=lambda parts: (-sum(part is not None for part in parts), str(parts)))
    found: dict[tuple[str | None, ...], tuple[str | None, ...]] = {}
    for place, parts in enumerate(ordered):
        within = [other for other in ordered[:place] if found[other] == other and _says(other, parts)]
        found[parts] = within[0] if len(within) == 1 and parts[0] is not None else parts
    return found


def _says(fuller: tuple[str | None, ...], parts: tuple[str | None, ...]) -> bool:
    return all(
        part is None or (other is not None and part.casefold() == other.casefold()) for other, part in zip(fuller, parts, strict=True)
    )


def _identifiers(records: Sequence[StoredRecord]) -> list[dict[str, Any]]:
    pairs = (((i["type"], i["value"]), record) for record in records for i in record.canonical.get("identifiers") or ())
    found = [{"type": kind, "value": value, "sources": seen["sources"]} for (kind, value), seen in _gather(pairs)]
    return sorted(found, key=lambda i: (i["type"], i["value"]))


def _consents(consents: Iterable[ConsentStatement]) -> dict[str, Any]:
    """By purpose the latest statement; of two at one time the one that denies."""
    latest: dict[str, ConsentStatement] = {}
    for said in consents:
        held = latest.get(said.purpose)
        if held is None or (said.at, said.state == "denied", said.source) > (held.at, held.state == "denied", held.source):
            latest[said.purpose] = said
    return {
        purpose: {"state": said.state, "at": said.at.isoformat(), "source": said.source, "basis": said.basis}
        for purpose, said in sorted(latest.items())
    }


def display_name(document: Mapping[str, Any]) -> str | None:
    """What to call the customer: the name, or the organisation's, or the first contact point."""
    values = {name: chosen["value"] for name, chosen in document["values"].items()}
    person = " ".join(str(values[part]) for part in ("given_name", "family_name") if values.get(part))
    if person and values.get("suffix"):
        person += f" {values['suffix']}"
    contact = document["contact"]
    points = [point["value"] for point in (*contact["emails"], *contact["phones"])]
    return person or values.get("full_name") or values.get("organisation_name") or values.get("nickname") or next(iter(points), None)
