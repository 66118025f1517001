"""One class for each kind of value: what a pair of unequal values is worth, for whole arrays of distinct pairs at once.

The numbers are positions (from 1) in the levels of the field in `fields.py`; each class is given dictionary codes and gives uint8 levels.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import OSA

from cdp.identity.addresses import Places
from cdp.identity.arrays import unique
from cdp.identity.features import Features
from cdp.identity.similarity import Bytes, Codes, Strings, Words, contains, nicknames, signs
from cdp.identity.text import before_at, skeleton, spelling
from cdp.identity.values import Ints, coded

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
COMMON, FREQUENT, VARIANT, PART, TYPO, ALIKE, INITIAL, DIFFER, REORDERED = range(3, 12)
"""Levels of names behind rare 1 and uncommon 2."""


def _initial(words: pa.Array) -> npt.NDArray[np.uint8]:
    letters = pc.binary_slice(words.cast(pa.binary()), 0, 1).to_pylist()
    return np.array([c[0] if c else 0 for c in letters] + [0], np.uint8)


class Spelt:
    """What a dictionary of names tells whatever the names are used for: sounds, consonants, first letters."""

    def __init__(self, words: pa.Array) -> None:
        self.written, self.words = words, Words(words)
        self.letter = _initial(words)
        self.sounds = spelling(words)
        self.spelling = coded(self.sounds)
        bones = skeleton(self.sounds)
        self.skeleton = Strings(bones)
        telling = pc.greater(pc.utf8_length(bones), 1).to_numpy(zero_copy_only=False)
        self.skeleton_code = np.append(np.where(telling, coded(bones)[:-1], -1), -1)
        spoken = pc.or_(pc.match_substring_regex(words, "[aeiou]"), pc.less_equal(pc.utf8_length(words), 2))
        self.bare = np.append(~spoken.to_numpy(zero_copy_only=False), False)
        self.nicknames, own = nicknames(words)
        self.own = np.append(own, False)

    @cached_property
    def unbroken(self) -> pa.Array:
        """How each name sounds without its blanks."""
        several = pa.array(self.words.several[:-1])
        apart = spelling(pc.replace_substring(self.written.filter(several), " ", ""))
        return pc.replace_with_mask(self.sounds, several, apart)


class Names:
    """Given or family names: rare 1, uncommon 2, common 3, frequent 4, variant 5, part 6, typo 7, alike 8, initial 9, differ 10."""

    def __init__(self, spelt: Spelt, band: Bytes, known: Flags, forms: Codes, common: frozenset[str] | None = None) -> None:
        self.spelt, self.words = spelt, spelt.words
        self.band, self.known, self.forms, self.common = band, np.append(known, False), forms, common

    def equal(self, codes: Ints) -> Bytes:
        level = 1 + self.band[codes]
        level[self.words.length[codes] == 1] = INITIAL
        return level.astype(np.uint8)

    def __call__(self, a: Codes, b: Codes) -> Bytes:
        la, lb = self.words.length[a], self.words.length[b]
        longest, shortest = np.maximum(la, lb), np.minimum(la, lb)
        slips = self.words.slips(a, b)
        near = ((slips == 1) & (longest >= 4)) | ((slips == 2) & (longest >= 7)) | ((slips == 3) & (longest >= 11))
        both_names = self.known[a] & self.known[b]
        loose = ((slips == 1) & (longest == 3)) | ((slips == 2) & (longest >= 5))
        loose |= self.words.winkler(a, b, 0.9) >= 0.9
        out = np.full(len(a), DIFFER, np.uint8)
        out[loose | (near & both_names)] = ALIKE
        x = self.spelt
        out[(x.skeleton_code[a] == x.skeleton_code[b]) & (x.skeleton_code[a] >= 0) & (shortest >= 5)] = ALIKE
        out[near & ~both_names] = TYPO
        same_letter = x.letter[a] == x.letter[b]
        check = np.flatnonzero(same_letter & (shortest >= 3))
        if self.common is not None:
            check = np.flatnonzero((self.words.token_set(a, b, 100) >= 100) & (shortest >= 3))
            out[check] = np.where(self._telling(a[check], b[check], self.common), VARIANT, PART)
        else:
            out[check[self.words.prefix(a[check], b[check])]] = PART
        out[(x.spelling[a] == x.spelling[b]) | contains(self.forms, a, b)] = VARIANT
        bare = np.flatnonzero((x.bare[a] | x.bare[b]) & same_letter)
        if len(bare):
            out[bare[_abbreviate(x.skeleton, a[bare], b[bare])]] = PART
        if self.common is None:
            self._apart(out, a, b)
        out[shortest == 1] = DIFFER
        out[(shortest == 1) & same_letter] = INITIAL
        return out

    def _apart(self, out: Bytes, a: Codes, b: Codes) -> None:
        """A name that others bear whole is no short form of one that begins with it: Paul and Paula look alike, Anna and Annabelle differ.

        The short forms among them are known to the table of nicknames, or found by training, and are variants before.
        """
        la, lb = self.words.length[a], self.words.length[b]
        short, long, more = np.where(la <= lb, a, b), np.where(la <= lb, b, a), np.abs(la - lb)
        own = self.spelt.own
        out[(out == PART) & (self.known | own)[short] & ((self.known | own)[long] | (more > 1))] = ALIKE
        check = np.flatnonzero((out == ALIKE) & own[short] & (more > 2))
        out[check[self.words.prefix(short[check], long[check])]] = DIFFER

    def _telling(self, a: Codes, b: Codes, common: frozenset[str]) -> Flags:
        """Whether two names of several words share one that is not common."""
        words = (set(x.split()) & set(y.split()) for x, y in zip(self.words.text[a], self.words.text[b], strict=True))
        return np.fromiter((bool(shared - common) for shared in words), bool, len(a))


def _abbreviate(skeleton: Strings, a: Codes, b: Codes) -> Flags:
    """Whether two names are one where a script without vowels, or an abbreviation, left letters out: Mhd is Mohamed, Fysl is Faisal."""
    x, y = skeleton[a], skeleton[b]
    return np.fromiter((_within(p, q) or _within(q, p) for p, q in zip(x, y, strict=True)), bool, len(a))


def _within(short: str, long: str) -> bool:
    letters = iter(long)
    return len(short) > 2 and short[-1] == long[-1:] and len(long) - len(short) < 2 and all(c in letters for c in short)


class Middle:
    """Middle names: fits 2 (an initial, a slip, one among several), differ 3."""

    def __init__(self, words: pa.Array) -> None:
        self.words = Words(words)

    def __call__(self, a: Codes, b: Codes) -> Bytes:
        return np.fromiter((2 if _fits(x, y) else 3 for x, y in zip(self.words.text[a], self.words.text[b], strict=True)), np.uint8, len(a))


def _fits(x: str, y: str) -> bool:
    for p in x.split():
        for q in y.split():
            if (
                p == q
                or ((len(p) == 1 or len(q) == 1) and p[0] == q[0])
                or (max(len(p), len(q)) > 3 and OSA.distance(p, q, score_cutoff=2) <= 1 + (len(p) > 7))
            ):
                return True
    return False


class Parts:
    """Whether a family name is one of the names that stand before the other's family name, as in Vera Martins and Vera Martins Galuelho."""

    def __init__(self, family: pa.Array, middle: pa.Array) -> None:
        self.family, self.middle = Words(family), Words(middle)

    def __call__(self, family: Codes, middle: Codes) -> Bytes:
        out = np.zeros(len(family), np.uint8)
        x, y = self.family.signs[family], self.middle.signs[middle]
        one_each = ~(self.family.several[family] | self.middle.several[middle])
        unlike = (np.bitwise_count(x & ~y) > 1) | (np.bitwise_count(y & ~x) > 1)
        rows = np.flatnonzero(~(one_each & unlike))
        texts = zip(self.family.text[family[rows]], self.middle.text[middle[rows]], strict=True)
        out[rows] = np.fromiter((_part(p, q) for p, q in texts), np.uint8, len(rows))
        return out


