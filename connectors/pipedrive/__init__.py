"""Pipedrive: persons, deals and activities by API v2, in the order of their last change.

The API lists deleted deals for 30 days, and deleted persons, organisations and activities not at all: a sweep compares the ids.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.auth import Header
from connectors.http import Limits
from connectors.paging import CursorPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceParam

_PAGING = CursorPaging("cursor", at="additional_data.next_cursor", size_param="limit", size=500)


def _stream(name: str, kind: str, gone: Gone | None = None) -> RestStream:
    sorting = {"sort_by": "update_time", "sort_direction": "asc"}
    listing = Listing(f"api/v2/{name}", "data", params=sorting, paging=_PAGING, since=SinceParam("updated_since"))
    ids = Listing(f"api/v2/{name}", "data", paging=_PAGING)
    return RestStream(name, listing, kind=kind, cursor="update_time", gone=replace(gone or Gone(flag="is_deleted"), keys=ids))


class PipedriveSource(RestSource):
    """Pipedrive: persons, organisations, deals and activities, by an API token."""

    vendor = "pipedrive"
    base_url = "https://api.pipedrive.com"
    auth = Header("x-api-token")
    limits = Limits(40, 2, "2026-11-22", "bursts of 40 requests in 2 s on Growth; a daily budget of tokens besides, answered with 429")
    declared = (
        _stream("persons", "customer"),
        _stream("organizations", "customer"),
        _stream("deals", "interaction", Gone(listing=Listing("api/v2/deals", "data", params={"status": "deleted"}, paging=_PAGING))),
        _stream("activities", "interaction"),
    )
