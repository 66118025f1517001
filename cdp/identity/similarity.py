"""Similarity of two values is symmetric, and computed once for each distinct pair of unequal values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from nicknames import NickNamer
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

Codes = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


def by_distinct(a: npt.NDArray[np.int32], b: npt.NDArray[np.int32], compare: Callable[[Codes, Codes], Bytes]) -> Bytes:
    """`compare` applied to each distinct unordered pair of codes, spread back over all pairs."""
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    inverse, keys = pd.factorize((low << 32) | high)
    keys = np.asarray(keys)
    return compare(keys >> 32, keys & 0xFFFFFFFF)[inverse] if len(keys) else np.zeros(0, np.uint8)


@cache
def _nicknames() -> NickNamer:
    return NickNamer()


def nickname_pairs(words: list[str], learned: Sequence[tuple[str, str]] = ()) -> Codes:
    """Pairs of words that are forms of one given name, as sorted `low << 32 | high`; `learned` are such pairs that training found."""
    namer = _nicknames()
    forms = defaultdict(set)
    code = {w: i for i, w in enumerate(words)}
    found = {(min(code[x], code[y]), max(code[x], code[y])) for x, y in learned if x in code and y in code}
    for written, i in code.items():
        word = written[:-2] + "y" if written.endswith("ie") and not namer.canonicals_of(written) else written
        for other in namer.nicknames_of(word):
            j = code.get(other)
            if j is not None and j != i:
                found.add((min(i, j), max(i, j)))
        for canonical in namer.canonicals_of(word):
            forms[canonical].add(i)
    for members in forms.values():
        ordered = sorted(members)
        found.update((x, y) for n, x in enumerate(ordered) for y in ordered[n + 1 :])
    return np.sort(np.array([(x << 32) | y for x, y in found], np.int64))


def contains(sorted_keys: Codes, a: Codes, b: Codes) -> npt.NDArray[np.bool_]:
    """Whether the unordered pair (a, b) is among the keys."""
    if not len(sorted_keys):
        return np.zeros(len(a), bool)
    keys = (np.minimum(a, b) << 32) | np.maximum(a, b)
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.asarray(sorted_keys[at] == keys)


class Words:
    """A dictionary with what comparisons need to know of each word."""

    def __init__(self, words: pa.Array) -> None:
        self.text = np.array([*words.to_pylist(), ""], dtype=object)
        self.length = np.append(pc.utf8_length(words).to_numpy(zero_copy_only=False), 0).astype(np.int32)

    def slips(self, a: Codes, b: Codes, most: int = 3) -> npt.NDArray[np.int32]:
        """Optimal-string-alignment distance, capped at `most` + 1."""
        return np.asarray(cpdist(self.text[a], self.text[b], scorer=OSA.distance, score_cutoff=most, workers=2, dtype=np.int32))

    def winkler(self, a: Codes, b: Codes) -> npt.NDArray[np.float32]:
        """Jaro-Winkler similarity."""
        return np.asarray(cpdist(self.text[a], self.text[b], scorer=JaroWinkler.similarity, score_cutoff=0.8, workers=2, dtype=np.float32))

    def ratio(self, a: Codes, b: Codes, cutoff: float = 60) -> npt.NDArray[np.float32]:
        """Share of equal letters, 0 to 100."""
        return np.asarray(cpdist(self.text[a], self.text[b], scorer=fuzz.ratio, score_cutoff=cutoff, workers=2, dtype=np.float32))

    def token_set(self, a: Codes, b: Codes, cutoff: float = 60) -> npt.NDArray[np.float32]:
        """Likeness of the words, where one may have more of them than the other, 0 to 100."""
        return np.asarray(cpdist(self.text[a], self.text[b], scorer=fuzz.token_set_ratio, score_cutoff=cutoff, workers=2, dtype=np.float32))

    def prefix(self, a: Codes, b: Codes, least: int = 3) -> npt.NDArray[np.bool_]:
        """Whether one word starts with the whole of the other."""
        x, y = self.text[a], self.text[b]
        return np.fromiter(
            ((len(p) >= least and q.startswith(p)) or (len(q) >= least and p.startswith(q)) for p, q in zip(x, y, strict=True)),
            bool,
            len(a),
        )