def _part(family: str, middle: str) -> bool:
    wanted = family.split()
    return any(
        p == q or (len(p) > 4 and OSA.distance(p, q, score_cutoff=1) <= 1)
        for p in wanted
        for q in middle.split()
        if len(p) > 2 and len(q) > 2
    )


class Text:
    """Other words, such as a birth place or a job: alike 2, differ 3."""

    def __init__(self, words: pa.Array) -> None:
        self.words = Words(words)

    def __call__(self, a: Codes, b: Codes) -> Bytes:
        return np.where(self.words.token_set(a, b, 84) >= 84, 2, 3).astype(np.uint8)


class Organisation:
    """Names of companies: same 1 (without a blank), alike 2, a telling word 3, differ 4."""

    def __init__(self, words: pa.Array) -> None:
        self.words = Words(words)

    def __call__(self, a: Codes, b: Codes) -> Bytes:
        likeness = self.words.token_set(a, b, 60)
        winkler = self.words.winkler(a, b)
        out = np.where((likeness >= 88) | (winkler >= 0.92), 2, np.where((likeness >= 66) | (winkler >= 0.85), 3, 4)).astype(np.uint8)
        check = np.flatnonzero(out == 3)
        texts = zip(self.words.text[a[check]], self.words.text[b[check]], strict=True)
        out[check] = np.where(np.fromiter((_begins(x, y) for x, y in texts), bool, len(check)), 2, 3)
        return out


