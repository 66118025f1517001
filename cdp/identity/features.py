"""A record's features depend on that record alone; equal values have equal codes, and -1 is a value that is missing.

Every value is standardised once, in a dictionary; records hold its code. The same function serves a whole table, a Spark batch and one
record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cdp.identity import text
from cdp.records.values.identifiers import WRITTEN

Ints = npt.NDArray[np.int32]
WIDEST = 4
"""Values of one field that a record is compared by; a record with more keeps its first."""


@dataclass(frozen=True)
class Values:
    """A field of all records: `codes[row, slot]` is an index into `words`, or -1."""

    codes: Ints
    words: pa.Array

    @property
    def first(self) -> Ints:
        """The first value of each record."""
        return self.codes[:, 0]

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class Features:
    """What records are compared by."""

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


def features(customers: pa.Table, family_first: frozenset[str] = frozenset()) -> Features:
    """Features of each row of `customers` (schema CUSTOMER with `source`), in its order.

    Args:
        family_first: sources whose full names begin with the family name.
    """
    source = _encode(_column(customers, "source"))
    names = _names(customers, family_first)
    return Features(
        rows=customers.num_rows,
        source=source.first,
        sources=tuple(str(v) for v in source.words.to_pylist()),
        person=~pc.equal(_column(customers, "kind"), "organisation").fill_null(False).to_numpy(zero_copy_only=False),
        given=names[0],
        middle=names[1],
        family=names[2],
        whole=names[3],
        rank=names[4],
        gender=_gender(customers),
        birth=_birth(customers),
        email=_emails(customers),
        phone=_lists(customers, "phones"),
        address=_addresses(customers),
        place=_folded(_column(customers, "birth_place")),
        job=_folded(_column(customers, "job_title")),
        employer=_organisations(customers),
        identifiers=_identifiers(customers),
    )


def in_order(found: Features, order: npt.NDArray[np.int64]) -> Features:
    """The same records in another order, with codes in the order in which their values first occur: nothing is left of the order before."""
    sources = sorted(found.sources)
    number = np.array([sources.index(name) for name in found.sources] + [-1], np.int32)

    def moved(values: Values) -> Values:
        return _in_order(order, values)[0]

    given, family = _in_order(order, found.given, found.family)
    return Features(
        rows=found.rows,
        source=number[found.source[order]],
        sources=tuple(sources),
        person=found.person[order],
        given=given,
        middle=moved(found.middle),
        family=family,
        whole=moved(found.whole),
        rank=found.rank[order],
        gender=found.gender[order],
        birth=moved(found.birth),
        email=moved(found.email),
        phone=moved(found.phone),
        address=moved(found.address),
        place=moved(found.place),
        job=moved(found.job),
        employer=moved(found.employer),
        identifiers={kind: moved(values) for kind, values in found.identifiers.items()},
    )


def _in_order(order: npt.NDArray[np.int64], *fields: Values) -> list[Values]:
    """Fields over one dictionary, in another order of records."""
    codes = [values.codes[order] for values in fields]
    words = fields[0].words
    flat = np.concatenate([c.ravel() for c in codes])
    first = np.full(len(words) + 1, len(flat), np.int64)
    first[flat[::-1]] = np.arange(len(flat) - 1, -1, -1)
    first[-1] = len(flat) + 1
    rank = np.argsort(first, kind="stable")
    lookup = np.empty(len(rank), np.int32)
    lookup[rank] = np.arange(len(rank), dtype=np.int32)
    lookup[-1] = -1
    used = words.take(pa.array(rank[: int((first < len(flat)).sum())]))
    return [Values(lookup[c], used) for c in codes]


def _column(table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    column = table[name]
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return column.cast(pa.string()) if not pa.types.is_list(column.type) else column


def _encode(column: pa.Array) -> Values:
    column = column.cast(pa.string())
    encoded = column.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Values(codes.reshape(-1, 1), encoded.dictionary)


def _remap(codes: Ints, words: pa.Array) -> Values:
    """Codes into a dictionary with repeats and nulls become codes into one without."""
    encoded = words.dictionary_encode()
    lookup = np.append(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32), np.int32(-1))
    return Values(lookup[codes], encoded.dictionary)


def _folded(column: pa.Array) -> Values:
    raw = _encode(column)
    return _remap(raw.codes, text.fold(raw.words))


def _mapped(values: Values, function: object) -> Values:
    return _remap(values.codes, pa.array(text.each(function, values.words.to_pylist()), pa.string()))


def _take(values: Values, rows: npt.NDArray[np.int64]) -> Values:
    return Values(values.codes[rows], values.words)


def _strings(values: Values) -> pa.Array:
    """The first value of each record, as a column."""
    codes = values.first
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), values.words).cast(pa.string())


def _words(*columns: pa.Array) -> pa.Array:
    """The columns side by side, a blank between; null where all are."""
    joined = pc.binary_join_element_wise(*columns, " ", null_handling="replace", null_replacement="")
    joined = pc.utf8_trim_whitespace(joined)
    return pc.if_else(pc.equal(pc.utf8_length(joined), 0), pa.scalar(None, pa.string()), joined)


def _names(table: pa.Table, family_first: frozenset[str]) -> tuple[Values, Values, Values, Values, Ints]:
    given, middle, family, full = (_folded(_column(table, c)) for c in ("given_name", "middle_name", "family_name", "full_name"))
    rank = _rank(_folded(_column(table, "suffix")), family, given, full)
    given, family = _mapped(given, lambda v: text.split_suffix(v)[0]), _mapped(family, lambda v: text.split_suffix(v)[0])
    given, family = _from_full(table, given, family, family_first)
    former = _former(table)
    extra = _strings(middle)
    given_text = _words(_strings(given), extra)
    given_all = _encode(given_text)
    first = _mapped(given_all, lambda v: v.split(" ", 1)[0])
    rest = _mapped(given_all, lambda v: v.partition(" ")[2] or None)
    full_bag = _mapped(full, lambda v: text.split_suffix(v)[0])
    rest = _rest_of_full(rest, first, family, full_bag)
    joined = _words(given_text, _strings(family))
    whole = _mapped(_encode(joined), lambda v: " ".join(sorted(v.split())) or None)
    families = _merge([family, former])
    nick = _mapped(_folded(_column(table, "nickname")), lambda v: v.split(" ", 1)[0])
    givens, families = _together(_merge([first, nick]), families)
    return givens, rest, families, whole, rank


def _together(one: Values, other: Values) -> tuple[Values, Values]:
    """Two fields over one dictionary, so that a value of the one can be looked for in the other."""
    both = _remap(np.arange(len(one) + len(other), dtype=np.int32).reshape(-1, 1), pa.concat_arrays([one.words, other.words]))
    left = np.append(both.first[: len(one)], np.int32(-1))
    right = np.append(both.first[len(one) :], np.int32(-1))
    return Values(left[one.codes], both.words), Values(right[other.codes], both.words)


def _from_full(table: pa.Table, given: Values, family: Values, family_first: frozenset[str]) -> tuple[Values, Values]:
    """Given and family name read from the full name where a record has neither."""
    column = _column(table, "full_name")
    missing = (given.first < 0) & (family.first < 0)
    if not missing.any() or column.null_count == len(column):
        return given, family
    turned = pc.is_in(_column(table, "source"), value_set=pa.array(sorted(family_first), pa.string()))
    for family_comes_first, rows in ((False, pc.invert(turned)), (True, turned)):
        chosen = pc.and_(pa.array(missing), rows)
        raw = _encode(pc.if_else(chosen, column, pa.scalar(None, pa.string())))
        folded = text.fold(raw.words).to_pylist()
        pairs = [
            (None, None) if f is None else text.split_full_name(w, f, family_comes_first)
            for w, f in zip(raw.words.to_pylist(), folded, strict=True)
        ]
        given = _either(given, _remap(raw.codes, pa.array([p[0] or None for p in pairs], pa.string())))
        family = _either(family, _remap(raw.codes, pa.array([p[1] or None for p in pairs], pa.string())))
    return given, family


def family_first(customers: pa.Table) -> frozenset[str]:
    """Sources whose full names begin with the family name, as far as names that other records give in parts can tell."""
    full, source = _folded(_column(customers, "full_name")), _encode(_column(customers, "source"))
    given, family = (_folded(_column(customers, c)) for c in ("given_name", "family_name"))
    use: dict[str, list[int]] = {}
    for role, values in ((0, given), (1, family)):
        counts = np.bincount(values.first[values.first >= 0], minlength=len(values))
        for word, count in zip(values.words.to_pylist(), counts.tolist(), strict=True):
            for token in word.split():
                use.setdefault(token, [0, 0])[role] += count
    alone = (given.first < 0) & (family.first < 0) & (full.first >= 0)
    votes = np.zeros(len(full) + 1)
    for code, word in enumerate(full.words.to_pylist()):
        tokens = word.split()
        if len(tokens) > 1:
            votes[code] = _leans(use.get(tokens[0]), +1) + _leans(use.get(tokens[-1]), -1)
    score = np.bincount(source.first[alone], votes[full.first[alone]], minlength=len(source))
    return frozenset(str(name) for name, value in zip(source.words.to_pylist(), score, strict=True) if value > 5)


def _leans(use: list[int] | None, sign: int) -> float:
    """How much a word's use speaks for a family name (positive where `sign` is)."""
    if not use or sum(use) < 3:
        return 0.0
    return sign * (use[1] - use[0]) / sum(use)


