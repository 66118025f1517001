"""Given a model, people are a pure function of the set of records and the decisions: neither row order nor number of threads matters.

`resolve` walks the plan: prepare, find candidates, compare, train (where no model is given), complete, cluster. Each step is a function
of its own module; another engine that finds pairs its own way calls `Comparer`, `Model` and `agglomerate` just the same.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cdp.errors import PlatformError
from cdp.identity.arrays import ascending, at_once, frugal, release
from cdp.identity.blocks import Blocks, Flags
from cdp.identity.candidates import LARGEST, blocks
from cdp.identity.cluster import agglomerate, numbered
from cdp.identity.compare import Comparer
from cdp.identity.compared import Compared, Engine, compare_all
from cdp.identity.confidence import confidence, lost, settled
from cdp.identity.features import Features, features, in_order
from cdp.identity.first_look import without_barren
from cdp.identity.forms import name_forms, touched
from cdp.identity.households import households, of_a_home
from cdp.identity.limits import within
from cdp.identity.model import Model
from cdp.identity.prepared import Prepared, prepare
from cdp.identity.rules import Identifier, Rules
from cdp.identity.similarity import Bytes
from cdp.identity.training import ROUNDS, fit
from cdp.identity.values import Values
from cdp.identity.weighed import Weighed

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
DOUBT = (0.2, 0.9)
"""Probabilities between which a pair is shown to a steward."""
CERTAIN = 9.0
"""Evidence (nats) that no single pair outdoes when clusters are weighed: one coincidence must not outvote many facts."""
ONE_TO_ONE = 3.0
"""Evidence that two records of sources without duplicates have beforehand: each rival that finds its own record leaves one fewer."""
RULED = 1e6
"""Evidence of a pair that a rule makes one person; no sum of evidence comes near it."""
RANDOM_PAIRS = 60_000
LOOKED = 40
"""Rounds of training on the pairs that are looked at first: enough to tell barren meetings, and the whole training goes on from there."""
SLICE = 1_000_000
"""Records whose handles are hashed in one go."""


class Verdict(StrEnum):
    """A person's word on two records."""

    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Decision:
    """`a` and `b` are values of the column record_id; a decision on a record that is not there waits for it."""

    kind: Verdict
    a: object
    b: object


@dataclass(frozen=True)
class Options:
    """What the caller knows beforehand; the default suits every set.

    Attributes:
        duplicate_free: sources with at most one record for each person.
        largest_block: records in a block of candidates at most.
        rules: blocked values, and what must and must not match.
    """

    duplicate_free: frozenset[str] = frozenset()
    largest_block: int = LARGEST
    rules: Rules | None = None


@dataclass(frozen=True)
class Stage:
    """What a step did: how long it took, how many things it made, the peak memory of the process after it (MiB)."""

    name: str
    seconds: float
    count: int
    peak_mib: int


@dataclass(frozen=True)
class Resolution:
    """Who is who.

    Attributes:
        cluster: for each row the number of its person, 0, 1, … in the order of their first row.
        confidence: for each person, how probable it is that the records are one person and no other belongs to it.
        links: pairs of rows judged one person: row_a, row_b, the evidence of the two (nats), the probability in the light of all records
            (`settled`), pattern (a level for each field of the model).
        doubtful: pairs that a person should look at, the most doubtful first; the same columns.
        households: for each row the number of its household; people of one household live together.
        model: what judged.
        stages: what each step did.
        unheeded: decisions `same` that a decision `different` contradicts.
    """

    cluster: Rows
    confidence: Floats
    links: pa.Table
    doubtful: pa.Table
    households: Rows
    model: Model
    stages: tuple[Stage, ...] = ()
    unheeded: tuple[Decision, ...] = ()


class UnknownColumns(PlatformError):
    """The table lacks a column that resolution needs."""


@dataclass
class _Clock:
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[list[int]]:
        """Times a step; the caller puts the number of things it made into the list."""
        count, start = [0], time.perf_counter()
        yield count
        release()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.stages.append(Stage(name, time.perf_counter() - start, count[0], peak))


def train(customers: pa.Table, options: Options | None = None) -> Model:
    """A model learned from the records alone."""
    with frugal():
        return _Work(customers, options or Options()).trained()


def resolve(
    customers: pa.Table,
    model: Model | None = None,
    options: Options | None = None,
    decisions: Sequence[Decision] = (),
    engine: Engine = compare_all,
) -> Resolution:
    """The people in `customers`.

    Args:
        customers: schema CUSTOMER, with `source` and `record_id`.
        model: trained on the records themselves where None.
        decisions: hold whatever the evidence says.
        engine: who compares the candidate pairs; this process, or Spark (`cdp.identity.spark`). The answer is the same.
    """
    with frugal():
        return _Work(customers, options or Options(), model, engine).resolved(model, decisions)


