"""Candidate pairs are those that share a key; no key makes a block beyond its budget, and the pairs do not depend on the order of rows.

A key is a 64-bit number for each record (or several, for a field with several values). A block that is too large is divided by further
facts of its records; what is still too large then is left to the other keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cdp.identity import text
from cdp.identity.arrays import among, ascending, changes, in_threads, unique
from cdp.identity.blocks import Blocks, Part
from cdp.identity.prepared import Prepared
from cdp.identity.values import Ints, Values, coded, parents, slots

Rows = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
FEW = 500
"""Records of a set so small that all its pairs are compared."""
LARGEST = 60
"""Records in a block at most; a block of n records has n(n-1)/2 pairs."""
ALONE = 20
"""Records in a block up to which its pairs need no second key: what more records share says little of two of them."""
WEAK = 0
"""What stands for `ALONE` at a key that needs a second one in any block: of 10,000 pairs that it alone brings together, about one is a
person."""


@dataclass(frozen=True)
class Key:
    """One way to bring records together: rows and their keys; pairs of blocks larger than `alone` must share another block too."""

    name: str
    rows: Rows
    keys: Keys
    alone: int = ALONE


def blocks(prepared: Prepared, largest: int = LARGEST) -> Blocks:
    """The records that are worth comparing, in blocks; in a small set all are."""
    rows = prepared.features.rows
    if rows <= FEW:
        return Blocks.of(rows, prepared.features.person, [Part.of("a small set", np.arange(rows), np.zeros(rows, np.uint64))])
    return by_keys(prepared, largest)


def by_keys(prepared: Prepared, largest: int = LARGEST) -> Blocks:
    """The records that share a key, in blocks."""
    ways = Ways(prepared)
    facts = ways.facts
    parts = in_threads(lambda keys: [part for key in keys for part in _parts(_ordered(key), facts, largest)], ways)
    return Blocks.of(prepared.features.rows, prepared.features.person, chain.from_iterable(parts))


def mix(*parts: npt.NDArray[np.integer]) -> Keys:
    """One 64-bit number from several codes."""
    out = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        out ^= part.astype(np.int64).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15) + (out << np.uint64(6)) + (out >> np.uint64(2))
        out *= np.uint64(0xBF58476D1CE4E5B9)
        out ^= out >> np.uint64(29)
    return out


def mix_or_none(*parts: Ints) -> Ints:
    """A 31-bit code of several codes, -1 where one is missing."""
    valid = np.logical_and.reduce([p >= 0 for p in parts])
    return np.where(valid, (mix(*parts) >> np.uint64(33)).astype(np.int64), -1).astype(np.int32)


def _parts(key: Key, facts: list[Ints], largest: int) -> Iterator[Part]:
    yield from _small(key, largest)
    large = _sized(key, largest + 1, len(key.rows))
    for fact in facts if len(large.rows) else ():
        valid = fact[large.rows] >= 0
        divided = replace(large, rows=large.rows[valid], keys=mix(large.keys[valid].view(np.int64), fact[large.rows[valid]]))
        yield from _small(_ordered(divided), largest)


def _small(key: Key, largest: int) -> Iterator[Part]:
    """Blocks of 2 to `largest` records."""
    enough = min(key.alone, largest)
    for least, most in ((2, enough), (max(enough + 1, 2), largest)):
        some = _sized(key, least, most)
        yield Part.of(key.name, some.rows, some.keys, alone=most <= enough)


def _ordered(key: Key) -> Key:
    """Sorted by key, then row, each row once in a block.

    Key and row are sorted as one number: as many bits as a row needs, and the key's upper bits, at least 33 of them.
    """
    if not len(key.rows):
        return key
    bits = np.uint64(max(int(key.rows.max()).bit_length(), 1))
    packed = unique(((key.keys >> bits) << bits) | key.rows.astype(np.uint64))
    return replace(key, rows=(packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64), keys=packed >> bits)


def _sized(key: Key, least: int, most: int) -> Key:
    """Those blocks of an ordered key that have so many records."""
    starts = np.flatnonzero(changes(key.keys))
    size = np.diff(np.r_[starts, len(key.keys)])
    chosen = np.repeat((size >= least) & (size <= most), size)
    return replace(key, rows=key.rows[chosen], keys=key.keys[chosen])


_TABLES = (
    "_addressed",
    "_sound_given",
    "_sound_family",
    "_given1",
    "_given3",
    "_family1",
    "_family3",
    "_year",
    "_day_of_year",
    "_day_either",
)
"""What several keys are made of."""


class Ways:
    """The ways to bring the records of a prepared set together: the keys of each are made when they are asked for, by whatever thread."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.x = prepared.features
        in_threads(lambda table: getattr(self, table), _TABLES)

    def __iter__(self) -> Iterator[Iterator[Key]]:
        return chain(self._contacts(), self._names(), self._births(), self._homes(), [self._identical()])

    def _identical(self) -> Iterator[Key]:
        """Many records that say the same make overlapping blocks, for no key would hold them all."""
        x = self.x
        fields = (x.given, x.middle, x.family, x.birth, x.email, x.phone, x.address, x.place, x.job, x.employer, *x.identifiers.values())
        digest = mix(x.person.astype(np.int32), x.gender, x.rank, *(values.first for values in fields))
        ordered = np.sort(digest)
        starts = np.flatnonzero(changes(ordered))
        size = np.diff(starts, append=len(ordered))
        many = np.flatnonzero(among(digest, ordered[starts[size > LARGEST]]))
        order = many[np.argsort(digest[many], kind="stable")]
        starts = np.flatnonzero(changes(digest[order]))
        size = np.diff(starts, append=len(order))
        place = np.arange(len(order)) - np.repeat(starts, size)
        step = LARGEST - 1
        lead = (place > 0) & (place % step == 0)
        rows, part = np.r_[order, order[lead]], np.r_[place // step, place[lead] // step - 1]
        if len(rows):
            yield Key("identical", rows, mix(digest[rows].view(np.int64), part), LARGEST)

    def _each(self, name: str, values: Values, lookup: Callable[[], Ints] | None = None, alone: int = ALONE) -> Iterator[Key]:
        """One key for each value that a record holds."""
        rows, slots = np.nonzero(values.codes >= 0)
        codes = values.codes[rows, slots]
        if lookup is not None:
            codes = lookup()[codes]
            rows, codes = rows[codes >= 0], codes[codes >= 0]
        if len(rows):
            yield Key(name, rows.astype(np.int64), mix(codes), alone)

    def _all(self, name: str, *parts: Ints, alone: int = ALONE) -> Iterator[Key]:
        """A key of several facts, for the records that have them all."""
        rows = np.flatnonzero(np.logical_and.reduce([p >= 0 for p in parts]))
        if len(rows):
            yield Key(name, rows, mix(*(p[rows] for p in parts)), alone)

    def _contacts(self) -> Iterator[Iterator[Key]]:
        x = self.x
        mails, phones = x.email.words, x.phone.words
        yield self._each("email", x.email, alone=LARGEST)
        yield self._each("email name", x.email, lambda: _mailbox(mails, 5, _local))
        yield self._each("email start", x.email, lambda: _mailbox(mails, 6, _start), alone=WEAK)
        yield self._each("email end", x.email, lambda: _mailbox(mails, 6, _end), alone=WEAK)
        yield self._each("phone", x.phone, alone=LARGEST)
        yield self._each("phone end", x.phone, lambda: _cut(phones, 7, -7, None))
        yield self._each("phone start", x.phone, lambda: _cut(phones, 8, 0, -2))
        for kind, values in x.identifiers.items():
            yield self._each(f"identifier {kind}", values, alone=LARGEST)

    def _names(self) -> Iterator[Iterator[Key]]:
        x = self.x
        yield self._all("whole name", x.whole.first)
        yield self._all("given and family name", x.given.first, x.family.first)
        yield self._all("sounds", self._sound_given, self._sound_family)
        yield self._all("given name and family initials", x.given.first, self._family3, alone=WEAK)
        yield self._all("family name and given initial", x.family.first, self._given1)
        yield self._all("given initials and family sound", self._given3, self._sound_family)
        yield self._later()
        organisations = Values(np.where(x.person[:, None], -1, x.employer.codes), x.employer.words)
        yield self._each("organisation", organisations, lambda: _cut(x.employer.words, 1, 0, 5))
        yield self._told()

    def _births(self) -> Iterator[Iterator[Key]]:
        x = self.x
        yield self._all("birth date", x.birth.first)
        yield self._all("birth date and given initial", x.birth.first, self._given1)
        yield self._all("birth date and family initial", x.birth.first, self._family1)
        yield self._all("birth year, given initials and family initials", self._year, self._given3, self._family3)
        yield self._all("birth day, given and family initial", self._day_of_year, self._given3, self._family1)
        yield self._all("day and month in either order", self._day_either, self._given3)

    def _homes(self) -> Iterator[Iterator[Key]]:
        x = self.x
        post, city, house = self._addressed
        yield self._each("address", x.address)
        yield self._all("house and given initial", house, self._given1)
        yield self._all("house and family initial", house, self._family1)
        yield self._all("postcode and given name", post, x.given.first, alone=WEAK)
        yield self._all("postcode and family name", post, x.family.first)
        yield self._all("postcode and birth year", post, self._year, alone=WEAK)
        yield self._all("postcode and initials", post, self._given1, self._family1, alone=WEAK)
        yield self._all("city, given and family initials", city, self._given3, self._family3)
        yield self._all("birth place and given initials", x.place.first, self._given3, self._family1)
        yield self._all("birth place and family name", x.place.first, x.family.first)

    def _told(self) -> Iterator[Key]:
        """Records without a whole name meet those whose name their e-mail spells."""
        x = self.x
        silent = np.flatnonzero((x.email.first >= 0) & ((x.given.first < 0) | (x.family.first < 0)))
        speaks = np.flatnonzero((x.given.first >= 0) & (x.family.first >= 0))
        if not len(silent) or not len(speaks):
            return
        used, place = np.unique(x.email.first[silent], return_inverse=True)
        letters = pc.replace_substring_regex(x.email.words.take(pa.array(used)), r"@.*|[^\pL]", "")
        heard = letters.take(pa.array(place))
        heard = pc.if_else(pc.greater(pc.utf8_length(heard), 5), heard, pa.scalar(None, pa.string())).dictionary_encode()
        given, family = x.given.words.take(pa.array(x.given.first[speaks])), x.family.words.take(pa.array(x.family.first[speaks]))
        initial = pc.utf8_slice_codeunits(given, 0, 1)
        rows, codes = [silent], [heard.indices]
        for spelt in ((given, family), (family, given), (initial, family), (family, initial)):
            codes.append(pc.index_in(pc.binary_join_element_wise(*spelt, "").cast(pa.string()), value_set=heard.dictionary))
            rows.append(speaks)
        said = np.concatenate([c.fill_null(-1).to_numpy(zero_copy_only=False) for c in codes])
        yield Key("name in email", np.concatenate(rows)[said >= 0], mix(said[said >= 0]))

    def _later(self) -> Iterator[Key]:
        """Each name behind the first given name, beside that one's initials."""
        x, first = self.x, self._given3
        parts = [_words_of(x.middle, 2), _words_of(x.family, 3)]
        shared = pa.concat_arrays([p.words for p in parts]).dictionary_encode().indices.to_numpy(zero_copy_only=False)
        rows, codes = [], []
        for part, known in zip(parts, np.split(shared, [len(parts[0])]), strict=True):
            row, slot = np.nonzero((part.codes >= 0) & (first >= 0)[:, None])
            rows.append(row)
            codes.append(known[part.codes[row, slot]])
        row = np.concatenate(rows)
        if len(row):
            yield Key("given initial and any later name", row, mix(np.concatenate(codes), first[row]))

    @cached_property
    def facts(self) -> list[Ints]:
        """What divides a block that is too large; a record without the fact drops out of the divided block."""
        x, (post, city, _) = self.x, self._addressed
        return [x.birth.first, post, mix_or_none(self._year, x.given.first), city, x.phone.first, x.email.first]

    @cached_property
    def _addressed(self) -> tuple[Ints, Ints, Ints]:
        places, first = self.prepared.places, self.x.address.first
        return places.post[first], places.city[first], places.house[first]

    @cached_property
    def _given1(self) -> Ints:
        return _sliced(self.x.given, 1)

    @cached_property
    def _given3(self) -> Ints:
        return _sliced(self.x.given, 3)

    @cached_property
    def _family1(self) -> Ints:
        return _sliced(self.x.family, 1)

    @cached_property
    def _family3(self) -> Ints:
        return _sliced(self.x.family, 3)

    @cached_property
    def _sound_given(self) -> Ints:
        return _sound(self.x.given)

    @cached_property
    def _sound_family(self) -> Ints:
        return _sound(self.x.family)

    @cached_property
    def _year(self) -> Ints:
        birth = self.x.birth
        return np.array([int(w[:4]) for w in birth.words.to_pylist()] + [-1], np.int32)[birth.first]

    @cached_property
    def _day_of_year(self) -> Ints:
        return coded(_told_day(self.x.birth.words, pc.utf8_slice_codeunits(self.x.birth.words, 4)))[self.x.birth.first]

    @cached_property
    def _day_either(self) -> Ints:
        words = self.x.birth.words
        year, month, day = (pc.utf8_slice_codeunits(words, *span) for span in ((0, 4), (4, 6), (6, 8)))
        either = pc.binary_join_element_wise(pc.min_element_wise(month, day), pc.max_element_wise(month, day), year, "")
        return coded(_told_day(words, either))[self.x.birth.first]


def _told_day(birth: pa.Array, wanted: pa.Array) -> pa.Array:
    """What is wanted of the dates that tell a month."""
    return pc.if_else(pc.equal(pc.utf8_slice_codeunits(birth, 4, 6), "00"), pa.scalar(None, pa.string()), wanted)


def _cut(words: pa.Array, least: int, start: int, stop: int | None) -> Ints:
    """Codes of a part of each word that has at least so many letters."""
    long = pc.greater_equal(pc.utf8_length(words), least)
    return coded(pc.if_else(long, pc.utf8_slice_codeunits(words, start, stop), pa.scalar(None, pa.string())))


def _mailbox(emails: pa.Array, least: int, cut: Callable[[pa.Array, int], pa.Array]) -> Ints:
    """Codes of what is cut from each address, -1 where too few letters stand before the @; those of one length are cut in one go."""
    length = text.at_sign(emails)
    rows = ascending(length)
    rows = rows[length[rows] >= least]
    pieces = np.split(rows, np.flatnonzero(np.diff(length[rows])) + 1) if len(rows) else []
    found = [cut(emails.take(pa.array(piece)), int(length[piece[0]])) for piece in pieces]
    out = np.full(len(emails) + 1, -1, np.int32)
    out[rows] = coded(pa.concat_arrays(found or [emails[:0]]))[:-1]
    return out


def _local(emails: pa.Array, length: int) -> pa.Array:
    return pc.utf8_slice_codeunits(emails, 0, length)


def _start(emails: pa.Array, length: int) -> pa.Array:
    half = pc.utf8_slice_codeunits(emails, 0, max(5, length // 2))
    return pc.binary_join_element_wise(half, pc.utf8_slice_codeunits(emails, length + 1), "")


def _end(emails: pa.Array, length: int) -> pa.Array:
    return pc.utf8_slice_codeunits(emails, length // 2)


def _words_of(values: Values, keep: int) -> Values:
    """The first few words of each record's first value, as values of their own."""
    split = pc.split_pattern(values.words, " ")
    words = slots(len(values), parents(split), split.flatten(), keep)
    return Values(np.concatenate([words.codes, np.full((1, words.codes.shape[1]), -1, np.int32)])[values.first], words.words)


def _sliced(values: Values, letters: int) -> Ints:
    return coded(pc.utf8_slice_codeunits(values.words, 0, letters))[values.first]


def _sound(values: Values) -> Ints:
    """Consonants in classes, the first letter kept: a coarse ear for European names."""
    words = values.words
    for pattern, to in (
        (r"^(ph|v)", "f"),
        ("(ck|q|c|g)", "k"),
        ("(ph|v|w)", "f"),
        ("(z|sch|sh)", "s"),
        ("(d|th)", "t"),
        ("b", "p"),
        ("j", "y"),
        ("m", "n"),
    ):
        words = pc.replace_substring_regex(words, pattern, to)
    head, tail = pc.utf8_slice_codeunits(words, 0, 1), pc.utf8_slice_codeunits(words, 1)
    tail = pc.replace_substring_regex(tail, "[aeiouhy ]", "")
    for double in ("kk", "ff", "ss", "tt", "pp", "nn", "ll", "rr"):
        tail = pc.replace_substring(tail, double, double[0])
    return coded(pc.binary_join_element_wise(head, pc.utf8_slice_codeunits(tail, 0, 4), ""))[values.first]
