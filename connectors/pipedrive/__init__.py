"""Pipedrive: persons, deals and activities by API v2, in the order of their last change.

The API lists deleted deals for 30 days, and deleted persons, organisations and activities not at all: a sweep compares the ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.auth import Header
from connectors.http import Limits
from connectors.paging import CursorPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceParam

_PAGING = CursorPaging("cursor", at="additional_data.next_cursor", size_param="limit", size=500)


def _stream(name: str, kind: str, gone: Gone | None = None, more: Sequence[str] = ()) -> RestStream:
    included = {"include_fields": ",".join(more)} if more else {}
    sorting = {"sort_by": "update_time", "sort_direction": "asc", **included}
    listing = Listing(f"api/v2/{name}", "data", params=sorting, paging=_PAGING, since=SinceParam("updated_since"))
    ids = Listing(f"api/v2/{name}", "data", paging=_PAGING)
    return RestStream(name, listing, kind=kind, cursor="update_time", gone=replace(gone or Gone(flag="is_deleted"), keys=ids))


STREAMS: Sequence[tuple[str, str, Gone | None]] = (
    ("persons", "customer", None),
    ("organizations", "customer", None),
    ("deals", "interaction", Gone(listing=Listing("api/v2/deals", "data", params={"status": "deleted"}, paging=_PAGING))),
    ("activities", "interaction", None),
)
"""Name, kind, and how deletions show."""


class PipedriveSource(RestSource):
    """Pipedrive: persons, organisations, deals and activities, by an API token."""

    vendor = "pipedrive"
    base_url = "https://api.pipedrive.com"
    auth = Header("x-api-token")
    limits = Limits(40, 2, "2026-11-22", "bursts of 40 requests in 2 s on Growth; a daily budget of tokens besides, answered with 429")
    settings: ClassVar[Mapping[str, Any]] = {
        "include_fields": {
            "type": "object",
            "description": "stream -> further fields to read; marketing_status of persons, where the company has Campaigns",
            "additionalProperties": {"type": "array", "items": {"type": "string", "pattern": "^[a-z_]+$"}},
        }
    }
    declared = tuple(_stream(*each) for each in STREAMS)

    def rest_streams(self) -> Sequence[RestStream]:
        more: Mapping[str, Sequence[str]] = self.config.get("include_fields", {})
        return tuple(_stream(*each, more.get(each[0], ())) for each in STREAMS)