class _Work:
    """One run over one table: rows in canonical order, so that nothing depends on the order they came in."""

    def __init__(self, customers: pa.Table, options: Options, model: Model | None = None, engine: Engine = compare_all) -> None:
        missing = {"source", "record_id"} - set(customers.column_names)
        if missing:
            raise UnknownColumns(
                f"the table of customers lacks {', '.join(sorted(missing))}; add them: the source of each record, and a handle unique to it"
            )
        self.options, self.clock, self.model, self.engine = options, _Clock(), model, engine
        self.handles = customers["record_id"].combine_chunks()
        with self.clock.step("prepare") as count:
            found, self.order = at_once(
                lambda: features(customers, None if model is None else model.family_first), lambda: _canonical(customers)
            )
            found = in_order(found, self.order)
            self.prepared: Prepared = prepare(_allowed(found, options.rules), model.known if model else None)
            count[0] = customers.num_rows
        self.comparer = Comparer(self.prepared) if model is None else Comparer(self.prepared, model.fields, model.forms)
        self.rows = customers.num_rows
        self._found: Compared | None = None
        self.decided = np.zeros(self.rows, bool)

    def blocks(self) -> Blocks:
        """The records that are worth comparing, in blocks."""
        with self.clock.step("candidates") as count:
            found = blocks(self.prepared, self.options.largest_block)
            release()
            found = without_barren(found, self.comparer, self._judge)
            count[0] = sum(found.by_key.values())
        return found

    def compared(self) -> Compared:
        """Candidate pairs and their patterns."""
        if self._found is None:
            found = self.blocks()
            with self.clock.step("compare") as count:
                self._found = self.engine(found, self.comparer)
                count[0] = len(self._found.a)
        return self._found

    def trained(self) -> Model:
        found = self.compared()
        with self.clock.step("train") as count:
            forms = name_forms(self.comparer.fields, self.prepared.features, found)
            if forms:
                self.comparer = self.comparer.knowing(forms)
                again = touched(self.prepared.features, found, forms)
                found = self._found = found.revised(again, self.comparer(found.a[again].astype(np.int64), found.b[again].astype(np.int64)))
            count[0] = len(found.patterns)
            rounds = ROUNDS // 2 if self.model else ROUNDS
            model = fit(self.comparer.fields, found.patterns, found.counts, self._random, self.rows, self.model, rounds)
            seen = {"records": self.rows, "pairs": len(found.a), "patterns": len(found.patterns)}
            return replace(model, trained_on=seen, forms=forms, family_first=self.prepared.features.family_first, known=self.prepared.known)

    def _judge(self, patterns: Bytes, counts: npt.NDArray[np.int64]) -> Model:
        """The model, or what so many pairs tell of it."""
        self.model = self.model or fit(self.comparer.fields, patterns, counts, self._random, self.rows, rounds=LOOKED)
        return self.model

    @cached_property
    def _random(self) -> Bytes:
        """Patterns of random pairs of records."""
        if self.rows < 2:
            return np.zeros((0, len(self.comparer.fields)), np.uint8)
        generator = np.random.default_rng(self.rows)
        a, b = generator.integers(0, self.rows, RANDOM_PAIRS), generator.integers(0, self.rows, RANDOM_PAIRS)
        kind = self.prepared.features.person
        fine = (a != b) & (kind[a] == kind[b])
        return self.comparer(a[fine], b[fine])

    def resolved(self, model: Model | None, decisions: Sequence[Decision]) -> Resolution:
        model = model or self.trained()  # may revise patterns
        found = self.compared()
        ruled = self._ruled(decisions)
        with self.clock.step("score") as count:
            pairs = self._scored(model, found, ruled)
            x, y = found.of(of_a_home(self.comparer.fields, found.patterns, model.posterior(found.patterns)))
            count[0] = len(pairs)
        del found  # most of the pairs, and nobody asks for them any more
        self._found = None
        with self.clock.step("cluster") as count:
            pairs, label, unheeded = self._people(model, pairs, ruled)
            count[0] = int(label.max()) + 1 if len(label) else 0
        with self.clock.step("households"):
            near = of_a_home(self.comparer.fields, pairs.patterns, pairs.posterior)[pairs.which]
            homes = households(np.r_[pairs.a[near], x], np.r_[pairs.b[near], y], label)
        return self._told(pairs, label, homes, model, unheeded)

    def _scored(self, model: Model, found: Compared, ruled: list[tuple[Decision, int, int]]) -> Weighed:
        """All pairs to weigh."""
        evidence, posterior = model.evidence(found.patterns), model.posterior(found.patterns)
        if self.options.rules:
            evidence[self.options.rules.joins(self.comparer.fields, found.patterns)] = CERTAIN
        same = np.array([(x, y) for d, x, y in ruled if d.kind == Verdict.SAME], np.int64).reshape(-1, 2)
        matter = found.matter(self.rows, evidence, posterior, same)
        pairs = Weighed(found.a[matter], found.b[matter], found.pattern[matter], found.patterns, evidence, posterior, len(matter))
        return pairs.completed(self.rows, self.comparer, model)

    def _ruled(self, decisions: Sequence[Decision]) -> list[tuple[Decision, int, int]]:
        """Decisions on rows in canonical order; those on absent records drop out."""
        if not decisions:
            return []
        place = {handle: row for row, handle in enumerate(self.handles.take(pa.array(self.order)).to_pylist())}
        known = [(d, place.get(d.a), place.get(d.b)) for d in decisions]
        return sorted(
            ((d, x, y) for d, x, y in known if x is not None and y is not None and x != y),
            key=lambda r: (r[0].kind, min(r[1:]), max(r[1:])),
        )

    def _people(self, model: Model, pairs: Weighed, ruled: list[tuple[Decision, int, int]]) -> tuple[Weighed, Rows, tuple[Decision, ...]]:
        """The pairs as they count in the end, the person of each row, and the decisions that others contradict."""
        never = np.array([(x, y) for d, x, y in ruled if d.kind == Verdict.DIFFERENT], np.int64).reshape(-1, 2)
        base, unheeded = _joined(self.rows, [r for r in ruled if r[0].kind == Verdict.SAME], never)
        self.decided = np.bincount(base, minlength=self.rows)[base] > 1
        if self.options.rules is None:
            return pairs, self._clustered(pairs, base, never), unheeded
        pairs, label = within(
            self.options.rules,
            self.prepared.features,
            self.comparer.fields,
            model,
            pairs,
            lambda weighed, apart: self._clustered(weighed, base, never, apart),
        )
        return pairs, label, unheeded

    def _clustered(self, pairs: Weighed, base: Rows, never: Rows, apart_too: Flags | None = None) -> Rows:
        """The person of each row; `never` are rows, and `apart_too` pairs, that must not be one person."""
        marks = self._marks(base)
        low, high = (base[np.r_[rows, others]].astype(np.int32) for rows, others in ((pairs.a, never[:, 0]), (pairs.b, never[:, 1])))
        known = slice(0, len(pairs))
        weight = np.zeros(len(low))
        weight[known] = np.clip(pairs.evidence, -CERTAIN, CERTAIN)[pairs.which]
        forbidden = np.arange(len(low)) >= len(pairs)
        if self.options.duplicate_free:
            clean = (marks[low[known]] > 0) & (marks[high[known]] > 0)
            weight[known] += np.where(clean, ONE_TO_ONE, 0.0)
        if self.options.rules:
            weight[known][self.options.rules.joins(self.comparer.fields, pairs.patterns)[pairs.which]] = RULED
            forbidden[known] |= self.options.rules.forbids(self.comparer.fields, pairs.patterns)[pairs.which]
        if apart_too is not None:
            forbidden[known] |= apart_too
        counts = np.ones(len(low))
        counts[known] = pairs.telling[pairs.which]
        apart = low != high
        if not apart.all():
            low, high, weight, counts, forbidden = low[apart], high[apart], weight[apart], counts[apart], forbidden[apart]
        label = agglomerate(self.rows, low, high, weight, counts, forbidden, marks, self.decided)
        return numbered(label[base]) if self.rows else label

    def _marks(self, base: Rows) -> npt.NDArray[np.uint64]:
        """A bit for each duplicate-free source that a row comes from."""
        x = self.prepared.features
        free = [s for s in x.sources if s in self.options.duplicate_free][:64]
        bit = np.array([1 << free.index(s) if s in free else 0 for s in x.sources] + [0], np.uint64)
        marks = np.zeros(self.rows, np.uint64)
        if not free:
            return marks
        np.bitwise_or.at(marks, base, bit[x.source])
        return marks

    def _told(self, pairs: Weighed, label: Rows, homes: Rows, model: Model, unheeded: tuple[Decision, ...]) -> Resolution:
        """The answer in the caller's row order."""
        alone, kept = pairs.probability, label[pairs.a] == label[pairs.b]
        chance = settled(label, pairs)
        doubt = pairs.candidate & (chance > DOUBT[0]) & (chance < DOUBT[1]) | (~kept & (alone >= DOUBT[1]))
        (cluster, back), certainty, links, doubtful, (households, _) = at_once(
            lambda: _in_caller_order(label, self.order),
            lambda: confidence(label, pairs, alone, self.decided, lost(label, self.prepared.features)),
            lambda: _pairs(pairs, chance, np.flatnonzero(kept), self.order),
            lambda: _pairs(pairs, chance, np.flatnonzero(doubt), self.order),
            lambda: _in_caller_order(homes, self.order),
        )
        sure = np.zeros(len(back))
        sure[back] = certainty
        if doubtful.num_rows:
            doubtful = doubtful.take(np.argsort(np.abs(doubtful["probability"].to_numpy() - 0.5), kind="stable"))
        return Resolution(
            cluster=cluster,
            confidence=sure,
            links=links,
            doubtful=doubtful,
            households=households,
            model=model,
            stages=tuple(self.clock.stages),
            unheeded=unheeded,
        )