def _begins(x: str, y: str) -> bool:
    """Whether the longer of two names begins with the shorter, a slip aside: a branch or a place often stands behind a name."""
    short, long = sorted((x, y), key=len)
    size = len(short.split())
    start = " ".join(long.split()[:size])
    return size > 1 and len(short) > 7 and OSA.distance(short, start, score_cutoff=1) <= 1


class Email:
    """E-mails: near 3, at another service the same name with a number 4 or without 5, another number 6, differ 7."""

    def __init__(self, words: pa.Array) -> None:
        local, domain = before_at(words)
        self.local = Words(local)
        self.numbered = np.append(pc.match_substring_regex(local, "[0-9][0-9]").to_numpy(zero_copy_only=False), False)
        self.bare = coded(pc.replace_substring_regex(local, "[0-9]+", "0"))
        self.domain = coded(domain)

    def __call__(self, a: Codes, b: Codes) -> Bytes:
        slips = self.local.slips(a, b, 2)
        longest = np.maximum(self.local.length[a], self.local.length[b])
        same_domain = self.domain[a] == self.domain[b]
        out = np.full(len(a), 7, np.uint8)
        out[(slips == 0) & (longest >= 5)] = np.where(self.numbered[a], 4, 5)[(slips == 0) & (longest >= 5)]
        out[((slips == 1) & (longest >= 5) | (slips == 2) & (longest >= 9)) & same_domain] = 3
        out[(self.bare[a] == self.bare[b]) & (slips > 0) & same_domain] = 6
        return out


def _cut(words: pa.Array, least: int, start: int, stop: int | None) -> Ints:
    """Codes of a part of each word; a word that is too short to have it is like no other."""
    short = pc.less(pc.utf8_length(words), least).to_numpy(zero_copy_only=False)
    codes = coded(pc.utf8_slice_codeunits(words, start, stop))
    codes[:-1][short] = -2 - np.flatnonzero(short)
    return codes


class Phone:
    """Phones: near 3 (a digit, or the prefix is missing), a neighbouring number 4 (the last digits alone), differ 5."""

    def __init__(self, words: pa.Array) -> None:
        self.words = Words(words)
        self.stem, self.tail = _cut(words, 9, 0, -2), _cut(words, 7, -7, None)

    def __call__(self, a: Codes, b: Codes) -> Bytes:
        near = (self.words.slips(a, b, 1) <= 1) & (np.minimum(self.words.length[a], self.words.length[b]) >= 7)
        tail = (self.tail[a] == self.tail[b]) & (self.words.length[a] != self.words.length[b])
        following = (self.stem[a] == self.stem[b]) & (self.words.length[a] == self.words.length[b])
        return np.where(following & near, 4, np.where(near | tail, 3, 5)).astype(np.uint8)


