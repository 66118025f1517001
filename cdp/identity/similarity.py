"""Similarity of two values is symmetric, and computed once for each distinct pair of unequal values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from nicknames import NickNamer
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

Codes = npt.NDArray[np.signedinteger[Any]]
Bytes = npt.NDArray[np.uint8]
PIECE = 200_000
"""Words whose letters are looked at in one go."""


def by_distinct(a: npt.NDArray[np.int32], b: npt.NDArray[np.int32], compare: Callable[[Codes, Codes], Bytes]) -> Bytes:
    """`compare` applied to each distinct unordered pair of codes, spread back over all pairs."""
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    inverse, keys = pd.factorize((low << 32) | high)
    keys = np.asarray(keys)
    return compare(keys >> 32, keys & 0xFFFFFFFF)[inverse] if len(keys) else np.zeros(0, np.uint8)


@cache
def _namer() -> tuple[dict[str, set[str]], dict[str, set[str]], pa.Array]:
    """Short forms by name, names by short form, and all of both."""
    namer = NickNamer()
    short, whole = namer.nickname_lookup, namer.canonical_lookup
    return short, whole, pa.array(sorted({*short, *whole}), pa.string())


def nicknames(words: pa.Array) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Pairs of words that are forms of one given name, as sorted `low << 32 | high`, by the table of nicknames; and which words are names
    with short forms there, and none as the beginning of the name that they stand for."""
    short, whole, known = _namer()
    with_y = pc.replace_substring_regex(words, "ie$", "y")
    listed = pc.or_(pc.is_in(words, value_set=known), pc.is_in(with_y, value_set=known)).to_numpy(zero_copy_only=False)
    codes = np.flatnonzero(listed)
    code = dict(zip(words.take(pa.array(codes)).to_pylist(), codes.tolist(), strict=True))
    own = np.zeros(len(words), bool)
    found: set[tuple[int, int]] = set()
    forms = defaultdict(set)
    for written, i in code.items():
        names = whole.get(written, set())
        own[i] = bool(short.get(written)) and not any(name.startswith(written) for name in names)
        for word in {written, written[:-2] + "y" if written.endswith("ie") else written}:
            found.update((i, code[other]) for other in (*short.get(word, ()), *whole.get(word, ())) if other in code)
            for name in whole.get(word, ()):
                forms[name].add(i)
    for members in forms.values():
        found.update(combinations(members, 2))
    return as_keys(found), own


def as_keys(pairs: Iterable[tuple[int, int]]) -> Codes:
    """Unordered pairs of unequal codes as `low << 32 | high`, ascending, each once."""
    return np.array(sorted({(min(p) << 32) | max(p) for p in pairs if p[0] != p[1]}), np.int64)


def word_keys(pairs: Iterable[tuple[str, str]], words: pa.Array) -> Codes:
    """The keys of pairs of words, as far as the dictionary has both."""
    at = [pc.index_in(pa.array(side, pa.string()), value_set=words).to_pylist() for side in zip(*pairs, strict=True)]
    return as_keys((x, y) for x, y in zip(*at, strict=True) if x is not None and y is not None)


def contains(sorted_keys: Codes, a: Codes, b: Codes) -> npt.NDArray[np.bool_]:
    """Whether the unordered pair (a, b) is among the keys."""
    if not len(sorted_keys):
        return np.zeros(len(a), bool)
    keys = (np.minimum(a, b) << 32) | np.maximum(a, b)
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.asarray(sorted_keys[at] == keys)


class Strings:
    """Words by code, -1 an empty one; they become Python's only when asked for, since most are never looked at."""

    def __init__(self, words: pa.Array) -> None:
        self._words = words

    def __getitem__(self, codes: npt.NDArray[np.integer]) -> npt.NDArray[np.object_]:
        missing = codes < 0
        asked = pa.array(codes, mask=missing) if missing.any() else pa.array(codes)
        return np.asarray(self._words.take(asked).fill_null("").to_numpy(zero_copy_only=False))