def _either(one: Values, other: Values) -> Values:
    merged = _merge([one, other])
    if merged.codes.shape[1] == 1:
        return merged
    codes = np.where(merged.codes[:, :1] >= 0, merged.codes[:, :1], merged.codes[:, 1:2])
    return Values(codes, merged.words)


def _merge(columns: list[Values]) -> Values:
    """Several fields as one field with more slots and one dictionary; empty slots at the end go."""
    words = pa.concat_arrays([c.words for c in columns]) if columns else pa.array([], pa.string())
    offsets = np.cumsum([0] + [len(c) for c in columns[:-1]])
    codes = np.concatenate([np.where(c.codes >= 0, c.codes + o, -1) for c, o in zip(columns, offsets, strict=True)], axis=1)
    return _narrow(_remap(codes.astype(np.int32), words))


def _narrow(values: Values) -> Values:
    """Slots that no record uses go, the first stays."""
    used = np.asarray((values.codes >= 0).any(axis=0))
    if not used.any():
        used[0] = True
    return Values(np.ascontiguousarray(values.codes[:, used]), values.words)


def _rest_of_full(rest: Values, first: Values, family: Values, full: Values) -> Values:
    """Names between given and family name that only the full name tells."""
    rows = np.flatnonzero((full.first >= 0) & (rest.first < 0) & (first.first >= 0))
    if not len(rows):
        return rest
    known = pc.binary_join_element_wise(
        _strings(_take(first, rows)), _strings(_take(family, rows)), "|", null_handling="replace", null_replacement=""
    )
    both = _encode(pc.binary_join_element_wise(_strings(_take(full, rows)), known, "|"))
    found = _remap(both.codes, pa.array([_between(v) for v in both.words.to_pylist()], pa.string()))
    merged = np.full((len(rest.codes), 1), -1, np.int32)
    merged[rows] = found.codes
    return _either(rest, Values(merged, found.words))


