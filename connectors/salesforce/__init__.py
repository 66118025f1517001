"""Salesforce: each object by a SOQL query in the order of its last change, deleted and merged records included.

Deleted records lie in the recycle bin for fifteen days, unless somebody empties it: what went from there is found by a sweep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from connectors.auth import OAuth2
from connectors.http import Limits, Rules
from connectors.paging import LinkPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceText

_SYSTEM = "Id IsDeleted CreatedDate SystemModstamp OwnerId"
_ADDRESS = "{0}Street {0}City {0}State {0}PostalCode {0}Country"
OBJECTS: Mapping[str, tuple[str, str, str]] = {
    "contacts": (
        "Contact",
        "customer",
        "MasterRecordId AccountId Salutation FirstName LastName Email Phone MobilePhone HomePhone OtherPhone Birthdate Title "
        f"HasOptedOutOfEmail {_ADDRESS.format('Mailing')} {_ADDRESS.format('Other')}",
    ),
    "leads": (
        "Lead",
        "customer",
        "MasterRecordId Salutation FirstName LastName Company Title Email Phone MobilePhone Status LeadSource ConvertedContactId "
        f"HasOptedOutOfEmail {_ADDRESS.format('')}",
    ),
    "accounts": ("Account", "customer", f"MasterRecordId Name Phone Website Industry {_ADDRESS.format('Billing')}"),
    "cases": ("Case", "interaction", "ContactId AccountId CaseNumber Subject Description Status Priority Origin ClosedDate"),
    "opportunities": ("Opportunity", "interaction", "ContactId AccountId Name StageName Amount CloseDate IsClosed IsWon"),
    "tasks": ("Task", "interaction", "WhoId WhatId Subject Description Status Priority TaskSubtype ActivityDate CallDurationInSeconds"),
}
"""Stream -> object, kind, and the fields that are asked for."""


def _stream(name: str, more: Sequence[str]) -> RestStream:
    kind_of, kind, fields = OBJECTS[name]
    select = f"SELECT {', '.join([*_SYSTEM.split(), *fields.split(), *more])} FROM {kind_of}"
    return RestStream(
        name,
        Listing(
            "services/data/v64.0/queryAll",
            "records",
            paging=LinkPaging("nextRecordsUrl"),
            since=SinceText(
                "q", f"{select} WHERE SystemModstamp >= {{}} ORDER BY SystemModstamp, Id", f"{select} ORDER BY SystemModstamp, Id"
            ),
        ),
        key="Id",
        kind=kind,
        cursor="SystemModstamp",
        gone=Gone(flag="IsDeleted", merged_into="MasterRecordId" if "MasterRecordId" in fields else None, keys=_ids(kind_of)),
    )


def _ids(kind_of: str) -> Listing:
    query = {"q": f"SELECT Id FROM {kind_of} ORDER BY Id"}
    return Listing("services/data/v64.0/query", "records", params=query, paging=LinkPaging("nextRecordsUrl"))


class SalesforceSource(RestSource):
    """Salesforce: contacts, leads, accounts, cases, opportunities and tasks, by an external client app with client credentials.

    `base_url` is the organisation's own address, `https://NAME.my.salesforce.com`.
    """

    vendor = "salesforce"
    auth = OAuth2("services/oauth2/token")
    limits = Limits(100_000, 86_400, "2026-11-22", "Enterprise: 100,000 requests in 24 hours and more by licences; 25 long ones at a time")
    rules = Rules(
        codes_at=("0.errorCode",),
        throttled=frozenset({"REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE"}),
        expired=frozenset({"INVALID_SESSION_ID"}),
    )
    settings: ClassVar[Mapping[str, Any]] = {
        "fields": {
            "type": "object",
            "description": "stream -> further fields to read, such as your own",
            "additionalProperties": {"type": "array", "items": {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9_.]*$"}},
        }
    }
    declared = tuple(_stream(name, ()) for name in OBJECTS)

    def rest_streams(self) -> Sequence[RestStream]:
        more: Mapping[str, Sequence[str]] = self.config.get("fields", {})
        return tuple(_stream(name, more.get(name, ())) for name in OBJECTS)
