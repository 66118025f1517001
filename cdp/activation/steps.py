"""What a delivery sends, in the order in which it may be sent: a pure reading of the audience, portion by portion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.activation.audience import PORTION, Audience
from cdp.activation.channels import Change, Rows
from cdp.activation.columns import flat, present
from cdp.activation.formats import Columns, Formatted
from cdp.activation.record import DIVIDER, Entries

Fails = Callable[[pa.Array, pa.Array], None]


@dataclass(frozen=True)
class Step:
    """Rows of one change, with what the journal needs beside them."""

    rows: Rows
    entries: Entries


def steps(audience: Audience, fails: Fails) -> Iterator[Step]:
    """Removals first, since a platform knows an identity and not a person: what is added afterwards stays.

    Where people who are there come in several portions, these are read twice: an address may pass from one of the last to one of the first.

    Args:
        fails: told the profiles of a portion and why the destination could not use them, or null.
    """
    destination = audience.destination
    for portion in audience.leaving():
        yield from _removals(destination.headers, destination.keys, portion, destination.by_person)
    portions = audience.candidates()
    first = next(portions, None)
    if first is None:
        return
    twice = first.num_rows == PORTION and audience.counts.present > 0
    for people in chain([first], portions):
        formatted = destination.format.make(people, destination.options)
        yield from _going(people, formatted, destination.by_person)
        if not twice:
            yield from _coming(people, formatted, fails)
    if twice:
        for people in audience.candidates():
            yield from _coming(people, destination.format.make(people, destination.options), fails)


@dataclass(frozen=True)
class _Portion:
    """Masks over people: usable, at the destination, there under another identity."""

    good: np.ndarray[Any, Any]
    known: np.ndarray[Any, Any]
    moved: np.ndarray[Any, Any]
    identity: pa.Array

    @classmethod
    def of(cls, people: pa.Table, formatted: Formatted) -> _Portion:
        good, known = np.asarray(pc.is_null(formatted.problem)), np.asarray(pc.is_valid(flat(people["fingerprint"])))
        identity = _identity(formatted)
        moved = known & good & np.asarray(pc.fill_null(pc.not_equal(identity, flat(people["identity"])), False))
        return cls(good, known, moved, identity)


def _going(people: pa.Table, formatted: Formatted, by_person: bool) -> Iterator[Step]:
    """Removals of those who cannot be used any more, and of the former identities of those who changed."""
    portion = _Portion.of(people, formatted)
    headers = tuple(header for header, _ in formatted.columns)
    for leaves, forget in ((portion.known & ~portion.good, True), (portion.moved, False)):
        yield from _removals(headers, formatted.keys, people.filter(pa.array(leaves)), by_person, forget=forget)


def _coming(people: pa.Table, formatted: Formatted, fails: Fails) -> Iterator[Step]:
    """Additions and changes; those who are there as they are are only looked at."""
    portion = _Portion.of(people, formatted)
    good, known, identity = portion.good, portion.known, portion.identity
    profiles, old = flat(people["profile_id"]), flat(people["fingerprint"])
    fails(profiles, formatted.problem)
    fingerprint = _fingerprints(formatted.columns)
    same = known & good & np.asarray(pc.fill_null(pc.equal(fingerprint, old), False))
    if same.any():
        looked = profiles.filter(pa.array(same)).to_pylist()
        yield Step(Rows(Change.UPDATED, looked, ()), Entries(fields=np.zeros(len(looked), dtype=np.int64), quiet=True))
    for change, mask in ((Change.ADDED, good & ~known), (Change.UPDATED, good & known & ~same)):
        if mask.any():
            picked = pa.array(mask)
            columns = tuple((header, column.filter(picked)) for header, column in formatted.columns)
            entries = Entries(
                fields=present([column for _, column in columns]),
                fingerprint=fingerprint.filter(picked),
                identity=identity.filter(picked),
                consent_at=flat(people["consent_at"]).filter(picked),
                consent_source=flat(people["consent_source"]).filter(picked),
            )
            yield Step(Rows(change, profiles.filter(picked).to_pylist(), columns), entries)


def _removals(headers: Sequence[str], keys: Sequence[int], people: pa.Table, by_person: bool, *, forget: bool = True) -> Iterator[Step]:
    """Removals by what was sent and nobody else there has; where nothing of it is left, nothing is sent and the person is forgotten.

    Args:
        by_person: the place knows people by their ids, so each removal is sent.
        forget: the person is not there afterwards; False where the new row follows.
    """
    kept = np.asarray(pc.equal(flat(people["shared"]), "t")) & (not by_person)
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
