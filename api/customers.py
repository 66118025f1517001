"""Customers as who asks may see them: REST and pages read profiles through here, and nothing leaves without passing the field policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection

from cdp import profiles
from cdp.access import View, Visibility, redact_document, redact_interaction, redact_record, redact_summary
from cdp.access.mask import DOTS as MASKED
from cdp.profiles.refresh import fold

Json = dict[str, Any]


def plain(value: Any) -> Any:
    """Dataclasses, ids, times and decimals as JSON."""
    return orjson.loads(orjson.dumps(value, default=_other, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS))


def _other(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def find(connection: Connection, view: View, *, limit: int = 20, cursor: str | None = None, **given: str | None) -> Json:
    """A page of profiles that match everything `given`: q, email, phone, source, key.

    Raises:
        Forbidden: a field is searched that the view hides.
    """
    _require(view, given)
    if profiles.is_phone(given.get("q") or "") and not view.unrestricted:
        given |= {"phone": given["q"], "q": None}  # a number is found whole, though it be masked
    page = profiles.find(connection, limit=limit, cursor=cursor, **given)
    items = [redact_summary(view, item) for item in plain(page.items)]
    q = given.get("q")
    if not q or view.unrestricted:
        return {"items": items, "next_cursor": page.next_cursor, "total": page.total}
    return {"items": [item for item in items if _shows(item, q)], "next_cursor": page.next_cursor, "total": None}


def _require(view: View, given: Mapping[str, str | None]) -> None:
    q, key = given.get("q") or "", given.get("key") or ""
    if given.get("email") or "@" in q + key:
        view.require_search("emails")
    if given.get("phone") or q.startswith("+") or profiles.is_phone(q):
        view.require_search("phones")


def _shows(item: Json, q: str) -> bool:
    """Whether what is shown of a profile says itself why it was found, word by word: else the finding would tell what is not shown."""
    texts = [text for text in (item["display_name"], item["city"]) if text and MASKED not in text]
    points = [point.lower() for point in (*item["emails"], *item["phones"]) if MASKED not in point]
    words = [word for text in texts for word in fold(text)] + points
    terms = [term for word in q.split() for term in ([word.lower()] if "@" in word or word.startswith("+") else fold(word))]
    return all(any(word.startswith(term) for word in words) for term in terms)


def profile(connection: Connection, view: View, profile_id: UUID) -> Json:
    """One profile."""
    found: Json = plain(profiles.get(connection, profile_id))
    named = redact_summary(view, {"kind": found["kind"], "display_name": found["display_name"]})
    household = [] if view.of("household") is Visibility.HIDDEN else [redact_summary(view, item) for item in found["household"]]
    return {**found, "display_name": named["display_name"], "household": household, "document": redact_document(view, found["document"])}


def records(connection: Connection, view: View, profile_id: UUID) -> Json:
    """The records of a profile, with the evidence between them."""
    current = profiles.living(connection, profile_id)
    items = [redact_record(view, record) for record in plain(profiles.records(connection, current))]
    return {"profile_id": str(current), "items": items}


def timeline(
    connection: Connection,
    view: View,
    profile_id: UUID,
    *,
    limit: int = 50,
    cursor: str | None = None,
    kinds: Sequence[str] = (),
    channels: Sequence[str] = (),
) -> Json:
    """A page of what happened with a profile."""
    current = profiles.living(connection, profile_id)
    page = profiles.timeline(connection, current, limit=limit, cursor=cursor, kinds=kinds or None, channels=channels or None)
    items = [redact_interaction(view, item) for item in plain(page.items)]
    return {"profile_id": str(current), "items": items, "next_cursor": page.next_cursor}


def history(connection: Connection, profile_id: UUID) -> Json:
    """What came to a profile and what left it."""
    current = profiles.living(connection, profile_id)
    return {"profile_id": str(current), "items": plain(profiles.history(connection, current))}
