"""What a delivery sends, in the order in which it may be sent: a pure reading of the audience, portion by portion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.activation.audience import Audience
from cdp.activation.channels import Change, Rows
from cdp.activation.columns import flat, present
from cdp.activation.definition import Destination
from cdp.activation.formats import Columns, Formatted
from cdp.activation.record import DIVIDER, Entries

Fails = Callable[[pa.Array, pa.Array], None]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Step:
    """Rows of one change, with what the journal needs beside them."""

    rows: Rows
    entries: Entries


def steps(audience: Audience, fails: Fails) -> Iterator[Step]:
    """Removals first, since a platform knows an identity and not a person: what is added afterwards stays.

    Who is to be added or changed is read twice where somebody is there already: an address of the last may pass to one of the first.

    Args:
        fails: told the profiles of a portion and why the destination could not use them, or null.
    """
    destination = audience.destination
    for portion in audience.leaving():
        yield from _removals(destination, portion)
    gone: list[str] = []
    moved: list[str] = []
    later: list[str] = []
    for people in audience.candidates():
        portion = _Portion.of(people, destination)
        fails(portion.profiles, portion.formatted.problem)
        yield from portion.unchanged()
        if audience.counts.present:
            gone += portion.ids(portion.known & ~portion.good)
            moved += portion.ids(portion.moved)
            later += portion.ids(portion.coming)
        else:
            yield from portion.sent()
    if gone or moved:
        forget = frozenset(gone)
        for portion in audience.moving([*gone, *moved]):
            left = np.array([id in forget for id in portion["profile_id"].to_pylist()], bool)
            for mask, forgotten in ((left, True), (~left, False)):
                yield from _removals(destination, portion.filter(pa.array(mask)), forget=forgotten)
    if later:
        for people in audience.candidates(later):
            yield from _Portion.of(people, destination).sent()


@dataclass(frozen=True)
class _Portion:
    """Candidates as the destination takes them, with masks: usable, at the destination, there as they are, there under another identity."""

    people: pa.Table
    formatted: Formatted
    fingerprint: pa.Array
    identity: pa.Array
    good: Mask
    known: Mask
    same: Mask
    moved: Mask

    @classmethod
    def of(cls, people: pa.Table, destination: Destination) -> _Portion:
        formatted = destination.format.make(people, destination.options)
        fingerprint, identity = _fingerprints(formatted.columns), _identity(formatted)
        good, known = np.asarray(pc.is_null(formatted.problem)), np.asarray(pc.is_valid(flat(people["fingerprint"])))
        same = known & good & np.asarray(pc.fill_null(pc.equal(fingerprint, flat(people["fingerprint"])), False))
        moved = known & good & np.asarray(pc.fill_null(pc.not_equal(identity, flat(people["identity"])), False))
        return cls(people, formatted, fingerprint, identity, good, known, same, moved)

    @property
    def profiles(self) -> pa.Array:
        """Their ids."""
        return flat(self.people["profile_id"])

    @property
    def coming(self) -> Mask:
        """Who is to be added or changed."""
        return np.asarray(self.good & ~self.same)

    def ids(self, mask: Mask) -> list[str]:
        """Those of some."""
        found: list[str] = self.profiles.filter(pa.array(mask)).to_pylist()
        return found

    def unchanged(self) -> Iterator[Step]:
        """Those who are there as they are: they are only looked at."""
        looked = self.ids(self.same)
        if looked:
            yield Step(Rows(Change.UPDATED, looked, ()), Entries(fields=np.zeros(len(looked), dtype=np.int64), quiet=True))

    def sent(self) -> Iterator[Step]:
        """Additions and changes."""
        for change, mask in ((Change.ADDED, self.coming & ~self.known), (Change.UPDATED, self.coming & self.known)):
            if mask.any():
                picked = pa.array(mask)
                columns = tuple((header, column.filter(picked)) for header, column in self.formatted.columns)
                entries = Entries(
                    fields=present([column for _, column in columns]),
                    fingerprint=self.fingerprint.filter(picked),
                    identity=self.identity.filter(picked),
                    consent_at=flat(self.people["consent_at"]).filter(picked),
                    consent_source=flat(self.people["consent_source"]).filter(picked),
                )
                yield Step(Rows(change, self.ids(mask), columns), entries)


def _removals(destination: Destination, people: pa.Table, *, forget: bool = True) -> Iterator[Step]:
    """Removals by what was sent and nobody else there has; where nothing of it is left, nothing is sent and the person is forgotten.

    A place that knows people by their ids hears of each.

    Args:
        forget: the person is not there afterwards; False where the new row follows.
    """
    headers, keys = destination.headers, destination.keys
    kept = np.asarray(pc.equal(flat(people["shared"]), "t")) & (not destination.by_person)
    for quiet in (False, True):
        mask = pa.array(kept if quiet else ~kept)
        ids = flat(people["profile_id"]).filter(mask).to_pylist()
        if not ids:
            continue
        parts = [value.split(DIVIDER) for value in flat(pc.fill_null(people["left_over"], "")).filter(mask).to_pylist()]
        columns = tuple(
            (headers[key], pa.array([(part[n] if n < len(part) else None) or None for part in parts], pa.string()))
            for n, key in enumerate(keys)
        )
        bits = present([column for _, column in columns])
        entries = Entries(fields=_spread(bits, keys), forget=forget, quiet=quiet)
        yield Step(Rows(Change.REMOVED, ids, columns), entries)


def _spread(bits: np.ndarray[Any, Any], keys: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Bits over the key columns as bits over all columns."""
    made = np.zeros(len(bits), dtype=np.int64)
    for number, key in enumerate(keys):
        made |= ((bits >> number) & 1) << key
    return made


def _fingerprints(columns: Columns) -> pa.Array:
    """8 bytes over each row, in hex."""
    rows = pc.binary_join_element_wise(*(flat(column) for _, column in columns), DIVIDER, null_handling="replace", null_replacement="\x00")
    return pa.array([hashlib.blake2b(row.encode(), digest_size=8).hexdigest() for row in rows.to_pylist()], pa.string())


def _identity(formatted: Formatted) -> pa.Array:
    known = formatted.identity or [formatted.columns[key][1] for key in formatted.keys]
    keys = [flat(column) for column in known]
    if len(keys) == 1:
        return pc.fill_null(keys[0], "")
    return pc.binary_join_element_wise(*keys, DIVIDER, null_handling="replace", null_replacement="")
