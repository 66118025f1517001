"""A proposed mapping is a guess with its reasons: names of columns suggest, values confirm or refuse, and nobody is made to take it.

A column is mapped to at most one target, and a target that takes one value is given at most one column.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from cdp.records import column_names as known
from cdp.records.batch import map_batch
from cdp.records.canonical import canonical_json
from cdp.records.homeland import Homeland, likely_country
from cdp.records.mapping import LISTS
from cdp.records.mapping import Mapping as LoadedMapping
from cdp.records.sampling import SampledColumn, object_lists, sample_columns

_MUST_LOOK = {
    "emails": "email",
    "phones": "phone",
    "birth_date": "date",
    "death_date": "date",
    "gender": "gender",
    "language": "language",
    "created_at": "time",
    "updated_at": "time",
    "country": "country",
    "at": "time",
    "ended_at": "time",
    "amount": "amount",
    "currency": "currency",
    "rating": "number",
}
_ENOUGH = 0.6
_FLAWED = 0.4
"""Share of rows without a key of their own up to which a column that is named as the key is it."""
_ADDRESS = "addresses."
_PERSONAL = frozenset({"given_name", "family_name", "full_name", "birth_date", "gender"})
_HAPPENING = frozenset({"at", "amount", "status", "subject", "text", "rating", "priority", "campaign", "name", "direction"})


@dataclass(frozen=True)
class FieldGuess:
    """What one source field seems to mean.

    Attributes:
        target: field of the customer record or interaction; None where it stays with everything else.
        confidence: from 0 to 1.
        reason: what was seen.
    """

    field: str
    target: str | None
    confidence: float
    reason: str


@dataclass(frozen=True)
class Proposal:
    """A mapping for one stream (a value of `streams`, or a whole single-stream mapping), and why it is so."""

    mapping: dict[str, Any]
    fields: tuple[FieldGuess, ...]
    homeland: Homeland

    @property
    def kind(self) -> str:
        """`interaction` or `customer`."""
        return "interaction" if "interaction" in self.mapping else "customer"


class _Keys(NamedTuple):
    own: FieldGuess | None
    customer: FieldGuess | None


def propose(
    sample: pa.Table | Sequence[Mapping[str, Any]], default_country: str | None = None, stream: str = "", *, country: str | None = None
) -> Proposal:
    """A mapping for rows like these.

    Args:
        default_country: alpha-2; where phone numbers without prefix belong, and how dates are written, unless the rows say otherwise.
        stream: name of the stream, which may say what its rows are.
        country: the same as a certainty: the rows are not asked.
    """
    homeland = Homeland(country) if country else likely_country(sample_columns(sample, default_country), default_country)
    columns = sample_columns(sample, homeland.country)
    lists = object_lists(sample)
    as_customer = _guess(columns, known.targets("customer") | {_ADDRESS + name: names for name, names in known.targets("address").items()})
    as_interaction = _guess(columns, known.targets("interaction"))
    keys = _keys(columns)
    happens = _is_interaction(as_customer, as_interaction, keys, lists, stream)
    body = _interaction(columns, as_interaction, keys, lists, stream) if happens else _customer(columns, as_customer, keys)
    mapping: dict[str, Any] = {"country": homeland.country} if homeland.country else {}
    mapping["interaction" if happens else "customer"] = body.document
    return Proposal(mapping, tuple(body.guesses[column.path] for column in columns) + tuple(body.lists), homeland)


def preview(sample: pa.Table | Sequence[Mapping[str, Any]], mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows as they would become under a mapping, nulls left out; a refused row is `{"refused": why}`.

    Raises:
        MappingError: the mapping is not one.
        ContractError: the sample lacks a column of it.
    """
    batch = map_batch(sample, LoadedMapping.load(dict(mapping)).streams[0])
    kept = dict(zip(batch.row.tolist(), canonical_json(batch.table).to_pylist(), strict=True))
    refused = {row.row: {"refused": row.message} for row in batch.refused}
    return [json.loads(kept[row]) if row in kept else refused[row] for row in range(len(sample)) if row in kept or row in refused]


