"""The names of a record: given, middle and family name, all of them as one, and the generation (senior, junior, third)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.identity import text
from cdp.identity.arrays import at_once, in_threads
from cdp.identity.values import (
    Ints,
    Values,
    column,
    either,
    encoded,
    folded,
    joined,
    lists,
    mapped,
    merged,
    remapped,
    strings,
    taken,
    together,
)


@dataclass(frozen=True)
class Names:
    """Given, middle, family and whole names of each record, its generation, and the sources whose full names begin with the family name."""

    given: Values
    middle: Values
    family: Values
    whole: Values
    rank: Ints
    family_first: frozenset[str]


def names(table: pa.Table, family_first: frozenset[str] | None) -> Names:
    """The names in a table; which sources write the family name first is learned from it where None."""
    columns = ("given_name", "middle_name", "family_name", "full_name", "suffix")
    given, middle, family, full, suffix = in_threads(lambda name: folded(column(table, name)), columns)
    rank = _rank(suffix, family, given, full)
    if family_first is None:
        family_first = _family_first(table, given, family, full)
    given, family = mapped(given, text.without_marks), mapped(family, text.without_marks)
    given, family = _from_full(table, given, family, family_first)
    given_text = joined(strings(given), strings(middle))
    given_all = encoded(given_text)
    first, rest = mapped(given_all, text.first_word), mapped(given_all, text.later_words)
    rest, whole, (givens, families) = at_once(
        lambda: _rest_of_full(rest, first, family, mapped(full, text.without_marks)),
        lambda: mapped(encoded(joined(given_text, strings(family))), text.sorted_words),
        lambda: together(merged([first, _nick(table)]), merged([family, _former(table)])),
    )
    return Names(givens, rest, families, whole, rank, family_first)


def _from_full(table: pa.Table, given: Values, family: Values, family_first: frozenset[str]) -> tuple[Values, Values]:
    """Given and family name read from the full name where a record has neither."""
    full = column(table, "full_name")
    missing = (given.first < 0) & (family.first < 0)
    if not missing.any() or full.null_count == len(full):
        return given, family
    turned = pc.is_in(column(table, "source"), value_set=pa.array(sorted(family_first), pa.string()))
    for family_comes_first, rows in ((False, pc.invert(turned)), (True, turned)):
        chosen = pc.and_(pa.array(missing), rows)
        raw = encoded(pc.if_else(chosen, full, pa.scalar(None, pa.string())))
        found = text.full_names(raw.words, text.fold(raw.words), family_comes_first)
        given, family = (either(known, remapped(raw.codes, part)) for known, part in zip((given, family), found, strict=True))
    return given, family


def _family_first(table: pa.Table, given: Values, family: Values, full: Values) -> frozenset[str]:
    """Sources whose full names begin with the family name, as far as names that other records give in parts can tell."""
    source = encoded(column(table, "source"))
    alone = (given.first < 0) & (family.first < 0) & (full.first >= 0)
    if not alone.any():
        return frozenset()
    known, leaning = _leanings(given, family)

    def leans(words: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        found = pc.index_in(words, value_set=known).fill_null(-1).to_numpy(zero_copy_only=False)
        return np.asarray(leaning[found])

    several = pc.match_substring(full.words, " ").to_numpy(zero_copy_only=False)
    votes = np.append(np.where(several, leans(text.first_word(full.words)) - leans(text.last_word(full.words)), 0.0), 0.0)
    score = np.bincount(source.first[alone], votes[full.first[alone]], minlength=len(source))
    return frozenset(str(name) for name, value in zip(source.words.to_pylist(), score, strict=True) if value > 5)


def _leanings(given: Values, family: Values) -> tuple[pa.Array, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Words, and how much the use of each speaks for a family name, from -1 to 1; one more 0 at the end, for a word that is not known."""
    parts, uses = [], []
    for values in (given, family):
        split = pc.split_pattern(values.words, " ")
        counts = np.bincount(values.first[values.first >= 0], minlength=len(values))
        parts.append(split.flatten())
        uses.append(counts[pc.list_parent_indices(split).to_numpy()])
    words = pa.concat_arrays(parts).dictionary_encode()
    codes = np.split(words.indices.to_numpy(), [len(parts[0])])
    as_given, as_family = (np.bincount(c, use, minlength=len(words.dictionary)) for c, use in zip(codes, uses, strict=True))
    told = as_given + as_family
    return words.dictionary, np.append(np.where(told >= 3, (as_family - as_given) / np.maximum(told, 1), 0.0), 0.0)


def _rest_of_full(rest: Values, first: Values, family: Values, full: Values) -> Values:
    """Names between given and family name that only the full name tells."""
    rows = np.flatnonzero((full.first >= 0) & (rest.first < 0) & (first.first >= 0))
    given, last, whole = (strings(taken(values, rows)) for values in (first, family, full))
    plain = pc.or_(pc.equal(joined(given, last), whole), pc.equal(joined(last, given), whole)).to_numpy(zero_copy_only=False)
    told = pa.array(np.flatnonzero(~plain))
    if not len(told):
        return rest
    known = pc.binary_join_element_wise(given.take(told), last.take(told), "|", null_handling="replace", null_replacement="")
    both = encoded(pc.binary_join_element_wise(whole.take(told), known, "|"))
    found = remapped(both.codes, pa.array([_between(v) for v in both.words.to_pylist()], pa.string()))
    codes = np.full((len(rest.codes), 1), -1, np.int32)
    codes[rows[told.to_numpy()]] = found.codes
    return either(rest, Values(codes, found.words))


def _between(line: str) -> str | None:
    full, first, family = line.split("|")
    known = {first, *family.split()}
    return " ".join(w for w in full.split() if w not in known and not w.isdigit()) or None


def _rank(suffix: Values, *fields: Values) -> Ints:
    """Generation of each record: 1 senior, 2 junior, 3 third …; -1 where nothing is said."""
    ranks = _ranks_of(suffix, text.suffix_ranks)
    for values in fields:
        ranks = np.where(ranks >= 0, ranks, _ranks_of(values, text.generation_marks))
    return ranks


def _ranks_of(values: Values, ranks: Callable[[pa.Array], pa.Array]) -> Ints:
    lookup = np.array([int(rank) if rank else -1 for rank in [*ranks(values.words).to_pylist(), None]], np.int32)
    return lookup[values.first]


def _nick(table: pa.Table) -> Values:
    return mapped(folded(column(table, "nickname")), text.first_word)


def _former(table: pa.Table) -> Values:
    values = lists(table, "former_names", keep=2)
    return mapped(remapped(values.codes, text.fold(values.words)), text.last_word)
