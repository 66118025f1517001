"""A record's features depend on that record alone; equal values have equal codes, and -1 is a value that is missing.

Every value is standardised once, in a dictionary; records hold its code. The same function serves a whole table, a Spark batch and one
record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cdp.identity import text
from cdp.identity.arrays import at_once, in_threads
from cdp.identity.names import names
from cdp.identity.values import (
    Ints,
    Values,
    column,
    either,
    encoded,
    folded,
    joined,
    lists,
    mapped,
    parents,
    remapped,
    reordered,
    slots,
    strings,
)
from cdp.records.values.identifiers import WRITTEN


@dataclass(frozen=True)
class Features:
    """What records are compared by; `family_first` are the sources whose full names were read as beginning with the family name."""

    rows: int
    source: Ints
    sources: tuple[str, ...]
    person: npt.NDArray[np.bool_]
    given: Values
    middle: Values
    family: Values
    whole: Values
    rank: Ints
    gender: Ints
    birth: Values
    email: Values
    phone: Values
    address: Values
    place: Values
    job: Values
    employer: Values
    identifiers: dict[str, Values] = field(default_factory=dict)
    family_first: frozenset[str] = frozenset()


def features(customers: pa.Table, family_first: frozenset[str] | None = None) -> Features:
    """Features of each row of `customers` (schema CUSTOMER with `source`), in its order.

    Args:
        family_first: sources whose full names begin with the family name; learned from the table where None.
    """
    steps: dict[str, Callable[[], Any]] = {
        "names": lambda: names(customers, family_first),
        "address": lambda: _addresses(customers),
        "email": lambda: _emails(customers),
        "phone": lambda: lists(customers, "phones"),
        "source": lambda: encoded(column(customers, "source")),
        "person": lambda: ~pc.equal(column(customers, "kind"), "organisation").fill_null(False).to_numpy(zero_copy_only=False),
        "gender": lambda: _gender(customers),
        "birth": lambda: _birth(customers),
        "place": lambda: folded(column(customers, "birth_place")),
        "job": lambda: folded(column(customers, "job_title")),
        "employer": lambda: mapped(folded(column(customers, "organisation_name")), text.organisations),
        "identifiers": lambda: _identifiers(customers),
    }
    found = dict(zip(steps, at_once(*steps.values()), strict=True))
    source, called = found.pop("source"), found.pop("names")
    return Features(
        rows=customers.num_rows,
        source=source.first,
        sources=tuple(str(v) for v in source.words.to_pylist()),
        **vars(called),
        **found,
    )


def in_order(found: Features, order: npt.NDArray[np.int64]) -> Features:
    """The same records in another order, with codes in the order in which their values first occur: nothing is left of the order before."""
    sources = sorted(found.sources)
    number = np.array([sources.index(name) for name in found.sources] + [-1], np.int32)
    single = {name: getattr(found, name) for name in ("middle", "whole", "birth", "email", "phone", "address", "place", "job", "employer")}
    fields = [(found.given, found.family), *((values,) for values in [*single.values(), *found.identifiers.values()])]
    (given, family), *moved = in_threads(lambda values: reordered(order, *values), fields)
    one = iter(values[0] for values in moved)
    return Features(
        rows=found.rows,
        source=number[found.source[order]],
        sources=tuple(sources),
        person=found.person[order],
        given=given,
        family=family,
        rank=found.rank[order],
        gender=found.gender[order],
        **{name: next(one) for name in single},
        identifiers={kind: next(one) for kind in found.identifiers},
        family_first=found.family_first,
    )


def _emails(table: pa.Table) -> Values:
    values = lists(table, "emails")
    lowered = pc.ascii_lower(values.words)
    bare = pc.replace_substring_regex(lowered, r"\+[^@]*@", "@")
    return remapped(values.codes, bare)


def _gender(table: pa.Table) -> Ints:
    values = folded(column(table, "gender"))
    known = {"m": 0, "male": 0, "man": 0, "f": 1, "female": 1, "woman": 1, "w": 1, "d": 2, "diverse": 2, "x": 2, "other": 2}
    lookup = np.array([known.get(v or "", -1) for v in values.words.to_pylist()] + [-1], np.int32)
    return lookup[values.first]


def _birth(table: pa.Table) -> Values:
    """Birth dates as YYYYMMDD; one that cannot be is compared as it was written, for it is a true one with a slip."""
    told = mapped(encoded(column(table, "birth_date")), _day)
    written = mapped(encoded(_impossible(table)), lambda words: pa.array([_written_day(v) for v in words.to_pylist()], pa.string()))
    return either(told, written)


def _impossible(table: pa.Table) -> pa.Array:
    """The birth date of each record that was refused as impossible, as written."""
    issues = column(table, "issues")
    if not pa.types.is_list(issues.type) or issues.null_count == len(issues):
        return pa.nulls(table.num_rows, pa.string())
    flat = issues.flatten()
    field_, reason = (pc.struct_field(flat, name) for name in ("field", "reason"))
    wanted = pc.and_(pc.equal(field_, "birth_date"), pc.equal(reason, "impossible_date")).to_numpy(zero_copy_only=False)
    out = np.full(table.num_rows, None, object)
    out[parents(issues)[wanted]] = pc.struct_field(flat, "value").filter(pa.array(wanted)).to_numpy(zero_copy_only=False)
    return pa.array(out, pa.string())


def _written_day(written: str) -> str | None:
    """'YYYYMMDD' of three written numbers, whatever they are, where one has four digits."""
    parts = re.findall("[0-9]+", written)
    if len(parts) == 1 and len(parts[0]) == 8:
        parts = [parts[0][:4], parts[0][4:6], parts[0][6:]]
    if len(parts) != 3 or any(len(p) > 2 for p in parts[1:-1]):
        return None
    year, month, day = parts if len(parts[0]) == 4 else (parts[2], parts[1], parts[0])
    return year + month.zfill(2) + day.zfill(2) if len(year) == 4 and len(day) <= 2 else None


def _day(written: pa.Array) -> pa.Array:
    """'YYYYMMDD' with zeroes for what is not told."""
    digits = pc.replace_substring_regex(pc.utf8_slice_codeunits(written, 0, 10), "[^0-9]", "")
    told = pc.and_(pc.match_substring_regex(digits, "^([0-9]{4}|[0-9]{6}|[0-9]{8})$"), pc.invert(pc.starts_with(digits, "0000")))
    return pc.if_else(told, pc.utf8_rpad(digits, 8, "0"), pa.scalar(None, pa.string()))


def _addresses(table: pa.Table) -> Values:
    """Each address as 'number and street words|postcode|city|region', folded; a number of a unit beside a house number is told apart."""
    found = column(table, "addresses")
    if not pa.types.is_list(found.type):
        return Values(np.full((table.num_rows, 1), -1, np.int32), pa.array([], pa.string()))
    flat = found.flatten()
    parts = {name: folded(pc.struct_field(flat, name)) for name in ("house_number", "street", "unit", "postal_code", "city", "region")}
    pieces = [
        _street(parts),
        pc.replace_substring(strings(parts["postal_code"]), " ", ""),
        strings(parts["city"]),
        strings(parts["region"]),
    ]
    whole = pc.binary_join_element_wise(*pieces, "|", null_handling="replace", null_replacement="")
    whole = pc.if_else(pc.match_substring_regex(whole, "[a-z0-9]"), whole, pa.scalar(None, pa.string()))
    return slots(table.num_rows, parents(found), whole)


def _street(parts: dict[str, Values]) -> pa.Array:
    """The words of house number, street and unit, each once and sorted: one number stands before all words that begin with a letter."""
    number, unit = strings(parts["house_number"]), strings(parts["unit"])
    unit = pc.if_else(pc.is_valid(number), pc.replace_substring_regex(unit, r"\b([0-9])", r"u\1"), unit)
    way = joined(strings(parts["street"]), unit)
    plain = pc.and_(pc.match_substring_regex(number, "^[0-9][^ ]*$"), pc.invert(pc.match_substring_regex(way, "(^| )[0-9]")))
    plain = plain.fill_null(False)
    rest = pc.if_else(plain, way, joined(number, way))
    words = strings(mapped(encoded(rest), text.address_words))
    return pc.if_else(plain, joined(pc.if_else(plain, number, pa.scalar(None, pa.string())), words), words)


def _identifiers(table: pa.Table) -> dict[str, Values]:
    """Identifiers by type: those that people write down in lower case letters and digits, ids of systems as they are."""
    found = column(table, "identifiers")
    if not pa.types.is_list(found.type):
        return {}
    flat, owners = found.flatten(), parents(found)
    kinds = pc.struct_field(flat, "type").cast(pa.string()).fill_null("id")
    values = pc.struct_field(flat, "value").cast(pa.string())
    written = pc.is_in(kinds, pa.array(sorted(WRITTEN)))
    values = pc.if_else(written, pc.replace_substring_regex(pc.ascii_lower(values), r"[^a-z0-9]", ""), values)
    out = {}
    for kind in sorted(k for k in pc.unique(kinds).to_pylist()):
        rows = pc.equal(kinds, kind).to_numpy(zero_copy_only=False)
        out[kind] = slots(table.num_rows, owners[rows], values.filter(pa.array(rows)))
    return out