def _guess(columns: Sequence[SampledColumn], names: dict[str, frozenset[str]]) -> dict[str, FieldGuess]:
    """The best target of each column; of columns that want one single-valued target, the surest gets it."""
    wanted = [guess for guess in (_one(column, names) for column in columns) if guess]
    taken: dict[str, FieldGuess] = {}
    held: set[str] = set()
    for guess in sorted(wanted, key=lambda guess: -guess.confidence):
        assert guess.target
        if guess.target in held and guess.target not in LISTS:
            continue
        held.add(guess.target)
        taken[guess.field] = guess
    return taken


def _one(column: SampledColumn, names: dict[str, frozenset[str]]) -> FieldGuess | None:
    if column.looks("email") >= 0.8 and "emails" in names:
        return FieldGuess(column.path, "emails", 0.95, f"{column.looks('email'):.0%} of the values are e-mail addresses")
    named = known.match(column.path.removesuffix("[]"), names)
    if named is None:
        if "phones" in names and column.looks("phone") > 0.9 and column.looks("time") < 0.5 and _formatted(column):
            return FieldGuess(column.path, "phones", 0.7, f"{column.looks('phone'):.0%} of the values are phone numbers")
        return None
    target, certainty = named
    if (
        target.startswith(_ADDRESS)
        and certainty < 1
        and known.words_of(column.path) & known.names("beside_word") - {target.removeprefix(_ADDRESS), "state"}
    ):
        return None
    looks = _MUST_LOOK.get(target.removeprefix(_ADDRESS))
    if looks is None or not column.filled:
        return FieldGuess(column.path, target, round(certainty * (0.9 if column.filled else 0.5), 2), f"the name says {target}")
    share = column.looks(looks)
    if share < _ENOUGH:
        return None
    return FieldGuess(
        column.path, target, round((certainty + share) / 2, 2), f"the name says {target}, and {share:.0%} of the values are of that kind"
    )


def _formatted(column: SampledColumn) -> bool:
    """Phones are written with signs between, which bare numbers are not."""
    return column.share(lambda text: text.startswith("+") or any(sign in text for sign in " -/()")) > 0.5


def _keys(columns: Sequence[SampledColumn]) -> _Keys:
    """The column that identifies a row, and the one that names a customer beside it."""
    plain = [column for column in columns if not column.many]
    own = max(
        (guess for guess in (_key(column, place) for place, column in enumerate(plain)) if guess),
        key=lambda guess: guess.confidence,
        default=None,
    )
    customer = None
    for column in plain:
        if (own is None or column.path != own.field) and known.names_customer(column.path):
            customer = FieldGuess(column.path, "customer_key", 0.85 if column.filled else 0.4, "the name says whose it is")
            break
    return _Keys(own, customer)


def _key(column: SampledColumn, place: int) -> FieldGuess | None:
    exactly = known.last_part(column.path) in known.names("key")
    if not column.unique or any(" " in text or "@" in text for text in column.filled[:50]):
        return _flawed_key(column) if exactly else None
    if exactly or known.is_key(column.path):
        confidence = 0.97 if exactly else 0.92 - place / 1000
        return FieldGuess(column.path, "source_key", confidence, "the name says key, and every row has its own")
    return FieldGuess(column.path, "source_key", 0.5 - place / 1000, "every row has its own value")


def _flawed_key(column: SampledColumn) -> FieldGuess:
    """A column that is named as a key and is none in every row: a few rows without one do not make a name or an address the key."""
    flawed = len(column.texts) - len(set(column.filled))
    if flawed > len(column.texts) * _FLAWED:
        return FieldGuess(column.path, "source_key", 0.2, "the name says key, but values repeat or lack")
    reason = f"the name says key; {flawed} of {len(column.texts)} rows lack it or repeat it, and will be refused"
    return FieldGuess(column.path, "source_key", 0.6, reason)


