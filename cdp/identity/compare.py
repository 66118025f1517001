"""A comparison turns two records into a pattern: for each field one small integer. It is symmetric and knows nothing but the two records
and value statistics.

`Comparer(prepared)(a, b)` gives an array of shape (pairs, fields); column k is the level of `fields[k]`, 0 where a record lacks the field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from cdp.identity import fields as f
from cdp.identity import levels
from cdp.identity.arrays import in_threads
from cdp.identity.levels import ALIKE, COMMON, DIFFER, FREQUENT, INITIAL, REORDERED, TYPO, VARIANT
from cdp.identity.prepared import Prepared
from cdp.identity.similarity import Bytes, Codes, by_distinct, word_keys
from cdp.identity.values import Ints, Values

Rows = npt.NDArray[np.int64]
CHUNK = 2_000_000
Forms = Sequence[tuple[str, str]]
"""Pairs of given names that training found to be forms of one name."""
_SHARED = (levels.Spelt, levels.Middle, levels.Text, levels.Organisation, levels.Email, levels.Phone, levels.Address, levels.Teller)

_TABLES = (
    "_spelt",
    "_email",
    "_address",
    "_phone",
    "_identifiers",
    "_parts",
    "_organisation",
    "_employer",
    "_middle",
    "_job",
    "_place",
    "_same_day",
    "_many_words",
)
"""What depends on no other table, that which takes longest first."""


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

    def ready(self) -> None:
        """Looks at all dictionaries now, so that several threads can compare."""
        in_threads(lambda table: getattr(self, table), _TABLES)
        _ = self._given, self._family, self._teller, self._simple, self._telling

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
        someone = self.prepared.someone
        apart = (given == DIFFER) | (given == ALIKE) | ((someone[a] != someone[b]) & (someone[a] >= 0) & (someone[b] >= 0))
        for name, compare in self._simple.items():
            out[:, column[name]] = compare(a, b)
        x, p = self.features, self.prepared
        out[:, column["email"]] = self._contact(x.email, p.email_shared, self._email, 7, a, b, apart)
        out[:, column["phone"]] = self._contact(x.phone, p.phone_shared, self._phone, 5, a, b, apart)
        out[:, column["address"]] = self._addresses(a, b, apart)
        for kind in x.identifiers:
            if f"identifier:{kind}" in column:
                shared, compare_ids = p.identifier_shared[kind], self._identifiers[kind]
                out[:, column[f"identifier:{kind}"]] = self._contact(x.identifiers[kind], shared, compare_ids, 4, a, b, apart)
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
    def _spelt(self) -> levels.Spelt:
        """Given and family names have one dictionary."""
        return levels.Spelt(self.features.given.words)

    @cached_property
    def _given(self) -> levels.Names:
        p = self.prepared
        return levels.Names(self._spelt, p.given_band, p.given_known, np.sort(np.append(self._spelt.nicknames, self._learned)))

    @property
    def _learned(self) -> Codes:
        """The forms that training found, as far as these records have them."""
        return word_keys(self.forms, self.features.given.words)

    @cached_property
    def _family(self) -> levels.Names:
        p = self.prepared
        return levels.Names(self._spelt, p.family_band, p.family_known, np.zeros(0, np.int64), p.common_words)

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
    def _identifiers(self) -> dict[str, levels.Identifier]:
        return {kind: levels.Identifier(values.words) for kind, values in self.features.identifiers.items()}

    @cached_property
    def _address(self) -> levels.Address:
        return levels.Address(self.prepared.places, self.prepared.address_shared)

    @cached_property
    def _days(self) -> Ints:
        return np.array([int(w) for w in self.features.birth.words.to_pylist()] + [0], np.int32)

    @cached_property
    def _same_day(self) -> Bytes:
        """What it is worth to have the date of each code both."""
        level = levels.birth(self._days, self._days)
        level[:-1][self.prepared.birth_common] = 2
        return level

    @cached_property
    def _teller(self) -> levels.Teller:
        x = self.features
        return levels.Teller(x.email.words, self._spelt, x.email.first[self._silent])

    # -- fields
    def _names(self, a: Rows, b: Rows) -> tuple[Bytes, Bytes]:
        """Levels of given and family name; where they differ, the names may stand in each other's place, or one of them alone."""
        x = self.features
        given = _pairwise(x.given, a, b, lambda codes, _: self._given.equal(codes), _once(self._given), DIFFER)
        family = _pairwise(x.family, a, b, lambda codes, _: self._family.equal(codes), _once(self._family), DIFFER)
        off = np.flatnonzero(((given == DIFFER) & ((family == DIFFER) | (family == 0))) | ((given == 0) & (family == DIFFER)))
        off = off[self._may_cross(a[off], b[off])]
        if len(off):
            given[off], family[off] = self._crossed(a[off], b[off], given[off], family[off])
        off = np.flatnonzero((family == DIFFER) & (given != DIFFER))
        if len(off):
            family[off[self._one_of_several(a[off], b[off])]] = VARIANT
        off = np.flatnonzero((given == DIFFER) & (family == DIFFER))
        if len(off):
            reordered = off[self._reordered(a[off], b[off])]
            given[reordered], family[reordered] = REORDERED, 0
        off = np.flatnonzero((given == DIFFER) & (family == DIFFER))
        if len(off):
            given[off[self._one_crossed(a[off], b[off])]] = REORDERED
        return given, family

    def _may_cross(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        """Whether a given name of the one may be the family name of the other: it is, or one of the records tells a single name."""
        g, n = self.features.given.first, self.features.family.first
        single = (g < 0) ^ (n < 0)
        return np.asarray(single[a] | single[b] | (g[a] == n[b]) | (n[a] == g[b]))

    def _crossed(self, a: Rows, b: Rows, given: Bytes, family: Bytes) -> tuple[Bytes, Bytes]:
        """Levels where the given name of the one is looked for in the family name of the other."""
        g, n = self.features.given.first, self.features.family.first
        one, two = self._cross(g[a], n[b]), self._cross(n[a], g[b])
        whole = (g[a] >= 0) & (n[a] >= 0) & (g[b] >= 0) & (n[b] >= 0)
        swapped = whole & (one > 0) & (two > 0) & ((one <= FREQUENT) | (two <= FREQUENT)) & (one <= INITIAL) & (two <= INITIAL)
        given, family = np.where(swapped, _commoner(one), given), np.where(swapped, _commoner(two), family)
        alone_a, alone_b = (g[a] < 0) ^ (n[a] < 0), (g[b] < 0) ^ (n[b] < 0)
        as_family = ~swapped & ((alone_a & (one > 0) & (one <= TYPO) & (n[a] < 0)) | (alone_b & (two > 0) & (two <= TYPO) & (n[b] < 0)))
        as_given = (
            ~swapped
            & ~as_family
            & ((alone_a & (two > 0) & (two <= TYPO) & (g[a] < 0)) | (alone_b & (one > 0) & (one <= TYPO) & (g[b] < 0)))
        )
        found = np.where(alone_a & (one > 0) & (one <= TYPO), one, two)
        other = np.where(alone_a & (two > 0) & (two <= TYPO), two, one)
        given = np.where(as_family, 0, np.where(as_given, other, given))
        family = np.where(as_family, found, np.where(as_given, 0, family))
        return given.astype(np.uint8), family.astype(np.uint8)

    def _one_crossed(self, a: Rows, b: Rows) -> npt.NDArray[np.bool_]:
        """Whether one name of the one record stands in the other's place in the other, and nothing is left of the rest."""
        g, n = self.features.given.first, self.features.family.first
        telling = self._telling
        return np.asarray((telling[g[a]] & (g[a] == n[b])) | (telling[n[a]] & (n[a] == g[b])))

    @cached_property
    def _telling(self) -> npt.NDArray[np.bool_]:
        """Names that are no initials and not frequent, by code."""
        codes = np.arange(len(self.features.given), dtype=np.int32)
        return np.append(self._given.equal(codes) <= COMMON, False)

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
        many = pc.greater_equal(pc.count_substring(self.features.whole.words, " "), 2)
        return np.append(many.to_numpy(zero_copy_only=False), False)

    def _text(self, values: Values, compare: Callable[[Codes, Codes], Bytes], a: Rows, b: Rows) -> Bytes:
        if not len(values):
            return np.zeros(len(a), np.uint8)
        u, v = values.first[a], values.first[b]
        out = np.where((u == v) & (u >= 0), 1, 0).astype(np.uint8)
        rows = np.flatnonzero((u >= 0) & (v >= 0) & (u != v))
        out[rows] = by_distinct(u[rows], v[rows], compare)
        return out

    def _birth(self, a: Rows, b: Rows) -> Bytes:
        codes = self.features.birth.first
        u, v = codes[a], codes[b]
        out = np.where((u == v) & (u >= 0), self._same_day[u], 0).astype(np.uint8)
        rows = np.flatnonzero((u != v) & (u >= 0) & (v >= 0))
        out[rows] = levels.birth(self._days[u[rows]], self._days[v[rows]])
        return out

    def _contact(
        self,
        values: Values,
        shared: Bytes,
        compare: Callable[[Codes, Codes], Bytes],
        worst: int,
        a: Rows,
        b: Rows,
        apart: npt.NDArray[np.bool_],
    ) -> Bytes:
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


def _commoner(level: Bytes) -> Bytes:
    """A band further from rare: two names have two ways to meet where their order is free."""
    return np.where(level < FREQUENT, level + 1, level).astype(np.uint8)


def _equal(codes: Ints, a: Rows, b: Rows) -> Bytes:
    u, v = codes[a], codes[b]
    return np.where((u < 0) | (v < 0), 0, np.where(u == v, 1, 2)).astype(np.uint8)


def _once(compare: Callable[[Codes, Codes], Bytes]) -> Callable[[Codes, Codes], Bytes]:
    """For values that repeat: each distinct pair of them is compared once."""
    return lambda a, b: by_distinct(a, b, compare)


def _pairwise(
    values: Values, a: Rows, b: Rows, equal: Callable[[Ints, Rows], Bytes], compare: Callable[[Codes, Codes], Bytes], worst: int
) -> Bytes:
    """The best level over all values of the one record and all of the other; lower levels are better, 0 is missing."""
    best = np.full(len(a), 255, np.uint8)
    if not len(values):
        return np.zeros(len(a), np.uint8)
    slots = values.codes.T
    for one, other in product(slots, slots):
        u, v = one[a], other[b]
        rows = np.flatnonzero((u >= 0) & (v >= 0) & (best > 1))
        if not len(rows):
            continue
        u, v = u[rows], v[rows]
        level = np.full(len(rows), worst, np.uint8)
        same = u == v
        level[same] = equal(u[same], rows[same])
        unlike = np.flatnonzero(~same)
        level[unlike] = compare(u[unlike], v[unlike])
        level[level == 0] = 255
        best[rows] = np.minimum(best[rows], level)
    return np.where(best == 255, 0, best).astype(np.uint8)