def _between(joined: str) -> str | None:
    full, first, family = joined.split("|")
    known = {first, *family.split()}
    return " ".join(w for w in full.split() if w not in known and not w.isdigit()) or None


def _rank(suffix: Values, *names: Values) -> Ints:
    """Generation of each record: 1 senior, 2 junior, 3 third …; -1 where nothing is said."""
    ranks = _ranks_of(suffix, text.suffix_rank)
    for values in names:
        ranks = np.where(ranks >= 0, ranks, _ranks_of(values, lambda v: text.split_suffix(v)[1] if v else ""))
    return ranks


def _ranks_of(values: Values, rank: object) -> Ints:
    found = [rank(v) for v in values.words.to_pylist()]  # type: ignore[operator]  # pyarrow has no types: None was ruled out
    lookup = np.array([int(r) if r else -1 for r in found] + [-1], np.int32)
    return lookup[values.first]


def _former(table: pa.Table) -> Values:
    values = _lists(table, "former_names", keep=2)
    folded = _remap(values.codes, text.fold(values.words))
    return _mapped(folded, lambda v: v.split()[-1])


def _lists(table: pa.Table, name: str, keep: int = WIDEST) -> Values:
    """A list column, its first values in slots, in the order of their spelling so that order in the list does not matter."""
    column = _column(table, name)
    if not pa.types.is_list(column.type) and not pa.types.is_large_list(column.type):
        return _encode(column)
    return _slots(table.num_rows, _parents(column), column.flatten().cast(pa.string()), keep)


def _parents(column: pa.Array) -> npt.NDArray[np.int64]:
    return np.asarray(pc.list_parent_indices(column), dtype=np.int64)


def _slots(rows: int, parents: npt.NDArray[np.int64], values: pa.Array, keep: int) -> Values:
    encoded = _encode(values)
    valid = encoded.first >= 0
    parents, codes = parents[valid], encoded.first[valid]
    if not len(parents):
        return Values(np.full((rows, 1), -1, np.int32), encoded.words)
    starts = np.r_[True, parents[1:] != parents[:-1]]
    position = np.arange(len(parents)) - np.maximum.accumulate(np.where(starts, np.arange(len(parents)), 0))
    width = int(min(position.max() + 1, keep))
    out = np.full((rows, width), -1, np.int32)
    inside = position < width
    out[parents[inside], position[inside]] = codes[inside]
    return Values(out, encoded.words)


