"""A comparison turns two records into a pattern: for each field one small integer. It is symmetric and knows nothing but the two records
and value statistics.

`Comparer(prepared)(a, b)` gives an array of shape (pairs, fields); column k is the level of `fields[k]`, 0 where a record lacks the field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity import fields as f
from cdp.identity import levels
from cdp.identity.features import Ints, Values
from cdp.identity.prepared import Prepared
from cdp.identity.similarity import Bytes, Codes, by_distinct, nickname_pairs

Rows = npt.NDArray[np.int64]
CHUNK = 2_000_000
Forms = Sequence[tuple[str, str]]
"""Pairs of given names that training found to be forms of one name."""
DIFFER, REORDERED, ALIKE, PART = 8, 9, 6, 4
"""Levels of names."""

_SHARED = (levels.Middle, levels.Text, levels.Organisation, levels.Email, levels.Phone, levels.Address, levels.Teller)


class Comparer:
    """Compares rows of one prepared set; dictionaries are looked at once, here."""

    def __init__(self, prepared: Prepared, fields: tuple[f.Field, ...] | None = None, forms: Forms = ()) -> None:
        self.prepared, self.forms = prepared, forms
        self.features = prepared.features
        self.fields = fields or f.STANDING + tuple(f.identifier(kind) for kind in self.features.identifiers)

    def knowing(self, forms: Forms) -> Comparer:
        """The same, with more forms of given names; what else is known of the words is shared."""
        other = Comparer(self.prepared, self.fields, forms)
        other.__dict__.update({name: table for name, table in self.__dict__.items() if isinstance(table, _SHARED)})
        return other

    def __call__(self, a: Rows, b: Rows) -> Bytes:
        """Patterns of the pairs (a[i], b[i])."""
        out = np.zeros((len(a), len(self.fields)), np.uint8)
        for start in range(0, len(a), CHUNK):
            part = slice(start, start + CHUNK)
            self._fill(out[part], a[part], b[part])
        return out

    def _fill(self, out: Bytes, a: Rows, b: Rows) -> None:
        column = {field.name: i for i, field in enumerate(self.fields)}
        given, family = self._names(a, b)
        out[:, column["given_name"]], out[:, column["family_name"]] = given, family
        apart = (given == DIFFER) | (given == ALIKE)
        for name, compare in self._simple.items():
            out[:, column[name]] = compare(a, b)
        x, p = self.features, self.prepared
        out[:, column["email"]] = self._contact(x.email, p.email_shared, self._email, 5, a, b, apart)
        out[:, column["phone"]] = self._contact(x.phone, p.phone_shared, self._phone, 4, a, b, apart)
        out[:, column["address"]] = self._addresses(a, b, apart)
        for kind in x.identifiers:
            if f"identifier:{kind}" in column:
                values = x.identifiers[kind]
                out[:, column[f"identifier:{kind}"]] = self._contact(
                    values, p.identifier_shared[kind], levels.Identifier(values.words), 4, a, b, apart
                )
        organisations = ~self.features.person[a]
        out[:, column["employer"]] = np.where(organisations, 0, out[:, column["employer"]])
        out[:, column["organisation_name"]] = np.where(organisations, self._text(self.features.employer, self._organisation, a, b), 0)
        out[:, column["name_in_email"]] = self._told(a, b)
        out[given == REORDERED, column["middle_name"]] = 0

    @cached_property
    def _simple(self) -> dict[str, Callable[[Rows, Rows], Bytes]]:
        x = self.features
        return {
            "middle_name": lambda a, b: self._text(x.middle, self._middle, a, b),
            "birth_date": self._birth,
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
        return levels.Names(
            self.features.given.words,
            p.given_band,
            p.given_known,
            nickname_pairs(self.features.given.words.to_pylist(), self.forms),
            whole=False,
        )

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
    def _days(self) -> npt.NDArray[np.int64]:
        return np.array([int(w) for w in self.features.birth.words.to_pylist()] + [0], np.int64)

    @cached_property
    def _teller(self) -> levels.Teller:
        x = self.features
        return levels.Teller(x.email.words, x.given.words, x.family.words)

    # -- fields
    def _names(self, a: Rows, b: Rows) -> tuple[Bytes, Bytes]:
        """Levels of given and family name; where they differ, the names may stand in each other's place, or one of them alone."""
        x = self.features
        given = _pairwise(x.given, a, b, lambda codes, _: self._given.equal(codes), self._given, DIFFER)
        family = _pairwise(x.family, a, b, lambda codes, _: self._family.equal(codes), self._family, DIFFER)
        off = np.flatnonzero(((given == DIFFER) & ((family == DIFFER) | (family == 0))) | ((given == 0) & (family == DIFFER)))
        if len(off):
            given[off], family[off] = self._crossed(a[off], b[off], given[off], family[off])
        off = np.flatnonzero((family == DIFFER) & (given != DIFFER))
        if len(off):
            family[off[self._one_of_several(a[off], b[off])]] = PART
        off = np.flatnonzero((given == DIFFER) & (family == DIFFER))
        if len(off):
            reordered = off[self._reordered(a[off], b[off])]
            given[reordered], family[reordered] = REORDERED, 0
        return given, family

    def _crossed(self, a: Rows, b: Rows, given: Bytes, family: Bytes) -> tuple[Bytes, Bytes]:
        """Levels where the given name of the one is looked for in the family name of the other."""
        g, n = self.features.given.first, self.features.family.first
        one, two = self._cross(g[a], n[b]), self._cross(n[a], g[b])
        whole = (g[a] >= 0) & (n[a] >= 0) & (g[b] >= 0) & (n[b] >= 0)
        swapped = whole & (one > 0) & (two > 0) & ((one <= 3) | (two <= 3)) & (one <= 7) & (two <= 7)
        given, family = np.where(swapped, one, given), np.where(swapped, two, family)
        alone_a, alone_b = (g[a] < 0) ^ (n[a] < 0), (g[b] < 0) ^ (n[b] < 0)
        as_family = ~swapped & ((alone_a & (one > 0) & (one <= 5) & (n[a] < 0)) | (alone_b & (two > 0) & (two <= 5) & (n[b] < 0)))
        as_given = (
            ~swapped & ~as_family & ((alone_a & (two > 0) & (two <= 5) & (g[a] < 0)) | (alone_b & (one > 0) & (one <= 5) & (g[b] < 0)))
        )
        found = np.where(alone_a & (one > 0) & (one <= 5), one, two)
        other = np.where(alone_a & (two > 0) & (two <= 5), two, one)
        given = np.where(as_family, 0, np.where(as_given, other, given))
        family = np.where(as_family, found, np.where(as_given, 0, family))
        return given.astype(np.uint8), family.astype(np.uint8)

    def _cross(self, u: Ints, v: Ints) -> Bytes:
        """Level of two names of different roles; 0 where one is missing."""
        out = np.zeros(len(u), np.uint8)
        rows = np.flatnonzero((u >= 0) & (v >= 0))
        same = u[rows] == v[rows]
        out[rows[same]] = self._given.equal(u[rows[same]])
        rows = rows[~same]
        if len(rows):
            out[rows] = by_distinct(u[rows], v[rows], self._given)
        return out

    def _one_of_several(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        """Whether the family name of the one is among the names that stand before the family name of the other."""
        out = np.zeros(len(a), bool)
        n, m = self.features.family.first, self.features.middle.first
        for one, other in ((a, b), (b, a)):
            rows = np.flatnonzero(~out & (n[one] >= 0) & (m[other] >= 0))
            if len(rows):
                inverse, pairs = pd.factorize((n[one[rows]].astype(np.int64) << 32) | m[other[rows]])
                pairs = np.asarray(pairs)
                out[rows] = self._parts(pairs >> 32, pairs & 0xFFFFFFFF)[inverse].astype(bool)
        return out

    @cached_property
    def _parts(self) -> levels.Parts:
        return levels.Parts(self.features.family.words, self.features.middle.words)

    def _reordered(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        """Whether both records have the same three or more words for a name."""
        whole = self.features.whole.first
        u, v = whole[a], whole[b]
        return np.asarray((u == v) & (u >= 0) & self._many_words[u])

    @cached_property
    def _many_words(self) -> npt.NDArray[np.bool_]:
        return np.array([w.count(" ") >= 2 for w in self.features.whole.words.to_pylist()] + [False], bool)

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

    def _contact(
        self, values: Values, shared: Bytes, compare: Callable[[Codes, Codes], Bytes], worst: int,
        a: Rows, b: Rows, apart: npt.NDArray[np.bool_],
    ) -> Bytes:  # fmt: skip
        """Own 1, or shared 2 where more people use the value than the names of these two records account for."""

        def equal(codes: Ints, rows: Rows) -> Bytes:
            return np.where(shared[codes] > 1 + apart[rows], 2, 1).astype(np.uint8)

        return _pairwise(values, a, b, equal, compare, worst)

    def _addresses(self, a: Rows, b: Rows, apart: npt.NDArray[np.bool_]) -> Bytes:
        return _pairwise(self.features.address, a, b, lambda codes, rows: self._address.equal(codes, apart[rows]), self._address, 7)

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


def _pairwise(
    values: Values, a: Rows, b: Rows, equal: Callable[[Ints, Rows], Bytes], compare: Callable[[Codes, Codes], Bytes], worst: int
) -> Bytes:
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
            level[same] = equal(u[same], rows[same])
            if not same.all():
                level[~same] = by_distinct(u[~same], v[~same], compare)
            level[level == 0] = 255
            best[rows] = np.minimum(best[rows], level)
    return np.where(best == 255, 0, best).astype(np.uint8)
