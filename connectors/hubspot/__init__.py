"""HubSpot: the first read lists every object, later ones search for what changed, since a list cannot be asked for changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.auth import Bearer
from connectors.http import Limits, Request
from connectors.paging import CursorPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceParam

_COMMON = ("createdate", "hs_lastmodifieddate", "hubspot_owner_id", "hs_merged_object_ids")
_ENGAGEMENT = ("hs_createdate", "hs_lastmodifieddate", "hs_timestamp", "hubspot_owner_id")
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "contacts": (
        *(
            "firstname",
            "lastname",
            "salutation",
            "email",
            "hs_additional_emails",
            "phone",
            "mobilephone",
            "address",
            "city",
            "state",
            "zip",
        ),
        *("country", "date_of_birth", "gender", "company", "jobtitle", "hs_language", "lifecyclestage", "hs_email_optout"),
        *("hs_merged_object_ids", "createdate", "lastmodifieddate"),
    ),
    "companies": (*_COMMON, "name", "domain", "phone", "address", "city", "state", "zip", "country", "industry"),
    "deals": (*_COMMON, "dealname", "amount", "deal_currency_code", "dealstage", "pipeline", "closedate", "dealtype"),
    "tickets": (*_COMMON, "subject", "content", "hs_pipeline_stage", "hs_ticket_priority", "source_type", "closed_date"),
    "calls": (*_ENGAGEMENT, "hs_call_title", "hs_call_body", "hs_call_direction", "hs_call_duration", "hs_call_status"),
    "emails": (*_ENGAGEMENT, "hs_email_subject", "hs_email_text", "hs_email_direction", "hs_email_status"),
    "meetings": (*_ENGAGEMENT, "hs_meeting_title", "hs_meeting_body", "hs_meeting_outcome", "hs_meeting_end_time"),
    "notes": (*_ENGAGEMENT, "hs_note_body"),
    "tasks": (*_ENGAGEMENT, "hs_task_subject", "hs_task_body", "hs_task_status", "hs_task_priority"),
}
"""Stream -> properties that are asked for; HubSpot gives only those that a request names."""

_CUSTOMERS = frozenset({"contacts", "companies"})


def _stream(name: str, properties: Sequence[str]) -> RestStream:
    path, stamp = f"crm/v3/objects/{name}", "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
    shown = {"properties": ",".join(properties), **({} if name in _CUSTOMERS else {"associations": "contacts"})}
    paging = CursorPaging("after", at="paging.next.after", size_param="limit", size=100)
    search = {
        "filterGroups": [{"filters": [{"propertyName": stamp, "operator": "GTE", "value": ""}]}],
        "sorts": [stamp],
        "properties": list(properties),
    }
    return RestStream(
        name,
        Listing(path, "results", params=shown, paging=paging),
        kind="customer" if name in _CUSTOMERS else "interaction",
        cursor="updatedAt",
        changes=Listing(
            f"{path}/search",
            "results",
            method="POST",
            body=search,
            paging=replace(paging, first={"after": "0"}),
            since=SinceParam("filterGroups.0.filters.0.value", "unix_ms_text"),
            window=10_000,
        ),
        gone=Gone(
            listing=Listing(path, "results", params={"archived": "true"}, paging=paging),
            keys=Listing(path, "results", paging=paging),
            merged_from="properties.hs_merged_object_ids" if "hs_merged_object_ids" in properties else None,
        ),
    )


class HubSpotSource(RestSource):
    """HubSpot: contacts, companies, deals, tickets and engagements, by a private app's token."""

    vendor = "hubspot"
    base_url = "https://api.hubapi.com"
    auth = Bearer()
    limits = Limits(190, 10, "2026-11-22", "private apps, Professional: 190 requests in 10 s; search has 5 a second of its own")
    settings: ClassVar[Mapping[str, Any]] = {
        "properties": {
            "type": "object",
            "description": "stream -> further properties to read, such as your own fields",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        }
    }
    declared = tuple(_stream(name, properties) for name, properties in PROPERTIES.items())

    def rest_streams(self) -> Sequence[RestStream]:
        more: Mapping[str, Sequence[str]] = self.config.get("properties", {})
        return tuple(_stream(name, (*properties, *more.get(name, ()))) for name, properties in PROPERTIES.items())

    def completed(self, stream: RestStream, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Search leaves out whom an object belongs to: it is asked for, and put where the list has it."""
        bare = [row["id"] for row in rows if "associations" not in row]
        if stream.kind == "customer" or not bare:
            return rows
        path = f"crm/v4/associations/{stream.name}/contacts/batch/read"
        answer = self.client.send(Request(path, "POST", body={"inputs": [{"id": key} for key in bare]}, label=stream.name))
        kind = f"{stream.name.removesuffix('s')}_to_contact"
        found = {
            str(each["from"]["id"]): [{"id": str(to["toObjectId"]), "type": kind} for to in each.get("to") or []]
            for each in (answer.data or {}).get("results") or []
        }
        return [row if "associations" in row else {**row, **_associated(found.get(row["id"]))} for row in rows]


def _associated(contacts: list[dict[str, str]] | None) -> dict[str, Any]:
    return {"associations": {"contacts": {"results": contacts}}} if contacts else {}