def _is_interaction(
    customer: dict[str, FieldGuess], interaction: dict[str, FieldGuess], keys: _Keys, lists: dict[str, list[str]], stream: str
) -> bool:
    """Whether rows are what happened: they have a time, and say whose they are or what, and little about who."""
    personal = {guess.target for guess in customer.values()} & _PERSONAL
    happening = {guess.target for guess in interaction.values()} & _HAPPENING
    if "at" not in happening:
        return False
    named = any(known.words_of(stream) & words for words in known.targets("kind_word").values())
    signs = (
        len(happening) - 1 + 2 * (keys.customer is not None) + 2 * named + len(known.names("item_list") & set(map(known.fold_name, lists)))
    )
    return signs > 2 * len(personal)


class _Body:
    """The document of one record mapping as it is written, and the guess of every column."""

    def __init__(self, columns: Sequence[SampledColumn]) -> None:
        self.document: dict[str, Any] = {}
        self.lists: list[FieldGuess] = []
        self.guesses = {column.path: FieldGuess(column.path, None, 0.0, "nothing known; kept with everything else") for column in columns}

    def key(self, target: str, guess: FieldGuess | None) -> None:
        if guess is not None:
            self.document[target] = guess.field
            self.guesses[guess.field] = guess

    def give(self, guess: FieldGuess, value: Any) -> None:
        """Give a field its target; a key keeps its column."""
        assert guess.target
        self.guesses[guess.field] = guess
        if guess.target.startswith(_ADDRESS):
            self.document.setdefault("addresses", {})[guess.target.removeprefix(_ADDRESS)] = value
        elif guess.target in LISTS and guess.target in self.document:
            earlier = self.document[guess.target]
            self.document[guess.target] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            self.document[guess.target] = value


def _customer(columns: Sequence[SampledColumn], guesses: dict[str, FieldGuess], keys: _Keys) -> _Body:
    body = _Body(columns)
    own = (
        keys.own
        if keys.own and keys.own.confidence >= 0.5 and keys.own.field not in _personal_fields(guesses)
        else keys.customer or keys.own
    )
    body.key("source_key", own and FieldGuess(own.field, "source_key", own.confidence, own.reason))
    if own is None:
        body.key("source_key", _last_resort(columns))
    _birth_date_parts(body, columns)
    used = {path for path, guess in body.guesses.items() if guess.target}
    for column in columns:
        if column.path in used:
            continue
        guess = guesses.get(column.path)
        if guess:
            body.give(guess, _with_hints(column, guess))
        elif not _identifier(body, column):
            _consent(body, column)
    return _rest(body, columns, "attributes")


def _birth_date_parts(body: _Body, columns: Sequence[SampledColumn]) -> None:
    parts = known.birth_date_parts([column.path for column in columns if column.looks("number") > 0.9])
    if parts:
        body.document["birth_date"] = dict(zip(("year", "month", "day"), parts, strict=True))
        for path in parts:
            body.guesses[path] = FieldGuess(path, "birth_date", 0.85, "year, month and day of birth, in fields of their own")


def _personal_fields(guesses: dict[str, FieldGuess]) -> set[str]:
    return {path for path, guess in guesses.items() if guess.target in _PERSONAL or guess.target in ("emails", "phones")}


def _last_resort(columns: Sequence[SampledColumn]) -> FieldGuess:
    """A key must be: the column with most values of its own."""
    best = max(columns, key=lambda column: len(set(column.filled)))
    return FieldGuess(
        best.path, "source_key", 0.1, "no column identifies a row; rows that repeat this value will be refused: name several fields"
    )


