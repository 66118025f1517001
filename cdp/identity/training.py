"""Training needs no labels: it finds the chances that make the counted patterns of candidate pairs most probable, from anchored starts.

Expectation maximisation over a latent-class model (Dempster, Laird, Rubin 1977; Fellegi, Sunter 1969; Winkler 2002) with these classes.
What two people of one household, or two namesakes, share by chance is anchored in what random pairs of records share, so that these
classes keep their meaning.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdp.identity.fields import Field, Kind
from cdp.identity.model import PROOF, TELLING, Floats, Model, prior, told, untrained
from cdp.identity.similarity import Bytes

ROUNDS, GROUP_ROUNDS = 200, 30
GROUP_STRENGTH = 200.0
"""How many pairs the shares among all pairs weigh in each group of pairs that tell the same facts."""
NAMESAKES = 0.4
"""How much rarer one person is among pairs of a small set that tell nothing but names."""
NOBODY = 1e-4
"""Share of one person among pairs that tell neither a name nor a contact nor an identifier."""
RARE = 0.1
"""Twins, and namesakes of one household, for each other pair of a household, at most."""
HOUSEMATES = (Kind.TWIN, Kind.JUNIOR)
CONTACTS = ("email", "phone", "identifier")
"""Fields whose own value namesakes share as seldom as the table has it, as long as the pairs are few: where a handful of names is all
there is, namesakes would take everybody who has a mailbox for two."""
STRENGTH = 40.0
"""How many pairs the table of fields weighs, in each class and field."""
FEW = 2000
"""Candidate pairs below which the table weighs more, up to eightfold: classes found in so few pairs are not to be trusted."""
EQUAL = ("rare", "uncommon", "common", "frequent", "same", "own", "shared")
SLIPS = 0.6
"""How often one person's values are near each other, for each time they are equal, at most."""
DUPLICATES = 2.0
"""How many other records of its person a record may have where random pairs are taken for pairs of strangers."""
ANCHOR = 1.0
"""How strongly a field that agrees by chance in a class is held to what random pairs show, as a share of the class."""


