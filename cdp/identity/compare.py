"""A comparison turns two records into a pattern: for each field one small integer. It is symmetric and knows nothing but the two records and value statistics.

`Comparer(prepared)(a, b)` gives an array of shape (pairs, fields); column k is the level of `fields[k]`, 0 where a record lacks the field.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cdp.identity import fields as f
from cdp.identity import levels
from cdp.identity.features import Ints, Values
from cdp.identity.prepared import Prepared
from cdp.identity.similarity import Bytes, Codes, Words, by_distinct, nickname_pairs

Rows = npt.NDArray[np.int64]
CHUNK = 2_000_000


class Comparer:
    """Compares rows of one prepared set; dictionaries are looked at once, here."""

    def __init__(self, prepared: Prepared, fields: tuple[f.Field, ...] | None = None) -> None:
        self.prepared = prepared
        self.features = prepared.features
        self.fields = fields or f.STANDING + tuple(f.identifier(kind) for kind in self.features.identifiers)

    def __call__(self, a: Rows, b: Rows) -> Bytes:
        """Patterns of the pairs (a[i], b[i])."""
        out = np.zeros((len(a), len(self.fields)), np.uint8)
        for start in range(0, len(a), CHUNK):
            part = slice(start, start + CHUNK)
            self._fill(out[part], a[part], b[part])
        return out

    def _fill(self, out: Bytes, a: Rows, b: Rows) -> None:
        column = {field.name: i for i, field in enumerate(self.fields)}
        for name, compare in self._simple.items():
            out[:, column[name]] = compare(a, b)
        for kind in self.features.identifiers:
            if f"identifier:{kind}" in column:
                out[:, column[f"identifier:{kind}"]] = self._identifier(kind, a, b)
        out[:, column["given_name"]], out[:, column["family_name"]] = self._names(a, b)
        organisations = ~self.features.person[a]
        out[:, column["employer"]] = np.where(organisations, 0, out[:, column["employer"]])
        out[:, column["organisation_name"]] = np.where(organisations, self._text(self.features.employer, self._organisation, a, b), 0)
        out[:, column["name_in_email"]] = self._told(a, b)

    @cached_property
    def _simple(self) -> dict[str, Callable[[Rows, Rows], Bytes]]:
        x = self.features
        return {
            "middle_name": lambda a, b: self._text(x.middle, self._middle, a, b),
            "birth_date": self._birth,
            "email": lambda a, b: self._contact(x.email, self.prepared.email_shared, self._email, 5, a, b),
            "phone": lambda a, b: self._contact(x.phone, self.prepared.phone_shared, self._phone, 4, a, b),
            "address": self._addresses,
            "gender": lambda a, b: _equal(x.gender, a, b),
            "generation": lambda a, b: _equal(x.rank, a, b),
            "birth_place": lambda a, b: self._text(x.place, self._place, a, b),
            "job_title": lambda a, b: self._text(x.job, self._job, a, b),
            "employer": lambda a, b: self._text(x.employer, self._employer, a, b),
        }

    # -- what one distinct pair of values is worth; the tables live in levels.py
    @cached_property
    def _given(self) -> levels.Names:
        p = self.prepared
        return levels.Names(self.features.given.words, p.given_band, p.given_known, nickname_pairs(self.features.given.words.to_pylist()), whole=False)

    @cached_property
    def _family(self) -> levels.Names:
        p = self.prepared
        return levels.Names(self.features.family.words, p.family_band, p.family_known, np.zeros(0, np.int64), whole=True)

    @cached_property
    def _middle(self) -> levels.Middle:
        return levels.Middle(self.features.middle.words)

    @cached_property
    def _place(self) -> levels.Text:
        return levels.Text(self.features.place.words)

    @cached_property
    def _job(self) -> levels.Text:
        return levels.Text(self.features.job.words)

    @cached_property
    def _employer(self) -> levels.Text:
        return levels.Text(self.features.employer.words)

    @cached_property
    def _organisation(self) -> levels.Organisation:
        return levels.Organisation(self.features.employer.words)

    @cached_property
    def _email(self) -> levels.Email:
        return levels.Email(self.features.email.words)

    @cached_property
    def _phone(self) -> levels.Phone:
        return levels.Phone(self.features.phone.words)

    @cached_property
    def _address(self) -> levels.Address:
        return levels.Address(self.features.address.words, self.prepared.address_shared)

    @cached_property
    def _whole(self) -> Words:
        return Words(self.features.whole.words)

    @cached_property
    def _days(self) -> npt.NDArray[np.int64]:
        return np.array([int(w) for w in self.features.birth.words.to_pylist()] + [0], np.int64)

    @cached_property
    def _teller(self) -> levels.Teller:
        x = self.features
        return levels.Teller(x.email.words, x.given.words, x.family.words)

    # -- fields
    def _names(self, a: Rows, b: Rows) -> tuple[Bytes, Bytes]:
        """Levels of given and family name; where both differ, the names may stand in each other's place."""
        x = self.features
        given = _best(x.given, a, b, self._given, 8)
        family = _best(x.family, a, b, self._family, 8)
        off = np.flatnonzero((given == 8) & ((family == 8) | (family == 0)) | ((given == 0) & (family == 8)))
        if len(off):
            swapped = self._swapped(a[off], b[off])
            given[off[swapped]], family[off[swapped]] = 9, 0
            lone = ~swapped & self._lone(a[off], b[off])
            given[off[lone]], family[off[lone]] = 0, 2
        return given, family

    def _swapped(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        whole = self.features.whole.first
        u, v = whole[a], whole[b]

        def alike(p: Codes, q: Codes) -> Bytes:
            enough = (self._whole.length[p] > 5) & (self._whole.length[q] > 5)
            return np.asarray(enough & ((p == q) | (self._whole.ratio(p, q, 88) >= 88))).astype(np.uint8)

        both = (u >= 0) & (v >= 0) & (self.features.family.first[a] >= 0) & (self.features.family.first[b] >= 0)
        both &= (self.features.given.first[a] >= 0) & (self.features.given.first[b] >= 0)
        out = np.zeros(len(a), bool)
        out[both] = by_distinct(u[both], v[both], alike).astype(bool)
        return out

    @cached_property
    def _family_as_given(self) -> Ints:
        """The code among given names of each record's family name, -1 where no given name is spelt so."""
        import pyarrow as pa
        import pyarrow.compute as pc

        x = self.features
        found = pc.index_in(x.family.words, value_set=x.given.words).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        del pa
        return np.append(found, np.int32(-1))[x.family.first]

    def _lone(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        """Whether one record's only name is the other's family name, or its given name, in the wrong place."""
        given, family, crossed = self.features.given.first, self.features.family.first, self._family_as_given
        one = ((family[a] < 0) | (given[a] < 0)) & ((given[a] >= 0) & (given[a] == crossed[b]) | (given[b] >= 0) & (given[b] == crossed[a]))
        two = ((family[b] < 0) | (given[b] < 0)) & ((given[a] >= 0) & (given[a] == crossed[b]) | (given[b] >= 0) & (given[b] == crossed[a]))
        return np.asarray(one | two)

    def _text(self, values: Values, compare: Callable[[Codes, Codes], Bytes], a: Rows, b: Rows) -> Bytes:
        u, v = values.first[a], values.first[b]
        out = np.where(u == v, 1, 0).astype(np.uint8)
        out[(u < 0) | (v < 0)] = 0
        rows = np.flatnonzero((u >= 0) & (v >= 0) & (u != v))
        if len(rows):
            out[rows] = by_distinct(u[rows], v[rows], compare)
        return out

    def _birth(self, a: Rows, b: Rows) -> Bytes:
        codes = self.features.birth.first
        u, v = codes[a], codes[b]
        out = levels.birth(self._days[u], self._days[v])
        equal = u == v
        out[equal] = np.where(self.prepared.birth_common[u[equal]], 2, out[equal]) if len(self.prepared.birth_common) else out[equal]
        out[(u < 0) | (v < 0)] = 0
        return out

    def _contact(self, values: Values, shared: Bytes, compare: Callable[[Codes, Codes], Bytes], worst: int, a: Rows, b: Rows) -> Bytes:
        def equal(codes: Ints) -> Bytes:
            return np.where(shared[codes] > 1, 2, 1).astype(np.uint8)

        return _pairwise(values, a, b, equal, compare, worst)

    def _identifier(self, kind: str, a: Rows, b: Rows) -> Bytes:
        values = self.features.identifiers[kind]
        return self._contact(values, self.prepared.identifier_shared[kind], levels.Identifier(values.words), 4, a, b)

    def _addresses(self, a: Rows, b: Rows) -> Bytes:
        return _pairwise(self.features.address, a, b, self._address.equal, self._address, 7)

    def _told(self, a: Rows, b: Rows) -> Bytes:
        """What one record's e-mail tells of the name of the other, where a name is missing or only an initial."""
        out = np.zeros(len(a), np.uint8)
        for one, other in ((a, b), (b, a)):
            rows = np.flatnonzero((out == 0) & self._silent[one] & self._speaks[other])
            if len(rows):
                out[rows] = self._teller(self.features, one[rows], other[rows])
        return out

    @cached_property
    def _silent(self) -> npt.NDArray[np.bool_]:
        """Records with an e-mail but without a whole name."""
        x = self.features
        short = np.append(self._given.words.length <= 1, True)[x.given.first]
        return np.asarray((x.email.first >= 0) & (short | (x.family.first < 0)))

    @cached_property
    def _speaks(self) -> npt.NDArray[np.bool_]:
        x = self.features
        return np.asarray((np.append(self._given.words.length > 1, False)[x.given.first]) & (x.family.first >= 0))


def _equal(codes: Ints, a: Rows, b: Rows) -> Bytes:
    u, v = codes[a], codes[b]
    return np.where((u < 0) | (v < 0), 0, np.where(u == v, 1, 2)).astype(np.uint8)


def _best(values: Values, a: Rows, b: Rows, compare: levels.Names, worst: int) -> Bytes:
    return _pairwise(values, a, b, compare.equal, compare, worst)


def _pairwise(values: Values, a: Rows, b: Rows, equal: Callable[[Ints], Bytes], compare: Callable[[Codes, Codes], Bytes], worst: int) -> Bytes:
    """The best level over all values of the one record and all of the other; lower levels are better, 0 is missing."""
    best = np.full(len(a), 255, np.uint8)
    width = values.codes.shape[1]
    if not len(values):
        return np.zeros(len(a), np.uint8)
    for i in range(width):
        for j in range(width):
            u, v = values.codes[a, i], values.codes[b, j]
            rows = np.flatnonzero((u >= 0) & (v >= 0) & (best > 1))
            if not len(rows):
                continue
            u, v = u[rows], v[rows]
            level = np.full(len(rows), worst, np.uint8)
            same = u == v
            level[same] = equal(u[same])
            if not same.all():
                level[~same] = by_distinct(u[~same], v[~same], compare)
            level[level == 0] = 255
            best[rows] = np.minimum(best[rows], level)
    return np.where(best == 255, 0, best).astype(np.uint8)
