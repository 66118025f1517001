"""A profile of records says, before anyone resolves, what they can be told apart and brought together by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cdp.identity.candidates import by_keys
from cdp.identity.features import features
from cdp.identity.prepared import Hub, prepare
from cdp.identity.values import Values

SHOWN = 5


@dataclass(frozen=True)
class Column:
    """How full a field is, how many different values it has, and its most frequent ones with their counts."""

    name: str
    filled: float
    distinct: int
    frequent: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Profile:
    """What a set of records is like.

    Attributes:
        placeholders: values that so many unlike names use, or so many more records than could be, that they carry no evidence.
        pairs_by_key: candidate pairs that each key makes; one pair may come from several.
        unmatchable: records that no key brings together with any other.
        nameless: records that hold nothing to compare at all.
    """

    records: int
    columns: tuple[Column, ...]
    placeholders: tuple[Hub, ...]
    pairs_by_key: dict[str, int]
    unmatchable: int
    nameless: int

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def profile(customers: pa.Table) -> Profile:
    """The profile of a table of customers."""
    raw = features(customers)
    ready = prepare(raw)
    named = {
        "given_name": raw.given,
        "middle_name": raw.middle,
        "family_name": raw.family,
        "birth_date": raw.birth,
        "email": raw.email,
        "phone": raw.phone,
        "address": raw.address,
        "birth_place": raw.place,
        "job_title": raw.job,
        "organisation_name": raw.employer,
        **{f"identifier:{kind}": values for kind, values in raw.identifiers.items()},
    }
    found = by_keys(ready)
    met = np.zeros(raw.rows, bool)
    for part in found.parts:
        met[part.rows] = True
    anything = np.logical_or.reduce([values.first >= 0 for values in named.values()])
    return Profile(
        raw.rows, tuple(_column(n, v) for n, v in named.items()), ready.known.hubs, found.by_key, int((~met).sum()), int((~anything).sum())
    )


def _column(name: str, values: Values) -> Column:
    codes = values.codes[values.codes >= 0]
    counts = np.bincount(codes, minlength=len(values))
    top = np.lexsort((np.arange(len(counts)), -counts))[:SHOWN]
    rows = len(values.codes)
    filled = float((values.first >= 0).mean()) if rows else 0.0
    return Column(name, filled, int((counts > 0).sum()), tuple((str(values.words[int(i)]), int(counts[i])) for i in top if counts[i]))
