"""A model turns a pattern into evidence; it is a readable document, and the same document gives the same evidence everywhere."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from cdp.errors import PlatformError
from cdp.identity.fields import STANDING, Field, Kind, identifier
from cdp.identity.prepared import Hub, Known
from cdp.identity.similarity import Bytes

Floats = npt.NDArray[np.float64]
VERSION = 2
FAINTEST = 1e-7
FACTS = ("given_name", "family_name", "birth_date", "email", "phone", "address", "organisation_name", "name_in_email", "identifier")
"""Facts by which pairs are grouped: how often pairs are one person is learned for each group of facts that both records tell."""
PROOF = ~0b11
"""The facts other than names."""
TELLING = sum(
    1 << FACTS.index(f) for f in ("given_name", "family_name", "email", "phone", "organisation_name", "name_in_email", "identifier")
)
"""The facts without one of which two records are nobody in particular, such as two of one birth date."""


def told(fields: tuple[Field, ...], patterns: Bytes) -> npt.NDArray[np.int64]:
    """Which facts both records of each pattern tell, as bits in the order of FACTS."""
    out = np.zeros(len(patterns), np.int64)
    for bit, fact in enumerate(FACTS):
        columns = [k for k, f in enumerate(fields) if f.name.partition(":")[0] == fact]
        out |= (patterns[:, columns] > 0).any(axis=1).astype(np.int64) << bit
    return out


@dataclass(frozen=True)
class Model:
    """Chances of each level in each latent class.

    Attributes:
        fields: what the columns of a pattern are.
        share: of each Kind among candidate pairs; sums to 1.
        shares: the same among pairs that tell certain facts (a number of `told`); of other pairs `share` is true.
        chance: for each field an array (Kind, 1 + levels); column 0 (missing) is 1.
        trained_on: records and pairs that it was learned from.
        forms: pairs of given names that the data show to be forms of one name.
        family_first: sources whose full names begin with the family name.
        known: frequencies of values, placeholders and hubs; None in a model that nothing was learned for.
    """

    fields: tuple[Field, ...]
    share: Floats
    chance: tuple[Floats, ...]
    trained_on: dict[str, int] = field(default_factory=dict)
    forms: tuple[tuple[str, str], ...] = ()
    family_first: frozenset[str] = frozenset()
    shares: dict[int, Floats] = field(default_factory=dict)
    known: Known | None = None

    def even(self) -> Model:
        """The model for pairs that no key brought together: one person is as probable as not before any field."""
        rest = self.share[1:] / self.share[1:].sum()
        return replace(self, share=np.r_[0.5, 0.5 * rest], shares={})

    def log_likelihood(self, patterns: Bytes) -> Floats:
        """(patterns, Kind): log chance of each pattern in each class, without the shares."""
        out = np.zeros((len(patterns), len(Kind)))
        for column, chance in enumerate(self.chance):
            out += np.log(np.maximum(chance, FAINTEST)).T[patterns[:, column]]
        return out

    def before(self, patterns: Bytes) -> Floats:
        """(patterns, Kind): log share of each class among pairs that tell the facts of the pattern."""
        facts = told(self.fields, patterns)
        codes, place = np.unique(facts, return_inverse=True)
        table = np.array([self.shares.get(int(code), self.share) for code in codes]).reshape(-1, len(Kind))
        return np.asarray(np.log(np.maximum(table, 1e-12))[place])

    def posterior(self, patterns: Bytes) -> Floats:
        """(patterns, Kind): how probable each class is."""
        return softmax(self.log_likelihood(patterns) + self.before(patterns))

    def evidence(self, patterns: Bytes, before: Floats | None = None) -> Floats:
        """Log-odds (nats) that the two records are one person; `before` stands for the shares of patterns that are not whole."""
        return log_odds(self.log_likelihood(patterns) + (self.before(patterns) if before is None else before))

    def to_document(self) -> dict[str, Any]:
        """The model as JSON, described by schemas/identity-model.schema.json."""
        return {
            "version": VERSION,
            "trained_on": self.trained_on,
            "name_forms": [list(pair) for pair in self.forms],
            "family_first": sorted(self.family_first),
            "share": {kind.name.lower(): float(self.share[kind]) for kind in Kind},
            "shares": [
                {
                    "told": [fact for bit, fact in enumerate(FACTS) if code >> bit & 1],
                    **{kind.name.lower(): float(share[kind]) for kind in Kind},
                }
                for code, share in sorted(self.shares.items())
            ],
            "values": _values(self.known),
            "fields": [
                {
                    "name": f.name,
                    "levels": [
                        {"name": level.name, **{kind.name.lower(): float(chance[kind, i + 1]) for kind in Kind}}
                        for i, level in enumerate(f.levels)
                    ],
                }
                for f, chance in zip(self.fields, self.chance, strict=True)
            ],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Model:
        """The model that `to_document` wrote."""
        fields, chances = [], []
        standing = {f.name: f for f in STANDING}
        for entry in document["fields"]:
            name = entry["name"]
            fields.append(standing[name] if name in standing else identifier(name.partition(":")[2]))
            if [level["name"] for level in entry["levels"]] != [level.name for level in fields[-1].levels]:
                raise ModelError(f"model: the levels of {name} are not those of this version; train it again with `cdp identity train`")
            rows = [[1.0, *(level[kind.name.lower()] for level in entry["levels"])] for kind in Kind]
            chances.append(np.array(rows))
        share = np.array([document["share"][kind.name.lower()] for kind in Kind])
        forms = tuple((str(x), str(y)) for x, y in document.get("name_forms", ()))
        return cls(
            fields=tuple(fields),
            share=share,
            chance=tuple(chances),
            trained_on=dict(document.get("trained_on", {})),
            forms=forms,
            family_first=frozenset(document.get("family_first", ())),
            shares={_code(entry["told"]): np.array([entry[kind.name.lower()] for kind in Kind]) for entry in document.get("shares", ())},
            known=_known(document.get("values")),
        )

    def to_json(self) -> str:
        """The document as text, the same text for the same model."""
        return json.dumps(self.to_document(), indent=1, sort_keys=True)


def _code(facts: list[str]) -> int:
    return sum(1 << bit for bit, fact in enumerate(FACTS) if fact in facts)


def _values(known: Known | None) -> dict[str, Any] | None:
    """What is known of values, as JSON; the most frequent names first."""
    if known is None:
        return None
    names = sorted(known.names.items(), key=lambda item: (-item[1], item[0]))
    return {
        "usual_share": known.usual,
        "names": [{"value": value, "share": share} for value, share in names],
        "common_words": sorted(known.words),
        "common_birth_dates": sorted(known.births),
        "hubs": [asdict(hub) for hub in known.hubs],
    }


def _known(values: dict[str, Any] | None) -> Known | None:
    if values is None:
        return None
    return Known(
        usual=values["usual_share"],
        names={entry["value"]: entry["share"] for entry in values["names"]},
        words=frozenset(values["common_words"]),
        births=frozenset(values["common_birth_dates"]),
        hubs=tuple(Hub(**hub) for hub in values["hubs"]),
    )


class ModelError(PlatformError):
    """A model that cannot be used."""


def read_model(path: Path) -> Model:
    """The model in a file that `cdp identity train` wrote.

    Raises:
        ModelError: no such file, or it does not fit schemas/identity-model.schema.json.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"model {path} cannot be read: {error}; write one with `cdp identity train`") from None
    schema = json.loads(resources.files("schemas").joinpath("identity-model.schema.json").read_text(encoding="utf-8"))
    wrong = best_match(Draft202012Validator(schema).iter_errors(document))
    if wrong:
        place = "/".join(str(step) for step in wrong.absolute_path) or "the document"
        raise ModelError(f"model {path}: {place}: {wrong.message[:200]}; train it again with `cdp identity train`")
    return Model.from_document(document)


def softmax(logs: Floats) -> Floats:
    """Rows of logs as shares that sum to 1."""
    shifted = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def log_odds(logs: Floats) -> Floats:
    """Log of the first column's share over all others'."""
    others = logs[:, 1:]
    top = others.max(axis=1)
    return np.asarray(logs[:, 0] - top - np.log(np.exp(others - top[:, None]).sum(axis=1)))


def untrained(fields: tuple[Field, ...]) -> Model:
    """The model that knows only the table of fields."""
    return Model(fields, np.array([0.20, 0.14, 0.20, 0.35, 0.05, 0.04, 0.01, 0.01]), tuple(prior(f) for f in fields))


def prior(of: Field) -> Floats:
    """(Kind, 1 + levels) chances before any data."""
    chosen = dict(of.chosen)
    table = np.array(
        [chosen.get(kind) or [level.prior[Kind.SAME if kind in of.own else kind.like] for level in of.levels] for kind in Kind]
    )
    return np.column_stack([np.ones(len(Kind)), table / table.sum(axis=1, keepdims=True)])