def _emails(table: pa.Table) -> Values:
    values = _lists(table, "emails")
    lowered = pc.ascii_lower(values.words)
    bare = pc.replace_substring_regex(lowered, r"\+[^@]*@", "@")
    return _remap(values.codes, bare)


def _gender(table: pa.Table) -> Ints:
    values = _folded(_column(table, "gender"))
    known = {"m": 0, "male": 0, "man": 0, "f": 1, "female": 1, "woman": 1, "w": 1, "d": 2, "diverse": 2, "x": 2, "other": 2}
    lookup = np.array([known.get(v or "", -1) for v in values.words.to_pylist()] + [-1], np.int32)
    return lookup[values.first]


def _birth(table: pa.Table) -> Values:
    """Birth dates as YYYYMMDD; one that cannot be is compared as it was written, for it is a true one with a slip."""
    raw = _encode(_column(table, "birth_date"))
    told = _remap(raw.codes, pa.array([_day(v) for v in raw.words.to_pylist()], pa.string()))
    return _either(told, _mapped(_encode(_impossible(table)), _written_day))


def _impossible(table: pa.Table) -> pa.Array:
    """The birth date of each record that was refused as impossible, as written."""
    column = _column(table, "issues")
    if not pa.types.is_list(column.type) or column.null_count == len(column):
        return pa.nulls(table.num_rows, pa.string())
    flat, parents = column.flatten(), _parents(column)
    field_, reason = (pc.struct_field(flat, name) for name in ("field", "reason"))
    wanted = pc.and_(pc.equal(field_, "birth_date"), pc.equal(reason, "impossible_date")).to_numpy(zero_copy_only=False)
    out = np.full(table.num_rows, None, object)
    out[parents[wanted]] = pc.struct_field(flat, "value").filter(pa.array(wanted)).to_numpy(zero_copy_only=False)
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


def _day(written: str | None) -> str | None:
    """'YYYYMMDD' with zeroes for what is not told."""
    if not written:
        return None
    digits = "".join(c for c in written[:10] if c.isdigit())
    return digits.ljust(8, "0") if len(digits) in (4, 6, 8) and digits[:4] != "0000" else None


def _organisations(table: pa.Table) -> Values:
    return _mapped(_folded(_column(table, "organisation_name")), text.organisation)


def _addresses(table: pa.Table) -> Values:
    """Each address as 'number and street words|postcode|city|region', folded; a number of a unit beside a house number is told apart."""
    column = _column(table, "addresses") if "addresses" in table.column_names else None
    if column is None or not pa.types.is_list(column.type):
        return Values(np.full((table.num_rows, 1), -1, np.int32), pa.array([], pa.string()))
    flat = column.flatten()
    parts = {name: _folded(pc.struct_field(flat, name)) for name in ("house_number", "street", "unit", "postal_code", "city", "region")}
    number, way, unit = (_strings(parts[name]) for name in ("house_number", "street", "unit"))
    unit = pc.if_else(pc.is_valid(number), pc.replace_substring_regex(unit, r"\b([0-9])", r"u\1"), unit)
    street = _words(number, way, unit)
    street = _strings(_mapped(_encode(street), lambda v: text.address_words(v) or None))
    pieces = [street, pc.replace_substring(_strings(parts["postal_code"]), " ", ""), _strings(parts["city"]), _strings(parts["region"])]
    joined = pc.binary_join_element_wise(*pieces, "|", null_handling="replace", null_replacement="")
    joined = pc.if_else(pc.match_substring_regex(joined, "[a-z0-9]"), joined, pa.scalar(None, pa.string()))
    return _slots(table.num_rows, _parents(column), joined, WIDEST)


def _identifiers(table: pa.Table) -> dict[str, Values]:
    """Identifiers by type: those that people write down in lower case letters and digits, ids of systems as they are."""
    if "identifiers" not in table.column_names:
        return {}
    column = _column(table, "identifiers")
    if not pa.types.is_list(column.type):
        return {}
    flat, parents = column.flatten(), _parents(column)
    kinds = pc.struct_field(flat, "type").cast(pa.string()).fill_null("id")
    values = pc.struct_field(flat, "value").cast(pa.string())
    written = pc.is_in(kinds, pa.array(sorted(WRITTEN)))
    values = pc.if_else(written, pc.replace_substring_regex(pc.ascii_lower(values), r"[^a-z0-9]", ""), values)
    out = {}
    for kind in sorted(k for k in pc.unique(kinds).to_pylist()):
        rows = pc.equal(kinds, kind).to_numpy(zero_copy_only=False)
        out[kind] = _slots(table.num_rows, parents[rows], values.filter(pa.array(rows)), WIDEST)
    return out
