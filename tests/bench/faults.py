"""What goes wrong in writing: typos, misread scans, case, gaps and what staff put into a field they cannot leave empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Rng = np.random.Generator

_NEAR = {
    a: b
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
    for a, b in zip(row, row[1:] + row[-2], strict=True)
}
_SCANNED = {
    "o": "0",
    "O": "0",
    "l": "1",
    "I": "l",
    "e": "c",
    "n": "r",
    "m": "rn",
    "u": "v",
    "U": "V",
    "R": "P",
    "E": "F",
    "B": "8",
    "S": "5",
    "a": "o",
    "h": "b",
}


def typo(text: str, rng: Rng) -> str:
    """One slip: a letter twice, missing, swapped with the next, or the one beside it."""
    if len(text) < 3:
        return text
    at = int(rng.integers(0, len(text) - 1))
    slip = int(rng.integers(0, 4))
    if slip == 0:
        return text[: at + 1] + text[at:]
    if slip == 1:
        return text[:at] + text[at + 1 :]
    if slip == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + _NEAR.get(text[at].lower(), text[at]) + text[at + 1 :]


def misread(text: str, rng: Rng) -> str:
    """One letter read as another, as by a scanner."""
    places = [at for at, letter in enumerate(text) if letter in _SCANNED]
    if not places:
        return typo(text, rng)
    at = places[int(rng.integers(0, len(places)))]
    return text[:at] + _SCANNED[text[at]] + text[at + 1 :]


def strike(column: pa.Array, rate: float, rng: Rng, fault: Callable[[str, Rng], str]) -> pa.Array:
    """`fault` done to a share of the values (a tenth of those twice)."""
    hit = np.flatnonzero(rng.random(len(column)) < rate)
    if not len(hit):
        return column
    twice = rng.random(len(hit)) < 0.1
    struck = [
        None if text is None else fault(fault(text, rng), rng) if again else fault(text, rng)
        for text, again in zip(column.take(pa.array(hit)).to_pylist(), twice, strict=True)
    ]
    mask = np.zeros(len(column), bool)
    mask[hit] = True
    return pc.replace_with_mask(column, pa.array(mask), pa.array(struck, pa.string()))


def recase(column: pa.Array, case: str, rng: Rng) -> pa.Array:
    if case == "upper":
        return pc.utf8_upper(column)
    if case == "lower":
        return pc.utf8_lower(column)
    if case == "mixed":
        drawn = rng.random(len(column))
        return pc.if_else(pa.array(drawn < 0.15), pc.utf8_upper(column), pc.if_else(pa.array(drawn > 0.85), pc.utf8_lower(column), column))
    return column


def blank(column: pa.Array, filled: float, rng: Rng) -> pa.Array:
    return pc.if_else(pa.array(rng.random(len(column)) < filled), column, pa.scalar(None, pa.string()))


def placeholders(column: pa.Array, values: Sequence[str], rate: float, rng: Rng) -> pa.Array:
    """A share of the gaps (and, a tenth as often, of the values) hold one of `values`, the first most often."""
    if not values or not rate:
        return column
    weights = 1.0 / np.arange(1, len(values) + 1) ** 1.5
    drawn = pa.array(np.array(values)[rng.choice(len(values), size=len(column), p=weights / weights.sum())])
    empty = np.asarray(column.is_null())
    chosen = rng.random(len(column)) < np.where(empty, rate, rate / 10)
    return pc.if_else(pa.array(chosen), drawn, column)


def swap(left: pa.Array, right: pa.Array, rate: float, rng: Rng) -> tuple[pa.Array, pa.Array]:
    mask = pa.array(rng.random(len(left)) < rate)
    return pc.if_else(mask, right, left), pc.if_else(mask, left, right)


Placeholders = Mapping[str, Sequence[str]]
