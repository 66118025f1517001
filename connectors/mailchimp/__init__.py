"""Mailchimp: the members of an audience in the order of their last change, and what they did with each campaign.

A member is known by the hash of the e-mail address, because campaign reports know members only so: with a new address comes a new record.
The list tells who was archived, and neither who was deleted for good nor the hash of a former address: a sweep does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.auth import Basic
from connectors.http import Limits
from connectors.paging import NumberPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceParam

_PAGING = NumberPaging("offset", first=0, step=0, size_param="count", size=500, total_at="total_items")
_ACTIVITY = Listing("3.0/reports/{}/email-activity", "emails", paging=_PAGING)
_CAMPAIGNS = Listing(
    "3.0/campaigns",
    "campaigns",
    params={"status": "sent", "sort_field": "send_time", "sort_dir": "ASC", "fields": "campaigns.id,campaigns.send_time,total_items"},
    paging=_PAGING,
    since=SinceParam("since_send_time", "iso_offset"),
)


def _members(audience: str) -> RestStream:
    listing = Listing(
        f"3.0/lists/{audience}/members",
        "members",
        params={"sort_field": "last_changed", "sort_dir": "ASC", "exclude_fields": "members._links"},
        paging=_PAGING,
        since=SinceParam("since_last_changed", "iso_offset"),
    )
    ids = replace(listing, params={"fields": "members.id,members.status,total_items"}, since=None)
    return RestStream("members", listing, kind="customer", cursor="last_changed", gone=Gone(flag="status", equals="archived", keys=ids))


def _campaign_activity() -> RestStream:
    """People open and click for weeks: the reports of campaigns of the last thirty days are read again each time."""
    return RestStream(
        "campaign_activity",
        _CAMPAIGNS,
        kind="interaction",
        cursor="send_time",
        overlap=30 * 86400,
        child=_ACTIVITY,
        child_key="activity_key",
    )


class MailchimpSource(RestSource):
    """Mailchimp: members of an audience and their campaign activity, by an API key. `base_url` is `https://DC.api.mailchimp.com`."""

    vendor = "mailchimp"
    auth = Basic(user="cdp", password="api_key", fixed_user=True)  # noqa: S106  the name of a field
    limits = Limits(10, 1, "2026-11-22", "10 connections at a time, and no header that tells more")
    settings: ClassVar[Mapping[str, Any]] = {"audience_id": {"type": "string", "pattern": "^[0-9a-zA-Z]+$", "required": True}}
    declared = (_members("AUDIENCE"), _campaign_activity())

    def rest_streams(self) -> Sequence[RestStream]:
        return (_members(self.config["audience_id"]), _campaign_activity())

    def completed(self, stream: RestStream, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A report lists what a member did with a campaign as one row: each act becomes a row of its own."""
        if stream.name != "campaign_activity":
            return rows
        return [
            {**{name: value for name, value in row.items() if name != "activity"}, **act, "activity_key": _key(row, act)}
            for row in rows
            for act in row.get("activity") or []
        ]


def _key(row: Mapping[str, Any], act: Mapping[str, Any]) -> str | None:
    """What tells an act from others; None where a part of it is missing, so that the row alone is refused."""
    parts = (row.get("campaign_id"), row.get("email_id"), act.get("action"), act.get("timestamp"))
    return ":".join(map(str, parts)) if all(parts) else None