def counted(patterns: Bytes) -> tuple[Bytes, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Distinct patterns, how often each occurs, and for each row which one it is."""
    if not len(patterns):
        return patterns, np.zeros(0, np.int64), np.zeros(0, np.int64)
    packed = np.zeros(len(patterns), np.uint64)
    for column in range(patterns.shape[1]):
        packed = packed * np.uint64(15) + patterns[:, column] if column < 16 else packed * np.uint64(31) ^ patterns[:, column]
    inverse, found = pd.factorize(packed, sort=True)
    keys = np.asarray(found)
    some = np.zeros(len(keys), np.int64)
    some[inverse] = np.arange(len(patterns))
    return patterns[some], np.bincount(inverse, minlength=len(keys)), inverse


def _by_facts(model: Model, patterns: Bytes, counts: npt.NDArray[np.int64], thin: float) -> dict[int, Floats]:
    """The shares of the classes among pairs that tell the same facts, half-way to the shares of all.

    What two records lack is no evidence, but pairs that only a name brought together are less often one person than pairs that share a
    mailbox. The chances of the levels stay as they are, so that no class loses its meaning to a group.

    Args:
        thin: how few the pairs are; 1 and more where the table rules.
    """
    group, codes = pd.factorize(told(model.fields, patterns))
    bare = NAMESAKES ** min(1.0, thin)
    usual = np.stack([_fewer(model.share, 1.0 if int(code) & PROOF else bare) for code in codes])
    nobody = np.array([not int(code) & TELLING for code in codes])
    usual[nobody] = np.r_[NOBODY, (1 - NOBODY) * model.share[1:] / model.share[1:].sum()]
    likelihood, shares = np.ascontiguousarray(model.log_likelihood(patterns).T), usual
    for _ in range(GROUP_ROUNDS):
        weight = likelihood + np.take(np.log(shares).T, group, axis=1)
        np.exp(weight - weight.max(axis=0), out=weight)
        weight *= counts / weight.sum(axis=0)
        own = np.stack([np.bincount(group, of_kind, minlength=len(codes)) for of_kind in weight], axis=1) + GROUP_STRENGTH * usual
        shares = np.sqrt(own / own.sum(axis=1, keepdims=True) * usual)
        shares /= shares.sum(axis=1, keepdims=True)
        shares[nobody] = usual[nobody]
    return {int(code): share for code, share in zip(codes, shares, strict=True)}


def _fewer(share: Floats, factor: float) -> Floats:
    """The shares with that of one person multiplied."""
    out = share * np.where(np.arange(len(share)) == Kind.SAME, factor, 1.0)
    return np.asarray(out / out.sum())


def fit(
    fields: tuple[Field, ...],
    patterns: Bytes,
    counts: npt.NDArray[np.int64],
    random: Bytes,
    records: int,
    start: Model | None = None,
    rounds: int = ROUNDS,
) -> Model:
    """A model of the counted patterns of candidate pairs; `random` are patterns of random pairs of that many records.

    Args:
        start: what some of these pairs told already, to go on from.
        rounds: of expectation and maximisation, at most.
    """
    model = untrained(fields)
    total = float(counts.sum())
    if total == 0:
        return model
    thin = FEW / max(min(total, 2.0 * records), FEW / 8)
    strength = STRENGTH * max(1.0, thin)
    by_chance = [_chance(random[:, k], prior(f)) for k, f in enumerate(fields)]
    priors = [_wary(f, prior(f), by_chance[k], records) for k, f in enumerate(fields)]
    share, chance = (start.share, list(start.chance)) if start else (model.share, list(priors))
    levels = _Levels(patterns, [p.shape[1] for p in priors])
    previous = -np.inf
    for _ in range(rounds):
        logs = levels.told(chance) + np.log(share)[:, None]
        top = logs.max(axis=0)
        odds = np.exp(logs - top)
        whole = odds.sum(axis=0)
        likelihood = float(((top + np.log(whole)) * counts).sum())
        weight = odds * (counts / whole)
        mass = weight.sum(axis=1)
        share = _few((mass + strength * model.share) / (mass + strength * model.share).sum())
        chance = [
            _update(f, seen, priors[k], by_chance[k], strength, thin)
            for k, (f, seen) in enumerate(zip(fields, levels.seen(weight), strict=True))
        ]
        if abs(likelihood - previous) < 1e-7 * abs(likelihood):
            break
        previous = likelihood
    model = Model(fields, share, tuple(chance))
    return replace(model, shares=_by_facts(model, patterns, counts, thin))


class _Levels:
    """The levels of many patterns, a few fields at a time: these have far fewer patterns of their own than all fields together."""

    def __init__(self, patterns: Bytes, widths: list[int]) -> None:
        self.groups = [_Group(patterns, columns, widths) for columns in _grouped(patterns)]

    def told(self, chance: list[Floats]) -> Floats:
        """(Kind, patterns): log chance of each pattern in each class. The few classes come first, for sums over them are fast that way."""
        logs = [np.log(np.maximum(c, 1e-9)) for c in chance]
        out = self.groups[0].told(logs)
        for group in self.groups[1:]:
            out += group.told(logs)
        return out

    def seen(self, weight: Floats) -> list[Floats]:
        """For each field (Kind, levels): the weight of the patterns that have each level."""
        return [table for group in self.groups for table in group.seen(weight)]


class _Group:
    """Neighbouring fields, their own patterns, and for each whole pattern which of these it has."""

    def __init__(self, patterns: Bytes, columns: range, widths: list[int]) -> None:
        self.columns = columns
        self.patterns, _, self.which = counted(patterns[:, columns.start : columns.stop])
        self.levels = [np.eye(widths[column])[self.patterns[:, place]] for place, column in enumerate(columns)]

    def told(self, logs: list[Floats]) -> Floats:
        own = np.zeros((len(Kind), len(self.patterns)))
        for place, column in enumerate(self.columns):
            own += logs[column][:, self.patterns[:, place]]
        return np.take(own, self.which, axis=1)

    def seen(self, weight: Floats) -> list[Floats]:
        own = np.stack([np.bincount(self.which, of_kind, minlength=len(self.patterns)) for of_kind in weight])
        return [own @ levels for levels in self.levels]


def _grouped(patterns: Bytes) -> list[range]:
    """Neighbouring columns, as many together as have few patterns of their own."""
    groups, start = [], 0
    for stop in range(1, patterns.shape[1] + 1):
        if stop - start > 1 and len(counted(patterns[:, start:stop])[0]) * len(patterns[0]) > len(patterns):
            groups.append(range(start, stop - 1))
            start = stop - 1
    return [*groups, range(start, patterns.shape[1])]


def _few(share: Floats) -> Floats:
    """The shares with twins and juniors held to what households have of them; the rest is given to all in proportion."""
    most = np.ones(len(share))
    most[list(HOUSEMATES)] = RARE * share[Kind.HOUSEHOLD]
    cut = np.minimum(share, most)
    return np.asarray(cut / cut.sum())


def _update(field: Field, seen: Floats, before: Floats, random: Floats, strength: float, thin: float) -> Floats:
    out = np.ones_like(before)
    for kind in Kind:
        held = seen[kind, 1:] + strength * before[kind, 1:]
        if kind in field.by_chance:
            held = held + ANCHOR * seen[kind, 1:].sum() * random
        out[kind, 1:] = held / held.sum()
    if field.name.partition(":")[0] in CONTACTS:
        most = before[Kind.NAMESAKE, 1] / min(thin, 1.0)
        if out[Kind.NAMESAKE, 1] > most:
            out[Kind.NAMESAKE, 2:] *= (1 - most) / (1 - out[Kind.NAMESAKE, 1])
            out[Kind.NAMESAKE, 1] = most
    out[Kind.SAME, 1:] = _bounded(field, out[Kind.SAME, 1:])
    for kind in HOUSEMATES:
        out[kind] = out[Kind.SAME if kind in field.own else Kind.HOUSEHOLD]
    return out


def _bounded(field: Field, chance: Floats) -> Floats:
    """The chances with those that speak against one person held to their bounds, and what is cut off given to the others in proportion."""
    names = [level.name for level in field.levels]
    slip = np.isin(names, field.slips)
    equal = np.isin(names, EQUAL)
    if slip.any():
        limit = SLIPS * chance[equal].sum() / max(chance[slip].sum(), 1e-12)
        chance = np.where(slip, chance * min(1.0, limit), chance)
        chance = chance / chance.sum()
    bounds = dict(field.most)
    if not bounds:
        return np.asarray(chance)
    most = np.array([bounds.get(name, 1.0) for name in names])
    cut = np.minimum(chance, most)
    free = most >= 1.0
    rest = cut[free].sum()
    cut[free] *= (1 - cut[~free].sum()) / rest if rest else 1.0
    return np.asarray(cut / cut.sum())


def _wary(field: Field, before: Floats, random: Floats, records: int) -> Floats:
    """The table, with values near each other as frequent among strangers as among any two records (less what duplicates make of that)."""
    slip = np.isin([level.name for level in field.levels], field.slips)
    usual = np.where(slip, np.maximum(random - DUPLICATES / max(records, 1), 0.0), 0.0)
    out = before.copy()
    for kind in Kind:
        if kind not in (Kind.SAME, *HOUSEMATES):
            out[kind, 1:] = np.maximum(before[kind, 1:], usual)
            out[kind, 1:] /= out[kind, 1:].sum()
    return out


def _chance(levels: npt.NDArray[np.uint8], before: Floats) -> Floats:
    """Chances of a field's levels in random pairs, held to the table where few pairs have the field."""
    seen = np.bincount(levels, minlength=before.shape[1])[1:].astype(float) + STRENGTH * before[Kind.UNRELATED, 1:]
    return np.asarray(seen / seen.sum())