class Words:
    """A dictionary with what comparisons need to know of each word.

    Signs and lengths bound every distance from below, and only pairs within the bound are looked at letter by letter.
    """

    def __init__(self, words: pa.Array) -> None:
        self.text = Strings(words)
        length = np.minimum(pc.utf8_length(words).to_numpy(zero_copy_only=False), 32_767)
        self.length = np.append(length, 0).astype(np.int16)
        self.signs = np.append(signs(words), np.uint64(0))
        several = pc.find_substring(words, " ").to_numpy(zero_copy_only=False) >= 0
        self.several = np.append(several, False)

    def slips(self, a: Codes, b: Codes, most: int = 3) -> npt.NDArray[np.int32]:
        """Optimal-string-alignment distance, capped at `most` + 1."""
        out = np.full(len(a), most + 1, np.int32)
        near = np.abs(self.length[a] - self.length[b]) <= most
        near &= np.maximum(*self._own_signs(a, b)) <= most  # a slip mends one letter on either side
        self._ask(out, np.flatnonzero(near), a, b, OSA.distance, most)
        return out

    def winkler(self, a: Codes, b: Codes, cutoff: float = 0.8) -> npt.NDArray[np.float32]:
        """Jaro-Winkler similarity; may be 0 where it is well below the cutoff."""
        cutoff -= 0.01  # a similarity of exactly the cutoff must not be lost in rounding
        out = np.zeros(len(a), np.float32)
        la, lb = np.maximum(self.length[a], 1), np.maximum(self.length[b], 1)
        common = self._common(a, b)
        least = (cutoff - 0.4) / 0.6  # four letters at the beginning give four tenths of what is missing
        self._ask(out, np.flatnonzero((common / la + common / lb + 1) / 3 >= least - 1e-6), a, b, JaroWinkler.similarity, cutoff)
        return out

    def ratio(self, a: Codes, b: Codes, cutoff: float = 60) -> npt.NDArray[np.float32]:
        """Share of equal letters, 0 to 100; 0 below the cutoff."""
        out = np.zeros(len(a), np.float32)
        most = 200 * self._common(a, b) / np.maximum(self.length[a] + self.length[b], 1)
        self._ask(out, np.flatnonzero(most >= cutoff - 1e-3), a, b, fuzz.ratio, cutoff)
        return out

    def token_set(self, a: Codes, b: Codes, cutoff: float = 60) -> npt.NDArray[np.float32]:
        """Likeness of the words, where one may have more of them than the other, 0 to 100; 0 below the cutoff."""
        out = np.zeros(len(a), np.float32)
        asked = np.flatnonzero(self.several[a] | self.several[b]) if cutoff >= 100 else np.arange(len(a))
        self._ask(out, asked, a, b, fuzz.token_set_ratio, cutoff)
        return out

    def prefix(self, a: Codes, b: Codes, least: int = 3) -> npt.NDArray[np.bool_]:
        """Whether one word starts with the whole of the other."""
        out = np.zeros(len(a), bool)
        la, lb = self.length[a], self.length[b]
        only_a, only_b = self._own_signs(a, b)
        possible = ((only_a == 0) & (la <= lb) & (la >= least)) | ((only_b == 0) & (lb <= la) & (lb >= least))
        rows = np.flatnonzero(possible)
        x, y = self.text[a[rows]], self.text[b[rows]]
        out[rows] = np.fromiter((q.startswith(p) or p.startswith(q) for p, q in zip(x, y, strict=True)), bool, len(rows))
        return out

    def _ask(self, out: npt.NDArray[Any], rows: Codes, a: Codes, b: Codes, scorer: Any, cutoff: float) -> None:
        """Puts the score of the pairs `rows` into `out`."""
        if len(rows):
            out[rows] = cpdist(self.text[a[rows]], self.text[b[rows]], scorer=scorer, score_cutoff=cutoff, dtype=out.dtype)

    def _own_signs(self, a: Codes, b: Codes) -> tuple[Bytes, Bytes]:
        """How many letters each word has that the other lacks, at least."""
        x, y = self.signs[a], self.signs[b]
        return np.bitwise_count(x & ~y), np.bitwise_count(y & ~x)

    def _common(self, a: Codes, b: Codes) -> npt.NDArray[np.int16]:
        """How many letters two words have in common, at most."""
        only_a, only_b = self._own_signs(a, b)
        return np.asarray(np.minimum(self.length[a] - only_a, self.length[b] - only_b))


def signs(words: pa.Array) -> npt.NDArray[np.uint64]:
    """Which letters a word has: a bit for each of the usual ones, and some for all others together."""
    out = np.zeros(len(words), np.uint64)
    for start in range(0, len(words), PIECE):
        part = words.slice(start, PIECE).cast(pa.large_binary())
        offsets = np.frombuffer(part.buffers()[1], np.int64)[part.offset : part.offset + len(part) + 1]
        letters = np.frombuffer(part.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
        filled = np.flatnonzero(np.diff(offsets))
        if len(filled):
            out[start + filled] = np.bitwise_or.reduceat(_SIGN[letters], offsets[filled] - offsets[0])
    foreign = np.flatnonzero(~pc.string_is_ascii(words).to_numpy(zero_copy_only=False))
    for code, word in zip(foreign.tolist(), words.take(pa.array(foreign)).to_pylist(), strict=True):
        out[code] = np.bitwise_or.reduce(_SIGN[[ord(c) if ord(c) < 128 else 128 + ord(c) % 128 for c in word]])
    return out


def _places() -> npt.NDArray[np.uint64]:
    """The bit of each character; those of one script share bits, which makes the bounds weaker and never wrong."""
    usual = {ord(c): i for i, c in enumerate("abcdefghijklmnopqrstuvwxyz0123456789 ")}
    return np.array([1 << usual.get(byte, 37 + byte % 27) for byte in range(256)], np.uint64)


_SIGN = _places()