class Identifier:
    """Identifiers: near 3 (one slip in at least six signs), differ 4."""

    def __init__(self, words: pa.Array) -> None:
        self.words = Words(words)

    def __call__(self, a: Codes, b: Codes) -> Bytes:
        near = (self.words.slips(a, b, 1) <= 1) & (np.minimum(self.words.length[a], self.words.length[b]) >= 6)
        return np.where(near, 3, 4).astype(np.uint8)


class Address:
    """Addresses: own 1, shared 2, building 3, near 4, postcode 5, area 6, differ 7, nothing in common to compare 0."""

    CROWD = 9

    def __init__(self, places: Places, people: Bytes) -> None:
        self.places, self.street = places, Words(places.street)
        self.people = np.append(people, 0)

    def equal(self, codes: Ints, apart: Flags) -> Bytes:
        """Own 1, or shared 2 where more people live than the names of the two records account for."""
        level = np.where(self.people[codes] >= self.CROWD, 3, np.where(self.people[codes] > 1 + apart, 2, 1))
        bare = self.street.length[codes] == 0
        return np.where(bare, np.where(self.places.post[codes] >= 0, 5, 6), level).astype(np.uint8)

    def __call__(self, a: Codes, b: Codes) -> Bytes:
        both = (self.street.length[a] > 0) & (self.street.length[b] > 0)
        post, city = _agree(self.places.post, a, b), _agree(self.places.city, a, b)
        apart = (post == 2) & (city != 1) | (city == 2) & (post != 1)
        out = np.full(len(a), 7, np.uint8)
        zone = _agree(self.places.zone, a, b)
        out[(city == 1) | (zone == 1)] = 6
        out[post == 1] = 5
        near = np.zeros(len(a), bool)
        check = np.flatnonzero(both & ((self.places.number[a] == self.places.number[b]) | (post == 1)) & ((post != 2) | (city != 2)))
        if len(check):
            number = self.places.number[a[check]] == self.places.number[b[check]]
            near[check] = self._like(a[check], b[check], number)
        same_street = both & near & (self.places.number[a] == self.places.number[b]) & ~apart
        exact = np.zeros(len(a), bool)
        exact[same_street] = self.street.slips(a[same_street], b[same_street], 0) == 0
        out[near] = 4
        people = np.maximum(self.people[a], self.people[b])
        out[exact] = np.where(people[exact] >= self.CROWD, 3, np.where(people[exact] > 1, 2, 1))
        nothing = ~both & (post == 0) & (city == 0)
        out[nothing] = 0
        return out

    def _like(self, a: Codes, b: Codes, number: Flags) -> Flags:
        """Whether the streets are alike: very much so where the house numbers are not the same."""
        plain = self.street.ratio(a, b, 84)
        out = np.asarray(plain >= np.where(number, 84, 92))
        rest = np.flatnonzero(number & ~out)
        out[rest] = self.street.token_set(a[rest], b[rest], 84) >= 84
        return out


def _agree(codes: npt.NDArray[np.int32], a: Codes, b: Codes) -> Bytes:
    """1 equal, 2 unequal, 0 where one is missing."""
    u, v = codes[a], codes[b]
    return np.where((u < 0) | (v < 0), 0, np.where(u == v, 1, 2)).astype(np.uint8)


def birth(a: Ints, b: Ints) -> Bytes:
    """Birth dates as YYYYMMDD: same 1, swapped 3, near 4, year 5, differ 6; a part that is 00 is not told."""
    out = np.full(len(a), 6, np.uint8)
    (ya, ma, da), (yb, mb, db) = _date(a), _date(b)
    year, month, day = ya == yb, (ma == mb) & (ma > 0), (da == db) & (da > 0)
    out[year] = 5
    some = np.flatnonzero(year | (month & day) | ((ma == db) & (mb == da)))
    out[some] = _near_birth(a[some], b[some])
    return out


