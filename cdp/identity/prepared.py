"""Prepared records are features plus what the whole set tells of each value: how frequent it is, and how many people seem to use it.

Placeholders and hubs are found here, from the data: a value used under many unlike names carries no evidence, so its code becomes -1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cdp.identity.addresses import Places
from cdp.identity.arrays import at_once, unique
from cdp.identity.features import Features
from cdp.identity.values import Ints, Values

Bytes = npt.NDArray[np.uint8]
FREQUENT, COMMON, UNCOMMON = 0.02, 0.004, 0.0006
"""Share of records from which on a value counts as frequent, common, and uncommon; below it is rare."""
USUAL, UNTOLD = 0.0018, 1000
"""The share of a name that nothing is known of, and the records that this guess weighs."""
ESTABLISHED = 2e-4
"""Share of records from which on a spelling is a name of its own rather than a slip of another."""
HUB_GIVEN, HUB_FAMILY = 9, 6
"""A contact point used under so many unlike given and family names is nobody's."""


@dataclass(frozen=True)
class Hub:
    """A value that was taken out: what it is, how many records hold it."""

    field: str
    value: str
    records: int
    names: int


@dataclass(frozen=True)
class Known:
    """What a set told of values, as a model keeps it for records that come later.

    Attributes:
        usual: the share that a name has which the set hardly knew.
        names: share of records of each name that is one of its own rather than a slip.
        words: words that are common in names, alone or beside others.
        births: birth dates that more records share than chance explains.
        hubs: placeholders, and values that many unlike people use.
    """

    usual: float = 0.0
    names: Mapping[str, float] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    births: frozenset[str] = frozenset()
    hubs: tuple[Hub, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """Features with value statistics; `band` and `shared` are by dictionary code, `someone` is who a record may be by its initials."""

    features: Features
    given_band: Bytes
    given_known: npt.NDArray[np.bool_]
    family_band: Bytes
    family_known: npt.NDArray[np.bool_]
    common_words: frozenset[str]
    birth_common: npt.NDArray[np.bool_]
    email_shared: Bytes
    phone_shared: Bytes
    address_shared: Bytes
    places: Places
    identifier_shared: dict[str, Bytes]
    someone: Ints
    known: Known


def prepare(features: Features, known: Known | None = None) -> Prepared:
    """Count values, mark shared ones, take placeholders out.

    Args:
        known: what a model knows of values; frequencies are its, and its hubs are added to those that these records show.
    """
    initials = _initials(features.given), _initials(features.family)
    someone = _someone(*initials)
    contacts = {"email": features.email, "phone": features.phone, **features.identifiers}
    places, (birth, false_dates), address_shared, *found = at_once(
        lambda: Places.of(features.address.words),
        lambda: _without_false_dates(features.birth),
        lambda: _used_by(features.address, someone),
        *(partial(_without_hubs, name, values, initials, someone) for name, values in contacts.items()),
    )
    (email, email_shared, _), (phone, phone_shared, _), *others = found
    identifiers = {kind: values for kind, (values, _, _) in zip(features.identifiers, others, strict=True)}
    identifier_shared = {kind: shared for kind, (_, shared, _) in zip(features.identifiers, others, strict=True)}
    hubs = (*chain.from_iterable(hubs for _, _, hubs in found), *false_dates)
    if known:
        email, phone, birth = (
            _without(values, name, known) for name, values in (("email", email), ("phone", phone), ("birth_date", birth))
        )
        identifiers = {kind: _without(values, kind, known) for kind, values in identifiers.items()}
    clean = replace(features, email=email, phone=phone, birth=birth, identifiers=identifiers)
    known = known or _learned(clean, someone, hubs)
    words = features.given.words.to_pylist()
    band = _band(np.array([known.names.get(word, known.usual) for word in words]))
    established = np.array([word in known.names for word in words], bool)
    return Prepared(
        features=clean,
        given_band=band,
        given_known=established,
        family_band=band,
        family_known=established,
        common_words=known.words,
        birth_common=np.array([date in known.births for date in birth.words.to_pylist()], bool),
        email_shared=email_shared,
        phone_shared=phone_shared,
        address_shared=address_shared,
        places=places,
        identifier_shared=identifier_shared,
        someone=someone,
        known=known,
    )


def _counts(values: Values) -> npt.NDArray[np.int64]:
    codes = values.codes[values.codes >= 0]
    return np.bincount(codes, minlength=len(values))


def _learned(features: Features, someone: Ints, hubs: tuple[Hub, ...]) -> Known:
    """What the set itself tells of its values. Given and family names have one dictionary."""
    counts = np.maximum(_counts(features.given), _counts(features.family))
    established = np.flatnonzero((counts >= 3) & (counts >= ESTABLISHED * features.rows))
    share = _share(counts[established], features.rows).tolist()
    nameless = _counts(Values(features.birth.codes[someone < 0], features.birth.words))
    many = _people(features.birth, someone)[0] + nameless > max(3.0, 0.001 * (features.birth.first >= 0).sum())
    return Known(
        usual=float(_share(np.zeros(1, np.int64), features.rows)[0]),
        names=dict(zip(features.given.words.take(pa.array(established)).to_pylist(), share, strict=True)),
        words=_common_words(features.family),
        births=frozenset(features.birth.words.filter(pa.array(many)).to_pylist()),
        hubs=hubs,
    )


def _share(counts: npt.NDArray[np.int64], rows: int) -> npt.NDArray[np.float64]:
    """Share of records; in a small set few repeats are no sign of a common name, nor one record of a rare one."""
    return np.asarray((np.maximum(counts - 2, 0) + USUAL * UNTOLD) / (rows + UNTOLD))


def _band(share: npt.NDArray[np.float64]) -> Bytes:
    """0 rare, 1 uncommon, 2 common, 3 frequent."""
    return (share >= UNCOMMON).astype(np.uint8) + (share >= COMMON) + (share >= FREQUENT)


def _common_words(names: Values) -> frozenset[str]:
    """The words that are common in names, alone or beside others."""
    counts: dict[str, int] = {}
    for name, count in zip(names.words.to_pylist(), _counts(names).tolist(), strict=True):
        for word in name.split():
            counts[word] = counts.get(word, 0) + count
    share = _share(np.array(list(counts.values()), np.int64), len(names.codes))
    return frozenset(word for word, level in zip(counts, _band(share).tolist(), strict=True) if level > 1)


def _without(values: Values, name: str, known: Known) -> Values:
    """The field without the values that a model knows for nobody's."""
    gone = {hub.value for hub in known.hubs if hub.field == name}
    if not gone:
        return values
    kept = [-1 if word in gone else code for code, word in enumerate(values.words.to_pylist())]
    return Values(np.array([*kept, -1], np.int32)[values.codes], values.words)


def _initials(names: Values) -> Ints:
    """A small code for the first letter of each record's name; -1 without one."""
    if not len(names):
        return np.full(len(names.codes), -1, np.int32)
    letters = pc.binary_slice(names.words.cast(pa.binary()), 0, 1).to_pylist()
    lookup = np.array([c[0] if c else -1 for c in letters] + [-1], np.int32)
    return lookup[names.first]


def _someone(given: Ints, family: Ints) -> Ints:
    """A small code for who a record may be: both initials, in either order, or the one that is told; -1 without a name."""
    low, high = np.minimum(given, family), np.maximum(given, family)
    return np.where(high < 0, -1, (low + 1) * 256 + high).astype(np.int32)


def _people(values: Values, initials: Ints) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each value: under how many different initials it is used, and in how many records. Initials on their own count where no others
    do."""
    rows, slots = np.nonzero(values.codes >= 0)
    codes = values.codes[rows, slots].astype(np.int64)
    told = initials[rows] >= 0
    distinct = unique(codes[told] * 65536 + initials[rows][told])
    whole = distinct % 65536 >= 256
    people = np.maximum(*(np.bincount(distinct[part] // 65536, minlength=len(values)) for part in (whole, ~whole)))
    return people, np.bincount(codes, minlength=len(values))


def _used_by(values: Values, someone: Ints) -> Bytes:
    """The number of people that seem to use each value, 255 at most."""
    return np.minimum(_people(values, someone)[0], 255).astype(np.uint8)


def _without_hubs(name: str, values: Values, initials: tuple[Ints, Ints], someone: Ints) -> tuple[Values, Bytes, list[Hub]]:
    """The field without values that many unlike names use, the number of people that seem to use each value that stays, and the others."""
    if not len(values):
        return values, np.zeros(0, np.uint8), []
    given, count = _people(values, initials[0])
    family, _ = _people(values, initials[1])
    hub = ((given >= HUB_GIVEN) & (family >= HUB_FAMILY)) | (given >= 14) | ((family >= 10) & (given + family >= 14))
    hubs = [Hub(name, str(values.words[int(i)]), int(count[i]), int(given[i])) for i in np.flatnonzero(hub)]
    lookup = np.append(np.where(hub, -1, np.arange(len(values))), -1).astype(np.int32)
    return Values(lookup[values.codes], values.words), _used_by(values, someone), hubs


def _without_false_dates(birth: Values) -> tuple[Values, list[Hub]]:
    """The birth dates without placeholders, and these: far more records hold them than any true birthday could explain."""
    counts = _counts(birth)
    if not len(counts):
        return birth, []
    total = counts.sum()
    usual = np.sort(counts)[int(0.99 * (len(counts) - 1))]
    false = (counts >= 20) & (counts > 8 * usual) & (counts > 0.002 * total)
    hubs = [Hub("birth_date", str(birth.words[int(i)]), int(counts[i]), 0) for i in np.flatnonzero(false)]
    lookup = np.append(np.where(false, -1, np.arange(len(birth))), -1).astype(np.int32)
    return Values(lookup[birth.codes], birth.words), hubs
