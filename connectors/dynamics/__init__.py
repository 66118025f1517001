"""Microsoft Dynamics 365 (Dataverse): change tracking; the last page of a read holds a link that asks for what changed since.

The link is good for seven days. After that everything is read again, and a sweep of the ids finds what was deleted in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.auth import OAuth2
from connectors.http import Clock, Limits
from connectors.paging import LinkPaging
from connectors.rest import Gone, Listing, RestSource, RestStream

_ADDRESS = "address1_line1 address1_line2 address1_city address1_stateorprovince address1_postalcode address1_country"
ENTITIES: Mapping[str, tuple[str, str, str]] = {
    "contacts": (
        "contactid",
        "customer",
        "salutation firstname middlename lastname suffix nickname emailaddress1 emailaddress2 telephone1 telephone2 mobilephone birthdate "
        f"gendercode jobtitle donotbulkemail _parentcustomerid_value {_ADDRESS}",
    ),
    "accounts": ("accountid", "customer", f"name accountnumber emailaddress1 telephone1 websiteurl industrycode {_ADDRESS}"),
    "incidents": ("incidentid", "interaction", "ticketnumber title description _customerid_value caseorigincode prioritycode statuscode"),
    "salesorders": ("salesorderid", "interaction", "ordernumber name _customerid_value totalamount statuscode submitdate datefulfilled"),
}
"""Stream -> key, kind, and the columns that are asked for."""


def _stream(name: str) -> RestStream:
    key, kind, columns = ENTITIES[name]
    return RestStream(
        name,
        Listing(
            f"api/data/v9.2/{name}",
            "value",
            params={"$select": ",".join([key, *columns.split(), "createdon", "modifiedon", "statecode"])},
            headers={
                "Prefer": 'odata.track-changes,odata.maxpagesize=500,odata.include-annotations="OData.Community.Display.V1.FormattedValue"'
            },
            paging=LinkPaging("@odata.nextLink", standing_at="@odata.deltaLink"),
        ),
        key=key,
        kind=kind,
        gone=Gone(flag="reason", equals="deleted", key="id", keys=_ids(name, key)),
    )


def _ids(name: str, key: str) -> Listing:
    paging = LinkPaging("@odata.nextLink")
    return Listing(f"api/data/v9.2/{name}", "value", params={"$select": key}, headers={"Prefer": "odata.maxpagesize=5000"}, paging=paging)


class DynamicsSource(RestSource):
    """Microsoft Dynamics 365: contacts, accounts, incidents and sales orders, by an application's client credentials.

    `base_url` is the organisation's address, `https://NAME.crm.dynamics.com`.
    """

    vendor = "dynamics"
    auth = OAuth2("oauth2/v2.0/token")
    limits = Limits(6000, 300, "2026-11-22", "6,000 requests and 1,200 s of work in 300 s, for a user and a server")
    settings: ClassVar[Mapping[str, Any]] = {"tenant_id": {"type": "string", "minLength": 1, "required": True}}
    declared = tuple(_stream(name) for name in ENTITIES)

    def __init__(self, config: Mapping[str, Any], *, clock: Clock | None = None) -> None:
        tenant, base = config["tenant_id"], str(config["base_url"]).rstrip("/")
        login = {"token_url": f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token", "scope": f"{base}/.default"}
        super().__init__({**login, **config}, clock=clock)