def _date(written: Ints) -> tuple[Ints, Ints, Ints]:
    """Year, month and day."""
    year = written // 10_000
    rest = written - year * 10_000
    month = rest // 100
    return year, month, rest - month * 100


def _near_birth(a: Ints, b: Ints) -> Bytes:
    """The same of dates that agree in the year, or in day and month in either order."""
    (ya, ma, da), (yb, mb, db) = _date(a), _date(b)
    year, month, day = ya == yb, (ma == mb) & (ma > 0), (da == db) & (da > 0)
    partial = (ma == 0) | (mb == 0) | (da == 0) | (db == 0)
    swapped = year & (ma == db) & (mb == da) & (ma > 0)
    digit = (year & (month | day)) | (month & day & _one_digit(ya, yb))
    out = np.full(len(a), 6, np.uint8)
    out[year] = 5
    out[year & partial & (month | (ma == 0) | (mb == 0))] = 4
    out[digit] = 4
    out[month & day & ~year & ~_one_digit(ya, yb)] = 5
    out[(ma == db) & (mb == da) & (ma > 0) & (ma != da) & _one_digit(ya, yb)] = 4
    out[swapped] = 3
    out[a == b] = 1
    out[(a == b) & (ma == 0)] = 4
    return out


def _one_digit(x: Ints, y: Ints) -> Flags:
    """Whether two years differ in one digit, or in neighbouring digits changed about."""
    digits = [(x // d % 10, y // d % 10) for d in (1000, 100, 10, 1)]
    wrong = sum((p != q).astype(np.int8) for p, q in digits)
    turned = (
        (digits[2][0] == digits[3][1]) & (digits[3][0] == digits[2][1]) & (digits[0][0] == digits[0][1]) & (digits[1][0] == digits[1][1])
    )
    return np.asarray((wrong == 1) | turned)


class Teller:
    """What an e-mail's local part tells of a name: both 1, initial 2, given 3, someone else of the family 4, nothing 5.

    Args:
        asked: codes of the e-mails that are asked; the others are not looked at.
    """

    def __init__(self, emails: pa.Array, names: Spelt, asked: Ints) -> None:
        asked = unique(asked)
        self.place = np.full(len(emails) + 1, len(asked), np.int32)
        self.place[asked] = np.arange(len(asked), dtype=np.int32)
        local = spelling(pc.replace_substring_regex(emails.take(pa.array(asked)), "@.*$|[^a-z]", ""))
        self.local, self.given, self.family = Strings(local), Strings(names.sounds), Strings(names.unbroken)
        self.local_signs, self.given_signs, self.family_signs = signs(local), signs(names.sounds), signs(names.unbroken)

    def __call__(self, features: Features, silent: Rows, speaks: Rows) -> Bytes:
        e, g, n = self.place[features.email.first[silent]], features.given.first[speaks], features.family.first[speaks]
        out = np.full(len(e), 5, np.uint8)
        lacking = ~self.local_signs[e]
        rows = np.flatnonzero(((self.given_signs[g] & lacking) == 0) | ((self.family_signs[n] & lacking) == 0))
        texts = zip(self.local[e[rows]], self.given[g[rows]], self.family[n[rows]], strict=True)
        out[rows] = np.fromiter((_told(*text) for text in texts), np.uint8, len(rows))
        return out


def _told(local: str, given: str, family: str) -> int:
    has_given, has_family = len(given) > 2 and given in local, len(family) > 2 and family in local
    if has_given and has_family:
        return 1
    if has_family and (local == given[0] + family or local == family + given[0]):
        return 2
    if has_given and (local in (given + family[0], family[0] + given) or len(given) > 3):
        return 3
    return 4 if has_family and len(local) > len(family) else 5
