"""The JSON form of a condition, `schemas/segment.schema.json`; reading what was written gives an equal tree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from jsonschema import ValidationError

from cdp.attributes.errors import DefinitionError
from cdp.attributes.fields import PLURALS, kinds
from cdp.attributes.language import document as language
from cdp.attributes.language.check import unknown
from cdp.attributes.language.document import Json
from cdp.attributes.language.tree import ORDERED, Compare, Op
from cdp.records.contracts import validator
from cdp.segments.tree import (
    MEASURES,
    Condition,
    Consent,
    EventMatch,
    Events,
    Everyone,
    Household,
    InSegment,
    Random,
    Sequence,
    Step,
)


def read(document: object) -> Condition:
    """The condition that a document describes.

    Raises:
        DefinitionError: the document breaks its schema or says what cannot be; its place is a JSON pointer.
    """
    condition = read_stored(document)
    for problem in validator("segment").iter_errors(document):
        raise _problem(problem)
    return condition


def _problem(problem: ValidationError) -> DefinitionError:
    """What breaks the schema: where a document can be one of several, what is wrong with the one that its members say it is."""
    while problem.context:
        choices: dict[Any, list[ValidationError]] = {}
        for found in problem.context:
            choices.setdefault(found.schema_path[0], []).append(found)
        meant = [found for found in choices.values() if not any(one.validator == "required" and not one.path for one in found)]
        if len(meant) != 1:
            break
        problem = meant[0][0]
    reason = "this is not one condition" if problem.context else problem.message
    return DefinitionError("/" + "/".join(map(str, problem.absolute_path)), f"{reason} (schemas/segment.schema.json)")


def read_stored(document: object) -> Condition:
    """The condition of a document that met the schema before it was stored."""
    return cast(Condition, language.read(document, _read_leaf))


def _read_leaf(document: Json, place: str, depth: int) -> object:
    for key, reader in _READERS.items():
        if key in document:
            return reader(document, place, depth)
    if "field" in document:
        return language.read_compare(document, place)
    raise DefinitionError(place or "/", f"a condition has one of field, and, or, not, {', '.join(_READERS)}")


def _match(document: object, place: str) -> EventMatch:
    if not isinstance(document, dict):
        raise DefinitionError(place, "events are an object with kind and, where wanted, where")
    word = str(document.get("kind", ""))
    kind = "*" if word == "*" else kinds(word)
    if kind is None:
        raise unknown("kind of event", word, PLURALS, f"{place}/kind")
    where = document.get("where")
    return EventMatch(kind, None if where is None else language.read_predicate(where, f"{place}/where"))


def _events(document: Json, place: str, depth: int) -> Events:
    measure = document.get("measure", "count")
    if measure not in MEASURES:
        raise unknown("measure", str(measure), MEASURES, f"{place}/measure")
    if measure != "count" and "of" not in document:
        raise DefinitionError(place or "/", f"{measure} needs the member of: which field of the event it is over")
    field = "" if measure == "count" else language.name(document["of"], f"{place}/of")
    written = document.get("operator")
    if written not in {op.value for op in (*ORDERED, Op.BETWEEN)}:
        raise DefinitionError(f"{place}/operator", f"{measure} is a number and cannot be compared by {written!r}")
    op = Op(str(written))
    value = document.get("value")
    window = language.read_window(document.get("window"), f"{place}/window")
    if op is Op.BETWEEN:
        if not isinstance(value, list) or len(value) != 2:
            raise DefinitionError(f"{place}/value", "between takes a list of two numbers")
        number: Any = tuple(_number(part, f"{place}/value/{i}") for i, part in enumerate(value))
    else:
        number = _number(value, f"{place}/value")
    return Events(_match(document["events"], f"{place}/events"), op, number, measure, field, window, place)


def _number(value: object, place: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DefinitionError(place, f"a number expected, {type(value).__name__} found")
    return language.number(value, place)


def _sequence(document: Json, place: str, depth: int) -> Sequence:
    body = document["sequence"]
    if not isinstance(body, list) or len(body) < 2:
        raise DefinitionError(f"{place}/sequence", "a sequence is a list of two or more steps")
    steps = []
    for i, step in enumerate(body[1:], 1):
        at = f"{place}/sequence/{i}"
        match = _match(step, at)
        within = language.duration(step["within"], f"{at}/within") if "within" in step else None
        without = _match(step["without"], f"{at}/without") if "without" in step else None
        steps.append(Step(match, within, without, bool(step.get("absent", False))))
    window = language.read_window(document.get("window"), f"{place}/window")
    return Sequence(_match(body[0], f"{place}/sequence/0"), tuple(steps), window, place)


def _consent(document: Json, place: str, depth: int) -> Consent:
    state = document.get("state", "granted")
    if state not in ("granted", "denied", "unknown") or not isinstance(document["consent"], str):
        raise DefinitionError(place, "a consent has a purpose and a state: granted, denied or unknown")
    return Consent(language.plain_text(document["consent"], place), state)


def _household(document: Json, place: str, depth: int) -> Household:
    quantifier = document["household"]
    if quantifier not in ("any", "all", "none"):
        raise DefinitionError(f"{place}/household", "household is any, all or none")
    inside = language.read(document.get("condition"), _read_leaf, f"{place}/condition", depth + 1)
    return Household(quantifier, cast(Condition, inside))


def _segment(document: Json, place: str, depth: int) -> InSegment:
    return InSegment(str(document["segment"]), place)


def _random(document: Json, place: str, depth: int) -> Random:
    body = document["random"]
    if not isinstance(body, list) or len(body) != 2 or not all(isinstance(part, int) for part in body):
        raise DefinitionError(f"{place}/random", "random is a list of two percentages")
    return Random(body[0], body[1], place)


_READERS: dict[str, Any] = {
    "events": _events,
    "sequence": _sequence,
    "consent": _consent,
    "household": _household,
    "segment": _segment,
    "random": _random,
    "everyone": lambda document, place, depth: Everyone(),
}


def write(condition: Condition) -> Json:
    """The condition as a document."""
    return language.write(condition, _write_leaf)


def _write_leaf(node: object) -> Json:
    if isinstance(node, Compare):
        return language.write_compare(node)
    if isinstance(node, Events):
        return _write_events(node)
    if isinstance(node, Sequence):
        return _windowed({"sequence": [_write_match(node.first), *map(_write_step, node.steps)]}, node)
    if isinstance(node, Consent):
        return {"consent": node.purpose, "state": node.state}
    if isinstance(node, Household):
        return {"household": node.quantifier, "condition": write(node.condition)}
    if isinstance(node, InSegment):
        return {"segment": node.name}
    if isinstance(node, Random):
        return {"random": [node.low, node.high]}
    assert isinstance(node, Everyone)
    return {"everyone": True}


def _write_match(match: EventMatch) -> Json:
    return {"kind": match.kind} | ({} if match.where is None else {"where": language.write_predicate(match.where)})


def _write_step(step: Step) -> Json:
    document = _write_match(step.match)
    if step.within is not None:
        document["within"] = str(step.within)
    if step.without is not None:
        document["without"] = _write_match(step.without)
    return document | ({"absent": True} if step.absent else {})


def _write_events(node: Events) -> Json:
    value = node.value
    compared: Any = [language.scalar_document(part) for part in value] if isinstance(value, tuple) else language.scalar_document(value)
    document: Json = {"events": _write_match(node.match), "measure": node.measure}
    if node.measure != "count":
        document["of"] = node.field
    return _windowed(document | {"operator": node.op.value, "value": compared}, node)


def _windowed(document: Json, node: Events | Sequence) -> Json:
    window = language.write_window(node.window)
    return document if window is None else document | {"window": window}
