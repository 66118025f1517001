"""Tryton: parties, opportunities and sales by its REST API, read whole each time, in the order of their ids.

Tryton keeps no trace of what was deleted, and a party does not change when its addresses do: only a whole read tells both. An id is
where the next page begins, so rows that come and go while it is read move no other.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from connectors.auth import Bearer
from connectors.http import Answer, Limits, Request, with_params
from connectors.paging import Following, Token
from connectors.rest import Listing, RestSource, RestStream


def _encoded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode("ascii")


@dataclass(frozen=True)
class IdPaging:
    """Rows behind an id, by a search domain."""

    size: int = 500
    resumable: bool = True

    def ask(self, request: Request, token: Token | None) -> Request:
        return with_params(request, {"o": _encoded([["id", "ASC"]]), "s": self.size, "d": _encoded([["id", ">", token or 0]])})

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following:
        return Following(rows[-1]["id"] if rows else None, bool(rows))


_FIELDS: Mapping[str, tuple[str, str]] = {
    "party.party": (
        "customer",
        "name code lang.code create_date write_date contact_mechanisms.type contact_mechanisms.value identifiers.type identifiers.code "
        "addresses.street addresses.postal_code addresses.city addresses.country.code addresses.subdivision.name",
    ),
    "sale.opportunity": ("interaction", "number party.id description comment state amount currency.code start_date end_date create_date"),
    "sale.sale": (
        "interaction",
        "number party.id description state sale_date currency.code total_amount create_date "
        "lines.product.code lines.product.name lines.description lines.quantity lines.unit_price lines.amount",
    ),
}


def _stream(name: str, model: str) -> RestStream:
    kind, fields = _FIELDS[model]
    return RestStream(name, Listing(f"rest/model/{model}", params={"f": fields.split()}, paging=IdPaging()), kind=kind)


class TrytonSource(RestSource):
    """Tryton: parties, opportunities and sales, by a user application's key. `base_url` is `https://HOST/DATABASE`."""

    vendor = "tryton"
    auth = Bearer("key")
    limits = Limits(50, 1, "2026-11-22", "none of its own: what one server process answers in a second")
    declared = (_stream("parties", "party.party"), _stream("opportunities", "sale.opportunity"), _stream("sales", "sale.sale"))

    def completed(self, stream: RestStream, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Dates, times and decimals come as objects that name their class; here they become text. Contacts are also listed by kind."""
        plain = [_plain(row) for row in rows]
        return [{**row, **_contacts(row)} for row in plain] if stream.kind == "customer" else plain


def _contacts(row: Mapping[str, Any]) -> dict[str, list[str]]:
    ways = [(way.get("type"), way["value"]) for way in row.get("contact_mechanisms") or [] if way.get("value")]
    return {
        "emails": [value for kind, value in ways if kind == "email"],
        "phones": [value for kind, value in ways if kind in ("phone", "mobile", "sms")],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__class__")
    if kind == "Decimal":
        return value["decimal"]
    numbers = {name: number for name, number in value.items() if name != "__class__"}
    if kind == "date":
        return date(**numbers).isoformat()
    if kind == "datetime":
        return datetime(**numbers, tzinfo=UTC).isoformat()
    return {name: _plain(member) for name, member in value.items()}
