"""A `Definition` that exists can be computed: it was checked against its schema, its language and its types when it was made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import available_timezones

from cdp.attributes import expression
from cdp.attributes.errors import CircularDefinition, DefinitionError
from cdp.attributes.fields import EVENT_FIELDS, PERSON_FIELDS, EventFields, ItemFields, event_view, kinds
from cdp.attributes.language import check
from cdp.attributes.language.document import plain_text, read_window
from cdp.attributes.language.parser import RESERVED, parse_predicate
from cdp.attributes.language.sql import text
from cdp.attributes.language.tree import ALWAYS, Compare, Predicate, Reference, Type, Window
from cdp.records.contracts import validator

AGGREGATES = ("count", "sum", "average", "minimum", "maximum", "first", "last", "most_frequent", "unique_list", "distinct_count")
OVER_EVENTS = (*AGGREGATES, "time_since", "trend")
NUMBERS_ONLY = ("sum", "average")
ELSEWHERE = ("sql", "python", "mark")
"""Kinds that are not computed over events: by a query, by a function, or set by a monitor."""
WORDS = RESERVED | {"did", "never", "sequence", "consent", "segment", "household", "everyone", "random", "true", "false", "custom"}
"""Words of the condition language that no attribute can be called."""


@dataclass(frozen=True)
class Definition:
    """One attribute. `of` empty means every kind of event; `type` is what its value is."""

    name: str
    kind: str
    type: Type
    title: str = ""
    description: str = ""
    of: tuple[str, ...] = ()
    field: str = ""
    where: Predicate | None = None
    window: Window = ALWAYS
    per: Literal["profile", "household"] = "profile"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    expression: expression.Expression | None = None
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def over_items(self) -> bool:
        return self.field.startswith("items.")

    @property
    def over_events(self) -> bool:
        """Whether it is aggregated over events."""
        return self.expression is None and self.kind not in ELSEWHERE

    @property
    def needs(self) -> tuple[str, ...]:
        """Attributes that its expression names."""
        return () if self.expression is None else tuple(found.name for found in expression.names(self.expression))


def load(document: Mapping[str, Any]) -> Definition:
    """The definition that a document of `schemas/attribute.schema.json` describes.

    Raises:
        DefinitionError: what is wrong, at the member where it is wrong.
    """
    for problem in sorted(validator("attribute").iter_errors(document), key=lambda e: list(map(str, e.absolute_path))):
        raise DefinitionError("/" + "/".join(map(str, problem.absolute_path)), problem.message)
    for name, value in document.items():
        if isinstance(value, str):
            plain_text(value, f"/{name}")
    return stored(document)


def stored(document: Mapping[str, Any]) -> Definition:
    """The definition of a document that met the schema before it was stored."""
    name, kind = document["name"], document["kind"]
    if name in WORDS or name in PERSON_FIELDS or kinds(name):
        raise DefinitionError("/name", f"{name!r} already means something in conditions: choose another name")
    _members(document)
    if kind == "expression":
        parsed = _within("/expression", lambda: expression.parse(document["expression"]))
        return Definition(name, kind, Type.NUMBER, **_titles(document), expression=parsed, document=document)
    if kind in ELSEWHERE:
        return Definition(name, kind, Type(document["type"]), **_titles(document), options=document, document=document)
    return _over_events(document)


_REQUIRED = {
    "mark": ("type",),
    "expression": ("expression",),
    "sql": ("query", "type"),
    "python": ("function", "type"),
    "trend": ("window",),
}
_COMMON = {"name", "title", "description", "kind"}
_EVENTS = {"of", "field", "where", "window", "per", "timezone"}
_OWN = {
    "expression": {"expression"},
    "sql": {"query", "type", "ages"},
    "python": {"function", "type", "ages"},
    "mark": {"type"},
    "trend": _EVENTS | {"measure"},
    "time_since": _EVENTS | {"unit", "from"},
    "unique_list": _EVENTS | {"limit"},
}


def _members(document: Mapping[str, Any]) -> None:
    kind = document["kind"]
    for name in _REQUIRED.get(kind, ()):
        if name not in document:
            raise DefinitionError("/", f"kind {kind} needs the member {name}")
    extra = sorted(set(document) - _COMMON - _OWN.get(kind, _EVENTS))
    if extra:
        raise DefinitionError(f"/{extra[0]}", f"kind {kind} has no member {extra[0]}")


def _titles(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": document.get("title", document["name"]), "description": document.get("description", "")}


def _within(place: str, read: Any) -> Any:
    try:
        return read()
    except DefinitionError as error:
        raise error.within(place) from None


def _over_events(document: Mapping[str, Any]) -> Definition:
    kind = document["kind"]
    where = document.get("where")
    parsed = None if where is None else _within("/where", lambda: parse_predicate(where))
    window = read_window(document.get("window"), "/window")
    if kind == "trend" and window.kind != "last":
        raise DefinitionError("/window", "a trend compares the last n days with the n before: its window is {last: …}")
    field_name = _field_name(document)
    found = _field_type(field_name, document.get("timezone"))
    if parsed is not None:
        _within("/where", lambda: check_predicate(parsed, over_items=field_name.startswith("items.")))
    return Definition(
        document["name"],
        kind,
        _result(kind, field_name, found),
        **_titles(document),
        of=_kinds(document.get("of", "*")),
        field=field_name,
        where=parsed,
        window=window,
        per=document.get("per", "profile"),
        options=document,
        document=document,
    )


def _field_name(document: Mapping[str, Any]) -> str:
    kind, written = document["kind"], document.get("field", "")
    needed = kind not in ("count", "time_since") and not (kind == "trend" and document.get("measure", "count") == "count")
    if needed and not written:
        raise DefinitionError("/", f"kind {kind} needs the member field: which field of the event it is over ({', '.join(EVENT_FIELDS)} …)")
    if written and not needed:
        raise DefinitionError("/field", f"kind {kind} counts events or time and has no field")
    return str(written)


def _field_type(name: str, timezone: str | None) -> Type | None:
    if timezone is not None and timezone not in available_timezones():
        raise DefinitionError("/timezone", f"{timezone!r} is no IANA time zone, such as Europe/Berlin")
    if not name:
        return None
    found = ItemFields(EventFields(event_view()), text("")).field(name, "/field").type
    if found is Type.LIST:
        raise DefinitionError("/field", f"{name} is a list and cannot be aggregated")
    return found


def _result(kind: str, field_name: str, found: Type | None) -> Type:
    if kind in ("count", "distinct_count", "time_since") or found is None:
        return Type.NUMBER
    if kind == "unique_list":
        return Type.LIST
    if kind in ("sum", "average", "trend"):
        if found not in (Type.NUMBER, Type.ANY):
            raise DefinitionError("/field", f"{field_name} is a {found}: {kind} takes a number")
        return Type.NUMBER
    if kind in ("minimum", "maximum"):
        if found is Type.TEXT:
            raise DefinitionError("/field", f"{field_name} is a text: {kind} takes a number or a time")
        return Type.NUMBER if found is Type.ANY else found
    return Type.TEXT if found is Type.ANY else found


def _kinds(written: str | Sequence[str]) -> tuple[str, ...]:
    words = [written] if isinstance(written, str) else list(written)
    found = []
    for i, word in enumerate(words):
        kind = "*" if word == "*" else kinds(word)
        if kind is None:
            place = "/of" if isinstance(written, str) else f"/of/{i}"
            raise check.unknown("kind of interaction", word, ["order", "ticket", "email", "*"], place)
        found.append(kind)
    return () if "*" in found else tuple(sorted(set(found)))


def check_predicate(predicate: Predicate, *, over_items: bool = False, references: Mapping[str, Type] | None = None) -> None:
    """Refuse a condition on an event that names what is not there or compares what cannot be compared."""
    events = EventFields(event_view())
    fields = ItemFields(events, text("")) if over_items else events
    for leaf in check.leaves(predicate):
        assert isinstance(leaf, Compare)
        other = None
        if isinstance(leaf.value, Reference):
            known = references or {}
            if leaf.value.name not in known:
                raise check.unknown("field of the person", leaf.value.name, known, leaf.place)
            other = known[leaf.value.name]
        check.comparison(leaf, fields.field(leaf.field, leaf.place).type, other)


def ordered(definitions: Iterable[Definition]) -> list[Definition]:
    """The definitions with those that others name first.

    Raises:
        UnknownName: an expression names an attribute that does not exist.
        CircularDefinition: attributes that lead back to themselves.
        DefinitionError: an expression calculates with something that is no number.
    """
    by_name = {d.name: d for d in definitions}
    done: dict[str, Definition] = {}
    for name in sorted(by_name):
        _place(by_name[name], by_name, done, ())
    return list(done.values())


def _place(definition: Definition, known: Mapping[str, Definition], done: dict[str, Definition], path: tuple[str, ...]) -> None:
    if definition.name in done:
        return
    if definition.name in path:
        circle = " → ".join((*path[path.index(definition.name) :], definition.name))
        raise CircularDefinition(f"attribute {definition.name}, /expression", f"it leads back to itself: {circle}")
    if definition.expression is not None:
        for found in expression.names(definition.expression):
            place = f"attribute {definition.name}, /expression, {found.place}"
            if found.name not in known:
                raise check.unknown("attribute", found.name, known, place)
            if known[found.name].type is not Type.NUMBER:
                raise DefinitionError(place, f"{found.name} is a {known[found.name].type}; an expression calculates with numbers")
            _place(known[found.name], known, done, (*path, definition.name))
    done[definition.name] = definition
