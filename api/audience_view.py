"""Conditions as who asks may use them: what a department does not see it can neither ask for, nor read out of a count or an explanation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import Connection, text

from api.customers import Json
from api.house import house
from api.problems import BadRequest, PlaceError
from cdp import segments as room
from cdp.access import View, Visibility, redact_summary
from cdp.access.mask import DOTS as MASKED
from cdp.access.policy import FIELD_OF, INTERACTION_FIELD_OF
from cdp.attributes import Definition, DefinitionError, definitions
from cdp.attributes.language.check import leaves
from cdp.attributes.language.tree import Compare, Reference
from cdp.segments.document import write
from cdp.segments.tree import BEFORE, Condition, Events, event_parts, every_leaf

_CONTACT = {
    "email": "emails",
    "phone": "phones",
    "city": "addresses",
    "region": "addresses",
    "country": "addresses",
    "postal_code": "addresses",
}


def copy() -> room.Copy:
    """The columnar copy of this process."""
    found: room.Copy = current_app.extensions.setdefault("cdp.segments", room.Copy(house().settings.lake / "segments"))
    return found


def condition(connection: Connection, view: View, written: str | Mapping[str, Any], name: str = "") -> Condition:
    """A condition that can be decided and that who asks may use.

    Raises:
        BadRequest: it cannot be read or decided, with the place.
        Forbidden: it asks for a field that the view hides.
    """
    try:
        found = room.checked(connection, written, name)
    except DefinitionError as error:
        raise refused(error) from None
    for field in fields(found, {d.name: d for d in definitions(connection)}):
        view.require_search(field)
    return found


def refused(error: DefinitionError) -> BadRequest:
    """A definition that was refused, as the answer to a request."""
    return BadRequest("The definition cannot be used.", [PlaceError(error.place or "condition", error.reason)])


def policy_field(name: str) -> str:
    """The field of the policy that a name of the language reads."""
    plain = f"attributes.{name.removeprefix('custom.')}" if name.startswith("custom.") else _CONTACT.get(name, name)
    return FIELD_OF.get(plain, plain)


def fields(found: Condition, known: Mapping[str, Definition]) -> Iterator[str]:
    """The fields of the policy that a condition reads, of the person and of what happened, also by way of attributes (`known`)."""
    for leaf in every_leaf(found):
        if isinstance(leaf, Events) and leaf.field:
            yield event_field(leaf.field)
        for part in [leaf] if isinstance(leaf, Compare) else event_parts(leaf):
            named = [part.value.name] if isinstance(part.value, Reference) else []
            if part is leaf:
                named.append(part.field)
            else:
                yield event_field(part.field)
            for name in named:
                yield event_field(name.removeprefix(BEFORE)) if name.startswith(BEFORE) else policy_field(name)
                yield from attribute_fields(name, known)


def event_field(name: str) -> str:
    """The field of the policy that a field of an event reads."""
    root = name.partition(".")[0]
    return INTERACTION_FIELD_OF.get("amount" if root == "value" else root, f"interaction.{root}")


def attribute_fields(name: str, known: Mapping[str, Definition]) -> Iterator[str]:
    """The fields of events that an attribute is computed from, also by way of other attributes."""
    if name not in known:
        return
    definition = known[name]
    for needed in definition.needs:
        yield from attribute_fields(needed, known)
    if definition.field:
        yield event_field(definition.field)
    if definition.where is not None:
        yield from (event_field(part.field) for part in leaves(definition.where) if isinstance(part, Compare))


def shown_attributes(view: View, values: Json, known: Mapping[str, Definition]) -> Json:
    """The values of attributes without those that are hidden, or computed from what is."""
    return {
        name: value
        for name, value in values.items()
        if view.sees(name) and all(view.of(field) is not Visibility.HIDDEN for field in attribute_fields(name, known))
    }


def segment(view: View, found: room.Segment) -> Json:
    """One segment as JSON."""
    return {
        "name": found.name,
        "title": found.title,
        "description": found.description,
        "text": found.text,
        "condition": write(found.condition),
        "version": found.version,
        "members": figure(view, found.members),
        "soon": found.soon,
        "as_of": found.as_of,
        "current": found.refreshed_version == found.version,
    }


def preview(connection: Connection, view: View, found: Condition) -> Json:
    """A preview with the sample's names as the view shows them."""
    try:
        made = room.preview(house().engine, found, copy(), as_of=datetime.now(UTC))
    except DefinitionError as error:
        raise refused(error) from None
    document = made.document()
    document["text"] = room.write(found)
    document["count"] = figure(view, made.count, made.total)
    for part in ("by_source", "by_channel", "overlap"):
        document[part] = {word: figure(view, n, made.count) for word, n in document[part].items()}
    document["sample"] = named(connection, view, made.sample) if sees_persons(view) else []
    return document


def sees_persons(view: View) -> bool:
    """Whether who asks may see who somebody is."""
    return view.sees("name")


def figure(view: View, count: int, of: int | None = None) -> int | str:
    """A count, for those who may not see persons only as far as it names nobody: `<5`, or `>95` of a hundred."""
    least = house().settings.small_cell
    if sees_persons(view):
        return count
    if 0 < count < least:
        return f"<{least}"
    if of is not None and 0 < of - count < least:
        return f">{of - least}"
    return count


def named(connection: Connection, view: View, ids: tuple[UUID, ...]) -> list[Json]:
    """Profiles by name, as the view shows them."""
    statement = """select p.id, p.kind, g.display_name from profile p left join golden g on g.profile_id = p.id
        where p.id = any(cast(:ids as uuid[])) order by p.id"""
    rows = connection.execute(text(statement), {"ids": list(ids)}).mappings()
    seen = [redact_summary(view, {"id": str(row["id"]), "kind": row["kind"], "display_name": row["display_name"]}) for row in rows]
    return [{"id": one["id"], "display_name": one["display_name"]} for one in seen]


def why(view: View, found: Condition, made: room.Why) -> Json:
    """An explanation in which values that the view does not show are masked."""
    return masked(view, found, made.document())


def masked(view: View, found: Condition, document: Json) -> Json:
    """The document of an explanation in which values that the view does not show are masked."""
    hidden = {
        leaf.field
        for leaf in every_leaf(found)
        if isinstance(leaf, Compare) and view.of(policy_field(leaf.field)) is not Visibility.VISIBLE
    }

    def mask(one: Json) -> Json:
        covered = one["seen"] is not None and any(one["text"].startswith(f"{field} ") for field in hidden)
        made = one | ({"seen": MASKED} if covered else {})
        return made | ({"parts": [mask(part) for part in one["parts"]]} if "parts" in one else {})

    return mask(document)
