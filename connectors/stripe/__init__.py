"""Stripe: the first read lists every object, newest first; later ones read events, since no list tells what changed.

Events tell deletions too, for thirty days; a sweep finds those of a longer pause. A charge is never deleted.

Stripe counts money in the smallest unit of a currency. Each row gets `decimal`, an object of the same amounts as decimal text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.auth import Bearer
from connectors.http import Limits
from connectors.paging import AfterKeyPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceParam

_VERSION = {"Stripe-Version": "2024-06-20"}
_PER_ENDPOINT = Limits(25, 1, "2026-11-22", "each endpoint: 25 requests a second, live and in a sandbox")
_EVENTS = {
    "customers": ("customer.created", "customer.updated", "customer.deleted"),
    "charges": (
        "charge.captured",
        "charge.expired",
        "charge.failed",
        "charge.pending",
        "charge.refunded",
        "charge.succeeded",
        "charge.updated",
    ),
    "invoices": (
        *("invoice.created", "invoice.deleted", "invoice.finalized", "invoice.marked_uncollectible", "invoice.paid"),
        *("invoice.payment_failed", "invoice.sent", "invoice.updated", "invoice.voided"),
    ),
}
"""Stream -> events that hold the object as it became."""


_WHOLE = frozenset(["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"])
_THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
"""Currencies whose smallest unit is no hundredth; read on 2026-11-22."""
_AMOUNTS = ("amount", "amount_captured", "amount_refunded", "amount_due", "amount_paid", "amount_remaining", "subtotal", "tax", "total")


def _decimal(row: Mapping[str, Any]) -> dict[str, str]:
    currency = str(row.get("currency") or "").lower()
    places = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    return {name: str(Decimal(row[name]).scaleb(-places)) for name in _AMOUNTS if re.fullmatch(r"-?\d+", str(row.get(name)))}


def _stream(name: str) -> RestStream:
    """Events come newest first, so they are read from the start after a crash: an older state must not land last."""
    every = Listing(f"v1/{name}", "data", headers=_VERSION, paging=AfterKeyPaging("starting_after"), limits=_PER_ENDPOINT)
    return RestStream(
        name,
        every,
        kind="customer" if name == "customers" else "interaction",
        changes=Listing(
            "v1/events",
            "data",
            params={"types[]": list(_EVENTS[name])},
            headers=_VERSION,
            paging=AfterKeyPaging("starting_after", resumable=False),
            since=SinceParam("created[gte]", "unix"),
            unwrap="data.object",
            latest_first=True,
            limits=_PER_ENDPOINT,
        ),
        by_clock=True,
        horizon=29 * 86400,
        gone=Gone(flag="type", equals=f"{name.removesuffix('s')}.deleted", keys=None if name == "charges" else every),
    )


class StripeSource(RestSource):
    """Stripe: customers, charges and invoices, by a secret or restricted key."""

    vendor = "stripe"
    base_url = "https://api.stripe.com"
    auth = Bearer()
    limits = Limits(100, 1, "2026-11-22", "live mode: 100 requests a second")
    declared = tuple(_stream(name) for name in _EVENTS)

    def completed(self, stream: RestStream, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return rows if stream.kind == "customer" else [{**row, "decimal": _decimal(row)} for row in rows]
