"""Features depend on the records, not on the order they came in."""

from __future__ import annotations

import numpy as np

from cdp.identity.features import Features, features, in_order
from cdp.identity.values import Values

from .people import crowd, r, t


def written(found: Features, name: str) -> list[list[str | None]]:
    """The values of a field, by record."""
    values: Values = getattr(found, name)
    words = [*values.words.to_pylist(), None]
    return [[words[code] for code in row] for row in values.codes.tolist()]


def test_in_another_order_nothing_is_left_of_the_order_before() -> None:
    rows = [*crowd(12), r("x", "Anna Smith Jones", "shop", former_names=["Anna Abel"], email="x@mail.example")]
    turned = np.random.default_rng(1).permutation(len(rows))
    order = np.argsort([row["record_id"] for row in rows], kind="stable")
    one, two = in_order(features(t(*rows)), order), in_order(features(t(*(rows[i] for i in turned))), np.argsort(turned)[order])
    for name in ("given", "middle", "family", "whole", "birth", "email", "phone", "address"):
        assert getattr(one, name).codes.tolist() == getattr(two, name).codes.tolist(), name
        assert getattr(one, name).words.to_pylist() == getattr(two, name).words.to_pylist(), name
    assert (one.sources, one.source.tolist()) == (two.sources, two.source.tolist())


def test_records_keep_their_values_in_another_order() -> None:
    table = t(*crowd(12))
    before = features(table)
    order = np.arange(table.num_rows)[::-1]
    after = in_order(before, order)
    for name in ("given", "family", "birth", "email", "phone", "address"):
        assert written(after, name) == written(before, name)[::-1]
    assert after.given.words is after.family.words
