"""Bitrix24: CRM lists by an inbound webhook, fifty rows a page, in the order of their last change.

The secret is in the address, so `base_url` is a secret. The API does not tell which rows were deleted: a sweep compares the ids.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.http import Limits, Rules
from connectors.paging import NumberPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceParam


def _stream(name: str, method: str, kind: str, stamp: str = "DATE_MODIFY") -> RestStream:
    """Deep offsets are slow, so the list is asked for again, from the last time seen, after ten thousand rows."""
    listing = Listing(
        f"{method}.json",
        "result",
        method="POST",
        body={"order": {stamp: "ASC", "ID": "ASC"}, "filter": {}, "select": ["*", "UF_*", "EMAIL", "PHONE"]},
        paging=NumberPaging("start", first=0, next_at="next"),
        since=SinceParam(f"filter.>={stamp}", "iso_offset"),
        window=10_000,
    )
    ids = replace(listing, body={"order": {"ID": "ASC"}, "filter": {}, "select": ["ID"]}, since=None, window=None)
    return RestStream(name, listing, key="ID", kind=kind, cursor=stamp, gone=Gone(keys=ids))


class Bitrix24Source(RestSource):
    """Bitrix24: contacts, companies, leads, deals and activities. `base_url` is the webhook, `https://NAME.bitrix24.com/rest/1/SECRET`."""

    vendor = "bitrix24"
    limits = Limits(2, 1, "2026-11-22", "a bucket of 50 requests that drains 2 a second; 480 s of work for a method in ten minutes besides")
    rules = Rules(
        codes_at=("error",),
        throttled=frozenset({"QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT"}),
        denied=frozenset({"insufficient_scope", "ACCESS_DENIED", "NO_AUTH_FOUND", "INVALID_CREDENTIALS"}),
    )
    declared = (
        _stream("contacts", "crm.contact.list", "customer"),
        _stream("companies", "crm.company.list", "customer"),
        _stream("leads", "crm.lead.list", "customer"),
        _stream("deals", "crm.deal.list", "interaction"),
        _stream("activities", "crm.activity.list", "interaction", "LAST_UPDATED"),
    )
