"""A profile's value is one of its records' values, chosen by the first rule that tells them apart; the losers are kept beside it.

The choice is a pure function of the records and the policy: it does not depend on the order in which they arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from cdp.errors import PlatformError
from cdp.records.contracts import check

RULES = ("source_priority", "most_recent", "most_frequent", "longest")


@dataclass(frozen=True)
class Statement:
    """One value of one field, as one record has it."""

    value: Any
    source: str
    stream: str
    source_key: str
    at: str
    priority: int

    def shown(self) -> dict[str, Any]:
        """The statement as the profile document has it."""
        return {"value": self.value, "source": self.source, "stream": self.stream, "source_key": self.source_key, "at": self.at or None}


@dataclass(frozen=True)
class Policy:
    """Rules by field; `schemas/survivorship.schema.json`."""

    default: Sequence[str] = RULES
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str = "") -> Policy:
        """The policy in the file `path`, or the one that ships.

        Raises:
            PlatformError: the file is missing or not YAML.
            DocumentError: it does not meet the schema.
        """
        if not path:
            return _shipped()
        try:
            document = yaml.safe_load(Path(path).read_text("utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise PlatformError(f"the survivorship policy {path} cannot be read: {error}") from None
        check(document, "survivorship", f"survivorship policy {path}")
        return cls(**document)

    def choose(self, name: str, statements: Sequence[Statement]) -> dict[str, Any]:
        """The chosen value of the field `name` as the profile document has it, with the rule that chose it and the values that lost."""
        frequency = Counter(_key(s.value) for s in statements)
        order = {source: place for place, source in enumerate(self.sources.get(name, ()))}
        measures: dict[str, Callable[[Statement], Any]] = {
            "source_priority": lambda s: -order.get(s.source, len(order) + s.priority),
            "most_recent": lambda s: s.at,
            "most_frequent": lambda s: frequency[_key(s.value)],
            "longest": lambda s: len(str(s.value)),
        }
        rules = self.fields.get(name, self.default)
        pool, decided_by = list(statements), rules[0]
        for rule in rules:
            if len({_key(s.value) for s in pool}) == 1:
                break
            best = max(measures[rule](s) for s in pool)
            narrowed = [s for s in pool if measures[rule](s) == best]
            decided_by = rule if len(narrowed) < len(pool) else decided_by
            pool = narrowed
        winner = min(pool, key=lambda s: (_key(s.value), s.source, s.stream, s.source_key))
        others = sorted((s for s in statements if s is not winner), key=lambda s: (s.source, s.stream, s.source_key))
        return winner.shown() | {"rule": decided_by, "others": [s.shown() for s in others]}


def _key(value: Any) -> str:
    return str(value).casefold()


@cache
def _shipped() -> Policy:
    document = yaml.safe_load(files(__package__).joinpath("survivorship.yaml").read_text("utf-8"))
    check(document, "survivorship", "the survivorship policy that ships")
    return Policy(**document)
