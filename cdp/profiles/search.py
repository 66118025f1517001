"""A search finds living profiles by the beginnings of words, by whole contact points, or by a record's source and key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from cdp.profiles.refresh import fold
from cdp.profiles.views import SUMMARY, ProfileSummary, decode, encode, summary

_PHONE = re.compile(r"\+?[\d\s()./-]+")
_DIGITS = 7
"""Fewer digits are no phone number that one says whole."""


@dataclass(frozen=True)
class SearchPage:
    """Profiles found; `total` counts all of them, up to 1,000."""

    items: Sequence[ProfileSummary]
    next_cursor: str | None
    total: int


def find(
    connection: Connection,
    *,
    q: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    source: str | None = None,
    key: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> SearchPage:
    """Living profiles that match everything given.

    Args:
        q: words, and a profile is found if each begins one of its names, cities, contact points or identifiers; or a phone number.
        email: exact, in any case.
        phone: whole; with or without the prefix of its country, written in any way.
        source: with `key`, the record's source and key; alone, every profile with a record of it.
        key: key of a record.
        limit: at most 200.
        cursor: `next_cursor` of the page before.

    Raises:
        BadCursor: the cursor is not of this list.
    """
    conditions, params = _conditions(q, email, phone, source, key)
    if cursor:  # it holds an id and no name: who may not see names gets cursors too
        conditions.append(
            "(coalesce(g.display_name, ''), p.id) > (select coalesce(display_name, ''), profile_id from golden where profile_id = :after)"
        )
        params["after"] = decode(cursor, UUID)[0]
    where = " and ".join(conditions)
    base = f"from golden g join profile p on p.id = g.profile_id where p.retired_at is null and {where}"
    size = max(1, min(limit, 200))
    rows = connection.execute(
        text(f"select {SUMMARY} {base} order by coalesce(g.display_name, ''), p.id limit :limit"), params | {"limit": size + 1}
    ).all()
    total = connection.execute(text(f"select count(*) from (select 1 {base} limit 1000) x"), params).scalar_one()
    more = len(rows) > size
    items = tuple(summary(row) for row in rows[:size])
    return SearchPage(items, encode(items[-1].id) if more else None, int(total))


def _conditions(
    q: str | None, email: str | None, phone: str | None, source: str | None, key: str | None
) -> tuple[list[str], dict[str, Any]]:
    params: dict[str, Any] = {}
    conditions = [_words(q, params)]
    if email:
        conditions.append("g.profile_id in (select profile_id from identifier where kind = 'email' and value = :email)")
        params["email"] = email.strip().lower()
    if phone:
        conditions.append(f"g.profile_id in (select profile_id from identifier where kind = 'phone' and {_phone(phone, params)})")
    if source or key:
        clauses = [clause for clause, given in (("s.name = :source", source), ("r.source_key = :key", key)) if given]
        conditions.append(
            f"g.profile_id in (select r.profile_id from record r join source s on s.id = r.source_id where {' and '.join(clauses)})"
        )
        params |= {name: value for name, value in (("source", source), ("key", key)) if value}
    return conditions, params


def is_phone(q: str) -> bool:
    """Whether what is looked for is a whole phone number."""
    return _PHONE.fullmatch(q.strip()) is not None and sum(sign.isdigit() for sign in q) >= _DIGITS


def _words(q: str | None, params: dict[str, Any]) -> str:
    """The condition that every word of `q` begins a search term, or that `q` is a phone number."""
    terms = _terms(q)
    params |= {f"term{number}": term + "%" for number, term in enumerate(terms)}
    found = [f"g.profile_id in (select profile_id from search_term where term like :term{number})" for number in range(len(terms))]
    condition = " and ".join(found) or "true"
    if q and is_phone(q):
        condition = (
            f"({condition} or g.profile_id in (select profile_id from identifier where kind = 'phone' and {_phone(q, params, 'q')}))"
        )
    return condition


def _phone(written: str, params: dict[str, Any], name: str = "phone") -> str:
    """The condition that a stored number (E.164) is the one that is `written`: equal, or its end where the country is left out."""
    digits = re.sub(r"\D", "", written)
    if written.strip().startswith("+") or len(digits) < _DIGITS:
        params[name] = f"+{digits}"
        return f"value = :{name}"
    params[name] = digits.lstrip("0")[::-1] + "%"
    return f"reverse(value) like :{name}"


def _terms(q: str | None) -> list[str]:
    """Search terms as they are stored: a contact point stays whole, everything else becomes folded words."""
    terms: list[str] = []
    for word in (q or "").split():
        digits = re.sub(r"[\s()./-]", "", word)
        if "@" in word or re.fullmatch(r"\+\d{3,}", digits):
            terms.append((word if "@" in word else digits).lower())
        else:
            terms.extend(fold(word))
    return [re.sub(r"([\\%_])", r"\\\1", term) for term in terms[:8]]
