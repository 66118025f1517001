"""A mapping is data: it says which source field means what, and nothing in it is computed.

`Mapping.load` checks a document against `schemas/mapping.schema.json` once; what it returns is frozen and picklable, so every
process maps alike. The words of the file are described in `docs/mapping.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import yaml
from jsonschema.exceptions import best_match

from cdp.errors import PlatformError
from cdp.records.contracts import validator
from cdp.records.model import CUSTOMER, INTERACTION
from cdp.records.values import times

LISTS = frozenset({"former_names", "emails", "phones"})
"""Targets that take every source field named for them; any other takes the first that is not empty."""

_SINGLE = "default"
_DEFAULTS = ("country", "currency", "timezone")
_NESTED = frozenset({"addresses", "identifiers", "consents", "attributes", "properties", "items"})


class MappingError(PlatformError):
    """A mapping that cannot be used; the text names the place in it."""


@dataclass(frozen=True)
class Value:
    """Where one value comes from.

    Attributes:
        fields: dotted paths, `[]` for the elements of a list; several are joined with `joined_with`.
        const: the value itself, where no field is read.
        split: what divides several values in one text.
        table: what the source writes, folded to lower case -> what is meant; `default` is meant by everything else.
        optional: a table may lack the column.
        date_parts: fields of year, month and day.
    """

    fields: tuple[str, ...] = ()
    const: str | None = None
    joined_with: str = " "
    split: str | None = None
    table: tuple[tuple[str, str], ...] = ()
    default: str | None = None
    optional: bool = False
    date_parts: tuple[str | None, str | None, str | None] | None = None
    format: str | None = None
    day_first: bool | None = None
    timezone: str | None = None
    country: str | None = None
    parse: bool = True
    family_first: bool = False


Values = tuple[Value, ...]


@dataclass(frozen=True)
class Struct:
    """An address or an item: its parts, read from the row or from each element of the list at `each`; or one `text` with all of them."""

    parts: tuple[tuple[str, Values], ...] = ()
    each: str | None = None
    text: Value | None = None


@dataclass(frozen=True)
class Consent:
    """One purpose: the field that says it, the words there that grant and deny, and when and why."""

    purpose: str
    state: Value
    granted: frozenset[str] | None = None
    denied: frozenset[str] | None = None
    at: Values = ()
    basis: Values = ()


@dataclass(frozen=True)
class RecordMapping:
    """How the rows of a stream become customer records or interactions."""

    kind: str
    fields: tuple[tuple[str, Values], ...]
    addresses: tuple[Struct, ...] = ()
    items: tuple[Struct, ...] = ()
    identifiers: tuple[tuple[str, Values], ...] = ()
    consents: tuple[Consent, ...] = ()
    extra: tuple[tuple[str, Value], ...] = ()
    everything: bool = False

    def values(self, target: str) -> Values:
        """Where `target` comes from; empty where nothing is mapped."""
        return dict(self.fields).get(target, ())

    def paths(self) -> frozenset[str]:
        """Every source path that is read, array elements written out."""
        found: set[str] = set()
        for _, values in (*self.fields, *self.identifiers, *((name, (value,)) for name, value in self.extra)):
            found.update(path for value in values for path in _paths(value))
        for struct in (*self.addresses, *self.items):
            found.update([struct.each] if struct.each else _struct_paths(struct))
        for consent in self.consents:
            found.update(path for value in (consent.state, *consent.at, *consent.basis) for path in _paths(value))
        return frozenset(found)


@dataclass(frozen=True)
class StreamMapping:
    """One stream: customers, interactions, or interactions whose rows also name a sparse customer."""

    name: str
    customer: RecordMapping | None = None
    interaction: RecordMapping | None = None
    country: str | None = None
    currency: str | None = None
    timezone: str | None = None

    @property
    def kind(self) -> str:
        """`interaction` where the stream has interactions, else `customer`."""
        return "interaction" if self.interaction else "customer"


@dataclass(frozen=True)
class Mapping:
    """What a mapping file says.

    Attributes:
        document: as it was written, for storage; `Mapping.load(document)` makes it again.
    """

    streams: tuple[StreamMapping, ...]
    document: Dict[str, Any] = field(compare=False, repr=False)

    @classmethod
    def load(cls, source: Path | str | Dict[str, Any]) -> Mapping:
        """The mapping in a YAML or JSON file, or in a document already read.

        Raises:
            MappingError: no such file, no YAML, or a place in it that the schema refuses.
        """
        document, name = _read(source)
        _check(document, name)
        shared = {key: document.get(key) for key in _DEFAULTS}
        written = document.get("streams") or {_SINGLE: document}
        return cls(tuple(_stream(str(stream), body, shared) for stream, body in written.items()), document)

    def stream(self, name: str) -> StreamMapping:
        """The mapping of a stream; a file without `streams` maps every stream alike.

        Raises:
            MappingError: the file maps other streams only.
        """
        for stream in self.streams:
            if stream.name == name:
                return stream
        if "streams" not in self.document:
            return replace(self.streams[0], name=name)
        raise MappingError(f"the mapping has no stream {name!r}; it has {', '.join(repr(stream.name) for stream in self.streams)}")

    def digest(self, name: str) -> bytes:
        """16 bytes over what the mapping says of a stream; another digest means that stored rows must be mapped again."""
        shared = {key: self.document.get(key) for key in _DEFAULTS}
        body = self.document.get("streams", {}).get(name, self.document)
        return hashlib.blake2b(orjson.dumps([shared, body], option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def _paths(value: Value) -> list[str]:
    return [*value.fields, *(path for path in value.date_parts or () if path)]


def _struct_paths(struct: Struct) -> list[str]:
    values = [value for _, values in struct.parts for value in values] + ([struct.text] if struct.text else [])
    return [path for value in values for path in _paths(value)]


def _read(source: Path | str | Dict[str, Any]) -> tuple[Dict[str, Any], str]:
    if isinstance(source, Dict):
        return source, "the mapping"
    path = Path(source)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"mapping {path}: {error.strerror}; give the path of a YAML or JSON file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"mapping {path} is no YAML: {' '.join(str(error).split())}") from None
    return document, f"mapping {path}"


def _check(document: Any, name: str) -> None:
    error = best_match(validator("mapping").iter_errors(document))
    if error is not None:
        place = ".".join(str(step) for step in error.absolute_path) or "the top"
        raise MappingError(f"{name}, at {place}: {_message(error)}")


def _message(error: Any) -> str:
    if error.validator == "additionalProperties" and "properties" in error.schema:
        unknown = sorted(set(error.instance) - set(error.schema["properties"]))
        return f"unknown {', '.join(map(repr, unknown))}; known are {', '.join(sorted(error.schema['properties']))}"
    if error.validator in ("anyOf", "oneOf") and "description" in error.schema:
        return f"this is none of the forms allowed here: {error.schema['description']}"
    return str(error.message)[:300]


def _stream(name: str, body: Dict[str, Any], shared: Dict[str, str | None]) -> StreamMapping:
    defaults = {key: body.get(key) or shared[key] for key in _DEFAULTS}
    _check_zone(defaults["timezone"], f"stream {name!r}")
    customer = _record("customer", body["customer"]) if "customer" in body else None
    interaction = _record("interaction", body["interaction"]) if "interaction" in body else None
    if customer is not None and not customer.values("source_key"):
        key = interaction.values("customer_key") if interaction else ()
        if not key:
            raise MappingError(f"the mapping of stream {name!r} names no key: map customer.source_key to what identifies a row")
        customer = replace(customer, fields=(("source_key", key), *customer.fields))
    return StreamMapping(name, customer, interaction, **defaults)


def _check_zone(name: str | None, place: str) -> None:
    try:
        times.zone(name or "UTC")
    except (KeyError, ValueError, OSError):
        raise MappingError(f"the mapping, at {place}: timezone {name!r} is not known; give an IANA name such as Europe/Berlin") from None


def _record(kind: str, body: Dict[str, Any]) -> RecordMapping:
    schema = CUSTOMER if kind == "customer" else INTERACTION
    plain = tuple((name, _values(name, body[name])) for name in schema.names if name in body and name not in _NESTED)
    extra = body.get("attributes" if kind == "customer" else "properties", {})
    return RecordMapping(
        kind,
        plain,
        addresses=tuple(_struct(entry) for entry in _listed(body.get("addresses"))),
        items=tuple(_struct(entry) for entry in _listed(body.get("items"))),
        identifiers=tuple((type_, _values("identifiers", entry)) for type_, entry in body.get("identifiers", {}).items()),
        consents=tuple(_consent(purpose, entry) for purpose, entry in body.get("consents", {}).items()),
        extra=() if extra == "*" else tuple(_extra(extra)),
        everything=extra == "*",
    )


def _listed(entry: Any) -> Sequence[Any]:
    return () if entry is None else entry if isinstance(entry, list) else [entry]


def _extra(entry: Any) -> list[tuple[str, Value]]:
    if isinstance(entry, Dict):
        return [(name, _value(value)) for name, value in entry.items()]
    return [(value if isinstance(value, str) else value["field"], _value(value)) for value in entry]


def _values(target: str, entry: Any) -> Values:
    """A key of several fields is one value, all of them joined; elsewhere a list names alternatives."""
    if target in ("source_key", "customer_key") and isinstance(entry, list):
        return (Value(fields=tuple(entry), joined_with=":"),)
    return tuple(_value(each) for each in _listed(entry))


def _value(entry: Any) -> Value:
    if isinstance(entry, str):
        return Value(fields=(entry,))
    hints = {key: entry[key] for key in ("format", "day_first", "timezone", "country", "optional", "split", "parse") if key in entry}
    _check_zone(hints.get("timezone"), str(entry.get("field", "a value")))
    hints["family_first"] = entry.get("order") == "family_first"
    hints["table"] = tuple((said, _text(meant)) for key, meant in entry.get("values", {}).items() for said in _spellings(key))
    hints["default"] = _text(entry["default"]) if entry.get("default") is not None else None
    if "const" in entry:
        return Value(const=_text(entry["const"]), **hints)
    if "year" in entry:
        return Value(date_parts=(entry["year"], entry.get("month"), entry.get("day")), **hints)
    if "join" in entry:
        return Value(fields=tuple(entry["join"]), joined_with=entry.get("with", " "), **hints)
    return Value(fields=(entry["field"],), **hints)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spellings(value: Any) -> tuple[str, ...]:
    """What a source may write for a YAML scalar, folded: YAML reads `no` and `off` as false, so false stands for these too."""
    if isinstance(value, bool):
        return ("true", "yes", "on", "y") if value else ("false", "no", "off", "n")
    return (_text(value).strip().lower(),)


def _struct(entry: Dict[str, Any]) -> Struct:
    if isinstance(entry, str):
        return _each(Struct(text=_value(entry)))
    if "text" in entry and "street" not in entry:
        return Struct(text=_value(entry["text"]), each=entry.get("each"))
    parts = tuple((name, _values(name, value)) for name, value in entry.items() if name != "each")
    return Struct(parts, entry["each"]) if "each" in entry else _each(Struct(parts))


def _each(struct: Struct) -> Struct:
    """`{city: "addresses[].city"}` is `{each: addresses, city: city}`: parts of one element stay together."""
    paths = _struct_paths(struct)
    prefixes = {path.rpartition("[].")[0] for path in paths}
    if len(prefixes) != 1 or prefixes == {""}:
        return struct
    prefix = prefixes.pop()

    def inner(value: Value) -> Value:
        return replace(value, fields=tuple(path.removeprefix(f"{prefix}[].") for path in value.fields))

    parts = tuple((name, tuple(inner(value) for value in values)) for name, values in struct.parts)
    return Struct(parts, prefix, inner(struct.text) if struct.text else None)


def _consent(purpose: str, entry: Any) -> Consent:
    if isinstance(entry, str):
        return Consent(purpose, Value(fields=(entry,)))
    words = {
        key: frozenset(said for word in _listed(entry[key]) for said in _spellings(word)) for key in ("granted", "denied") if key in entry
    }
    state = _value(entry) if "field" in entry or "const" in entry else Value(const="granted")
    return Consent(
        purpose, state, words.get("granted"), words.get("denied"), _values("at", entry.get("at")), _values("basis", entry.get("basis"))
    )
