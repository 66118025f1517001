"""Bounds by letters and lengths spare comparisons, and change none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from cdp.identity.similarity import Strings, Words

WORDS = st.lists(st.text("abcdé 1ßя日", min_size=1, max_size=9), min_size=2, max_size=25, unique=True)
KNOWN = [
    "smith",
    "smiht",
    "schmidt",
    "müller",
    "mueller",
    "anne marie",
    "marie anne",
    "marie",
    "kate",
    "katherine",
    "привет",
    "日本",
    "日本語",
]


def pairs(words: list[str]) -> tuple[Words, np.ndarray, np.ndarray, list[tuple[str, str]]]:
    """Every pair of the words, as codes and as text."""
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(len(words)), np.arange(len(words))))
    return Words(pa.array(words)), a, b, [(words[i], words[j]) for i, j in zip(a, b, strict=True)]


@settings(max_examples=60, deadline=None)
@given(WORDS, st.integers(0, 3))
def test_slips_are_those_of_every_pair(words: list[str], most: int) -> None:
    known, a, b, texts = pairs(words)
    assert known.slips(a, b, most).tolist() == [min(OSA.distance(x, y), most + 1) for x, y in texts]


@settings(max_examples=60, deadline=None)
@given(WORDS, st.sampled_from([0.8, 0.85, 0.9]))
def test_winkler_reaches_its_cutoff_where_it_does_without_bounds(words: list[str], cutoff: float) -> None:
    known, a, b, texts = pairs(words)
    full = np.array([JaroWinkler.similarity(x, y) for x, y in texts], np.float32)
    assert (known.winkler(a, b, cutoff) >= cutoff).tolist() == (full >= cutoff).tolist()


@settings(max_examples=60, deadline=None)
@given(WORDS, st.sampled_from([60, 84]))
def test_ratio_is_that_of_every_pair(words: list[str], cutoff: float) -> None:
    known, a, b, texts = pairs(words)
    full = [ratio if (ratio := fuzz.ratio(x, y)) >= cutoff else 0 for x, y in texts]
    assert np.allclose(known.ratio(a, b, cutoff), full, atol=1e-3)


@pytest.mark.parametrize("least", [3, 4])
def test_a_prefix_is_the_whole_of_one_word(least: int) -> None:
    known, a, b, texts = pairs(KNOWN)
    full = [(len(x) >= least and y.startswith(x)) or (len(y) >= least and x.startswith(y)) for x, y in texts]
    assert known.prefix(a, b, least).tolist() == full


def test_all_words_of_the_one_among_those_of_the_other() -> None:
    known, a, b, texts = pairs(KNOWN)
    unequal = a != b
    full = np.array([fuzz.token_set_ratio(x, y) for x, y in texts]) >= 100
    assert (known.token_set(a, b, 100) >= 100)[unequal].tolist() == full[unequal].tolist()


def test_a_missing_word_is_empty() -> None:
    assert Strings(pa.array(["x", "y"]))[np.array([1, -1, 0])].tolist() == ["y", "", "x"]
