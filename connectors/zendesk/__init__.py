"""Zendesk: users and tickets come through the cursor exports, whose last cursor stands for ever and asks for what changed since.

Comments are read for each ticket that changed. Zendesk does not tell the comments of a ticket that was deleted: a sweep reads which
tickets there are (from the export, since lists leave out archived ones) and takes the comments of the others as deleted.
"""

from __future__ import annotations

from dataclasses import replace

from connectors.auth import Basic
from connectors.http import Limits
from connectors.paging import CursorPaging, LinkPaging
from connectors.rest import Gone, Listing, RestSource, RestStream

_EXPORT = Limits(10, 60, "2026-11-22", "incremental exports: 10 requests a minute")


def _export(name: str) -> Listing:
    paging = CursorPaging("cursor", at="after_cursor", size_param="per_page", size=1000, ends_at="end_of_stream", standing=True)
    first = CursorPaging(**{**vars(paging), "first": {"start_time": 0}})
    return Listing(f"api/v2/incremental/{name}/cursor.json", name, paging=first, limits=_EXPORT)


_COMMENTS = Listing("api/v2/tickets/{}/comments.json", "comments", paging=LinkPaging("links.next", size_param="page[size]"))
_DELETED = Gone(flag="status", equals="deleted")


class ZendeskSource(RestSource):
    """Zendesk: users, organisations, tickets and their comments, by an agent's e-mail address and an API token.

    `base_url` is `https://SUBDOMAIN.zendesk.com`.
    """

    vendor = "zendesk"
    auth = Basic(user="email", password="token", suffix="/token")  # noqa: S106  names of fields
    limits = Limits(400, 60, "2026-11-22", "Support Professional: 400 requests a minute")
    declared = (
        RestStream("users", _export("users"), kind="customer", gone=Gone(flag="active", equals=False)),
        RestStream(
            "organizations",
            Listing("api/v2/organizations.json", "organizations", paging=LinkPaging("links.next", size_param="page[size]")),
            kind="customer",
        ),
        RestStream("tickets", _export("tickets"), kind="interaction", gone=_DELETED),
        RestStream(
            "ticket_comments", _export("tickets"), kind="interaction", gone=replace(_DELETED, keys=_export("tickets")), child=_COMMENTS
        ),
    )
