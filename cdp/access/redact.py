"""Each function takes a document as JSON and a View and returns the document as that principal sees it; nothing is changed in place.

A hidden member is left out, a masked one is masked together with the values that lost to it. Where a document holds a value under a
neutral name (a source key that is an e-mail address, a display name that is one), the value decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cdp.access.mask import mask
from cdp.access.policy import FIELD_OF, INTERACTION_FIELD_OF, View, Visibility

Json = dict[str, Any]
_PRICES = frozenset({"unit_price", "amount"})
"""Members of an order's items that add up to its amount."""


def _shown(view: View, field: str, value: Any) -> Any:
    """`value` as seen; None where hidden."""
    match view.of(field):
        case Visibility.VISIBLE:
            return value
        case Visibility.MASKED:
            return mask(field, value)
        case _:
            return None


def _field_of_text(text: str, otherwise: str) -> str:
    """The field that a value of no declared kind belongs to, by its look."""
    if "@" in text:
        return "emails"
    return "phones" if text.startswith("+") and text[1:].isdigit() else otherwise


def redact_key(view: View, key: str) -> str:
    """A source key as seen: as it is, unless it is a contact point that is not."""
    field = _field_of_text(key, "")
    return key if not field or view.sees(field) else str(mask(field, key))


def redact_summary(view: View, summary: Mapping[str, Any]) -> Json:
    """A profile in a list of results or in a household."""
    seen = dict(summary)
    named = _field_of_text(seen.get("display_name") or "", "organisation" if seen.get("kind") == "organisation" else "name")
    seen["display_name"] = _shown(view, named, seen.get("display_name"))
    for name, empty in (("emails", []), ("phones", []), ("city", None)):
        if name in seen:
            seen[name] = _shown(view, FIELD_OF[name], seen[name]) or empty
    return seen


def redact_document(view: View, document: Mapping[str, Any]) -> Json:
    """The golden document of a profile."""
    return {
        "values": _values(view, document["values"]),
        "contact": {
            name: [_point(view, FIELD_OF[name], point) for point in points if view.of(FIELD_OF[name]) is not Visibility.HIDDEN]
            for name, points in document["contact"].items()
        },
        "identifiers": _identifiers(view, document["identifiers"]),
        "consents": document["consents"] if view.of("consents") is not Visibility.HIDDEN else {},
        "stats": {name: value for name, value in document["stats"].items() if name != "revenue" or view.sees("interaction.amount")},
    }


def _values(view: View, values: Mapping[str, Any]) -> Json:
    return {
        name: _chosen(view, FIELD_OF.get(name, name), chosen)
        for name, chosen in values.items()
        if view.of(FIELD_OF.get(name, name)) is not Visibility.HIDDEN
    }


def _chosen(view: View, field: str, chosen: Mapping[str, Any]) -> Json:
    seen = _statement(view, field, chosen)
    seen["others"] = [_statement(view, field, other) for other in chosen.get("others", ())]
    return seen


def _statement(view: View, field: str, statement: Mapping[str, Any]) -> Json:
    key = redact_key(view, statement["source_key"])
    return {**statement, "value": _shown(view, field, statement["value"]), "source_key": key}


def _point(view: View, field: str, point: Mapping[str, Any]) -> Json:
    if view.sees(field):
        return dict(point)
    return {**point, "value": mask(field, point["value"])} if "value" in point else dict(mask(field, point))


def _identifiers(view: View, identifiers: list[Any]) -> list[Json]:
    shown = ((item, _shown(view, f"identifiers.{item['type']}", item["value"])) for item in identifiers)
    return [{**item, "value": value} for item, value in shown if value is not None]


def redact_canonical(view: View, canonical: Mapping[str, Any]) -> Json:
    """The canonical document of a customer record."""
    seen: Json = {}
    for name, value in canonical.items():
        match name:
            case "source_key":
                seen[name] = redact_key(view, value)
            case "identifiers":
                seen[name] = _identifiers(view, value)
            case "issues":
                seen[name] = [issue for issue in value if _issue_seen(view, issue)]
            case "attributes":
                seen[name] = _attributes(view, json.loads(value) if isinstance(value, str) else value)
            case _:
                shown = _shown(view, FIELD_OF.get(name, name), value)
                if shown is not None:
                    seen[name] = shown
    return seen


def _attributes(view: View, attributes: Mapping[str, Any]) -> Json:
    shown = ((name, _shown(view, f"attributes.{name}", value)) for name, value in attributes.items())
    return {name: value for name, value in shown if value is not None}


def _issue_seen(view: View, issue: Mapping[str, Any]) -> bool:
    name = str(issue.get("field", ""))
    return view.raw or view.sees(FIELD_OF.get(name, name))


def redact_record(view: View, record: Mapping[str, Any]) -> Json:
    """A record of a profile: its canonical document, its links, and its raw row for those who see raw rows."""
    seen = {**record, "source_key": redact_key(view, record["source_key"]), "canonical": redact_canonical(view, record["canonical"])}
    seen["links"] = [_link(view, link) for link in record.get("links", ())]
    if not view.raw:
        seen["raw"] = None
    return seen


def _link(view: View, link: Mapping[str, Any]) -> Json:
    pattern = {
        name: level for name, level in (link.get("pattern") or {}).items() if view.of(FIELD_OF.get(name, name)) is not Visibility.HIDDEN
    }
    return {**link, "source_key": redact_key(view, link["source_key"]), "pattern": pattern}


def redact_interaction(view: View, interaction: Mapping[str, Any]) -> Json:
    """One interaction of a timeline."""
    seen: Json = {}
    for name, value in interaction.items():
        if name in ("source_key", "customer_key"):
            seen[name] = None if value is None else redact_key(view, value)
        elif name in ("raw", "issues"):
            if view.raw:
                seen[name] = value
        elif name not in INTERACTION_FIELD_OF:
            seen[name] = value
        elif (shown := _shown(view, INTERACTION_FIELD_OF[name], value)) is not None:
            seen[name] = shown
    if not view.sees("interaction.amount") and isinstance(seen.get("items"), list):
        seen["items"] = [{name: value for name, value in item.items() if name not in _PRICES} for item in seen["items"]]
    return seen