def _identifier(body: _Body, column: SampledColumn) -> bool:
    named = known.match(column.path, known.targets("identifier"))
    taken = body.document.get("identifiers", {})
    if named is None or not column.filled or named[0] in taken or known.last_part(column.path).split("_")[-1] in known.names("beside_word"):
        return False
    body.document.setdefault("identifiers", {})[named[0]] = column.path
    body.guesses[column.path] = FieldGuess(column.path, f"identifiers.{named[0]}", round(0.8 * named[1], 2), f"the name says {named[0]}")
    return True


def _consent(body: _Body, column: SampledColumn) -> None:
    words = known.words_of(column.path)
    if not words & known.names("consent_word") or column.looks("consent") < 0.9:
        return
    purpose = "newsletter" if "newsletter" in words else "marketing"
    body.document.setdefault("consents", {}).setdefault(purpose, column.path)
    body.guesses[column.path] = FieldGuess(
        column.path, f"consents.{purpose}", 0.7, "the name speaks of consent, and the values say yes or no"
    )


def _interaction(
    columns: Sequence[SampledColumn], guesses: dict[str, FieldGuess], keys: _Keys, lists: dict[str, list[str]], stream: str
) -> _Body:
    body = _Body(columns)
    body.key("source_key", keys.own if keys.own and keys.own.confidence >= 0.5 else None)
    body.key("customer_key", keys.customer or _by_email(columns))
    body.document["kind"] = _kind(body, columns, lists, stream)
    used = {path for path, guess in body.guesses.items() if guess.target}
    for column in columns:
        guess = guesses.get(column.path)
        if guess and column.path not in used:
            body.give(guess, _with_hints(column, guess))
    _items(body, lists)
    return _rest(body, columns, "properties")


def _by_email(columns: Sequence[SampledColumn]) -> FieldGuess | None:
    for column in columns:
        if column.looks("email") >= 0.8:
            return FieldGuess(column.path, "customer_key", 0.6, "no customer number, but an e-mail address says whose it is")
    return None


def _kind(body: _Body, columns: Sequence[SampledColumn], lists: dict[str, list[str]], stream: str) -> Any:
    """The column that says what happened, else the kind that the words of the stream and its columns speak of most."""
    for column in columns:
        if known.last_part(column.path) in known.names("kind") and column.looks("kind") > 0.8:
            body.guesses[column.path] = FieldGuess(
                column.path, "kind", 0.9, f"{column.looks('kind'):.0%} of the values are kinds of interactions"
            )
            return {"field": column.path, "default": "event"} if column.looks("kind") < 1 else column.path
    votes = dict.fromkeys(known.targets("kind_word"), 0)
    for weight, name in [(3, stream), *((1, column.path) for column in columns), *((1, name) for name in lists)]:
        for kind, words in known.targets("kind_word").items():
            votes[kind] += weight * len(known.words_of(name) & words)
    if known.names("item_list") & set(map(known.fold_name, lists)):
        votes["order"] += 1
    best = max(votes, key=lambda kind: votes[kind])
    return {"const": best if votes[best] else "event"}


def _items(body: _Body, lists: dict[str, list[str]]) -> None:
    for path, names in lists.items():
        parts: dict[str, Any] = {}
        for name in names:
            named = known.match(name, known.targets("item"))
            if named and named[0] not in parts:
                parts[named[0]] = name
        if known.fold_name(path) in known.names("item_list") and parts and "items" not in body.document:
            body.document["items"] = {"each": path, **parts}
            body.lists.append(FieldGuess(path, "items", 0.85, f"a list of objects with {', '.join(names[:6])}"))


def _with_hints(column: SampledColumn, guess: FieldGuess) -> Any:
    """The path, with the order of day and month where the texts leave it open."""
    if _MUST_LOOK.get(guess.target or "") in ("date", "time"):
        day_first = column.day_first()
        if day_first is not None:
            return {"field": column.path, "day_first": day_first}
    return column.path


def _rest(body: _Body, columns: Sequence[SampledColumn], target: str) -> _Body:
    if any(guess.target is None for guess in body.guesses.values()):
        body.document[target] = "*"
    return body
