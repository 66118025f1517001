"""Identity rules are a file that overrules evidence: values that identify nobody, limits of values, what must and must not match.

Blocked values, limits and priorities are those that buyers know from Segment Unify; `Rules()` has its defaults. When an event's identifiers
would break a limit, the identifier of the lowest priority is dropped from the event and the search begins again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from cdp.errors import PlatformError
from cdp.identity.fields import Field
from cdp.identity.similarity import Bytes

PERIODS = {"ever": None, "weekly": timedelta(days=7), "monthly": timedelta(days=30), "annually": timedelta(days=365)}
ANY = "*"


class RulesError(PlatformError):
    """A file of rules that cannot be used."""


@dataclass(frozen=True, order=True)
class Identifier:
    """One identifier of a person."""

    type: str
    value: str


@dataclass(frozen=True)
class Limit:
    """How many values of a type one person may have within a period (a word of PERIODS)."""

    most: int
    period: str = "ever"


@dataclass(frozen=True)
class Held:
    """An identifier that a profile has, and when it was last seen."""

    identifier: Identifier
    at: datetime


@dataclass(frozen=True)
class Match:
    """What an event's identifiers lead to.

    Attributes:
        profiles: none (a new profile), one (add to it), or several (merge them, the first lives on).
        used: identifiers that count.
        dropped: identifiers that do not, each with the reason.
    """

    profiles: tuple[str, ...]
    used: tuple[Identifier, ...]
    dropped: tuple[tuple[Identifier, str], ...] = ()


@dataclass(frozen=True)
class Rules:
    """What a file of rules says.

    Attributes:
        blocked: for a type, or `*`, patterns of values that identify nobody; the whole value must fit.
        limits: for a type, or `*`.
        priority: types, the most trusted first; others follow in the order of the alphabet.
        must_match: records that agree in all fields of one of these lists are one person.
        must_not_match: records that differ in one of these fields never are.
    """

    blocked: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {ANY: ("[0-]*", "-1", "null", "anonymous")})
    limits: Mapping[str, Limit] = field(default_factory=lambda: {"user_id": Limit(1), ANY: Limit(5)})
    priority: tuple[str, ...] = ("user_id", "email")
    must_match: tuple[tuple[str, ...], ...] = ()
    must_not_match: tuple[str, ...] = ()

    @classmethod
    def load(cls, source: Path | Mapping[str, Any]) -> Rules:
        """The rules in a YAML file, or in a document already read.

        Raises:
            RulesError: no such file, no YAML, or a place in it that schemas/identity-rules.schema.json refuses.
        """
        document = source if isinstance(source, Mapping) else _read(source)
        schema = json.loads(resources.files("schemas").joinpath("identity-rules.schema.json").read_text(encoding="utf-8"))
        wrong = best_match(Draft202012Validator(schema).iter_errors(document))
        if wrong:
            place = "/".join(str(step) for step in wrong.absolute_path) or "the document"
            raise RulesError(f"identity rules: {place}: {wrong.message}; docs/identity.md shows a whole file")
        default = cls()
        limits = {kind: Limit(**entry) for kind, entry in document["limits"].items()} if "limits" in document else default.limits
        return cls(
            blocked={kind: tuple(values) for kind, values in document["blocked"].items()} if "blocked" in document else default.blocked,
            limits=limits,
            priority=tuple(document.get("priority", default.priority)),
            must_match=tuple(tuple(names) for names in document.get("must_match", ())),
            must_not_match=tuple(document.get("must_not_match", ())),
        )

    def is_blocked(self, identifier: Identifier) -> bool:
        """Whether a value identifies nobody."""
        patterns = (*self.blocked.get(ANY, ()), *self.blocked.get(identifier.type, ()))
        return any(re.fullmatch(pattern, identifier.value.lower()) for pattern in patterns)

    def limit(self, kind: str) -> Limit | None:
        """The limit of a type of identifier."""
        return self.limits.get(kind) or self.limits.get(ANY)

    def rank(self, kind: str) -> tuple[int, str]:
        """Types in the order of trust sort by this."""
        return (self.priority.index(kind) if kind in self.priority else len(self.priority), kind)

    def match(
        self, identifiers: Iterable[Identifier], holders: Mapping[Identifier, str], held: Mapping[str, Sequence[Held]], now: datetime
    ) -> Match:
        """Which profiles an event belongs to.

        Args:
            holders: the profile that has each identifier.
            held: what each of those profiles has.
        """
        given = sorted(set(identifiers), key=lambda i: (self.rank(i.type), i.value))
        dropped = [(i, "blocked") for i in given if self.is_blocked(i)]
        used = [i for i in given if not self.is_blocked(i)]
        while used:
            profiles = tuple(dict.fromkeys(holders[i] for i in used if i in holders))
            broken = self._broken(used, [h for profile in profiles for h in held.get(profile, ())], now)
            if broken is None:
                return Match(profiles, tuple(used), tuple(dropped))
            if len(used) == 1:
                break
            dropped.append((used.pop(), f"limit of {broken}"))
        return Match((), tuple(used), tuple(dropped))

    def _broken(self, used: Sequence[Identifier], held: Sequence[Held], now: datetime) -> str | None:
        """The first type of which the profile would have too many values."""
        for kind in sorted({i.type for i in used}, key=self.rank):
            limit = self.limit(kind)
            if limit is None:
                continue
            period = PERIODS[limit.period]
            recent = {h.identifier for h in held if h.identifier.type == kind and (period is None or now - h.at <= period)}
            if len(recent | {i for i in used if i.type == kind}) > limit.most:
                return kind
        return None

    def forbids(self, fields: tuple[Field, ...], patterns: Bytes) -> npt.NDArray[np.bool_]:
        """Pairs that `must_not_match` keeps apart."""
        out = np.zeros(len(patterns), bool)
        for name in self.must_not_match:
            column, levels = _place(fields, name)
            out |= patterns[:, column] == 1 + levels.index("differ")
        return out

    def joins(self, fields: tuple[Field, ...], patterns: Bytes) -> npt.NDArray[np.bool_]:
        """Pairs that `must_match` makes one person."""
        out = np.zeros(len(patterns), bool)
        for names in self.must_match:
            agree = np.ones(len(patterns), bool)
            for name in names:
                column, levels = _place(fields, name)
                agree &= np.isin(patterns[:, column], [1 + levels.index(level) for level in _EQUAL if level in levels])
            out |= agree
        return out


_EQUAL = ("same", "own", "shared", "rare", "uncommon", "common", "frequent")
"""Levels of equal values."""


def _place(fields: tuple[Field, ...], name: str) -> tuple[int, list[str]]:
    """The column of a field, and its levels."""
    for column, candidate in enumerate(fields):
        if candidate.name in (name, f"identifier:{name}"):
            return column, [level.name for level in candidate.levels]
    raise RulesError(f"identity rules: there is no field {name!r}; fields are {', '.join(f.name for f in fields)}")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise RulesError(f"identity rules {path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise RulesError(f"identity rules {path}: the file holds no rules; docs/identity.md shows a whole file")
    return document