def _allowed(all_features: Features, rules: Rules | None) -> Features:
    """Features without the values that rules block."""
    if rules is None:
        return all_features

    def without(kind: str, values: Values) -> Values:
        kept = [-1 if rules.is_blocked(Identifier(kind, word)) else code for code, word in enumerate(values.words.to_pylist())]
        return Values(np.array([*kept, -1], np.int32)[values.codes], values.words)

    identifiers = {kind: without(kind, values) for kind, values in all_features.identifiers.items()}
    return replace(
        all_features, email=without("email", all_features.email), phone=without("phone", all_features.phone), identifiers=identifiers
    )


def _canonical(customers: pa.Table) -> Rows:
    """An order of rows that depends on the set of records only."""
    handle = pc.binary_join_element_wise(
        customers["source"].cast(pa.string()),
        customers["record_id"].cast(pa.string()),
        "\x1f",
        null_handling="replace",
        null_replacement="",
    )
    keys = [
        pd.util.hash_array(handle.slice(start, SLICE).to_numpy(zero_copy_only=False).astype(object), categorize=False)
        for start in range(0, len(handle), SLICE)
    ]
    return np.argsort(np.concatenate(keys or [np.zeros(0, np.uint64)]), kind="stable").astype(np.int64)


def _joined(rows: int, same: list[tuple[Decision, int, int]], never: Rows) -> tuple[Rows, tuple[Decision, ...]]:
    """Each row's representative after the decisions `same`; one that would join what must stay apart is not heeded."""
    parent: dict[int, int] = {}

    def root(x: int) -> int:
        while x in parent:
            x = parent[x]
        return x

    unheeded = []
    for decision, x, y in same:
        low, high = sorted((root(x), root(y)))
        if low == high:
            continue
        if any({root(int(p)), root(int(q))} == {low, high} for p, q in never):
            unheeded.append(decision)
            continue
        parent[high] = low
    base = np.arange(rows, dtype=np.int64)
    for row in parent:
        base[row] = root(row)
    return base, tuple(unheeded)


def _in_caller_order(label: Rows, order: Rows) -> tuple[Rows, Rows]:
    """Labels for the caller's rows, numbered by first row there; and the new number of each old label."""
    spread = np.empty(len(label), np.int64)
    spread[order] = label
    named = numbered(spread) if len(spread) else spread
    back = np.zeros(int(label.max()) + 1 if len(label) else 0, np.int64)
    back[spread] = named
    return named, back


def _pairs(pairs: Weighed, probability: Floats, chosen: Rows, order: Rows) -> pa.Table:
    """The chosen pairs with what they are worth, by the caller's rows."""
    a, b = order[pairs.a[chosen]], order[pairs.b[chosen]]
    low, high = np.minimum(a, b), np.maximum(a, b)
    sorted_ = ascending(low * len(order) + high)
    chosen = chosen[sorted_]
    low, high, which = low[sorted_], high[sorted_], pairs.which[chosen]
    pattern = pa.FixedSizeListArray.from_arrays(pa.array(pairs.patterns[which].reshape(-1)), pairs.patterns.shape[1])
    return pa.table(
        {
            "row_a": low,
            "row_b": high,
            "evidence": pairs.evidence[which],
            "probability": probability[chosen],
            "pattern": pattern,
        }
    )
