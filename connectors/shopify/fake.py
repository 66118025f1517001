"""A fake of Shopify's GraphQL Admin API: it answers the two queries of the connector, by their variables."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.testing.fake import FakeVendor, Row, reply


class Fake(FakeVendor):
    """Nodes sorted by their last change; `query` filters by it."""

    streams = ("customers", "orders")
    can = frozenset({"empty_page", "repeat", "zones"})

    def show(self, stream: str, row: Row) -> Any:
        own: dict[str, dict[str, Any]] = {
            "customers": {
                "displayName": row.data.get("name"),
                "defaultEmailAddress": {"emailAddress": row.data.get("email"), "marketingState": "SUBSCRIBED"},
            },
            "orders": {
                "name": f"#{row.key}",
                "email": row.data.get("email"),
                "customer": {"id": row.data.get("customer", "1")},
                "totalPriceSet": {"shopMoney": {"amount": "12.50", "currencyCode": "EUR"}},
                "lineItems": {"nodes": [{"sku": "A1", "name": "Cup", "quantity": 1}]},
            },
        }
        more = {name: value for name, value in row.data.items() if name not in ("email", "customer")}
        times = {"createdAt": self.stamp(row.created or row.changed), "updatedAt": self.stamp(row.changed, ord(row.key[-1:] or "0"))}
        return {"id": row.key, **more, **own[stream], **times}

    def answer(self, request: Request) -> Response:
        body = request.get_json()
        stream = next((name for name in self.streams if f"{name}(" in body["query"]), None)
        if not request.path.endswith("/graphql.json") or stream is None:
            return reply({"errors": "Not Found"}, 404)
        variables = body["variables"]
        asked = re.search(r"updated_at:>='([^']+)'", variables.get("query") or "")
        rows = sorted(
            self.listed(stream, datetime.fromisoformat(asked.group(1)) if asked else None), key=lambda row: (row.changed, row.key)
        )
        found, following = self.paged(rows, variables.get("after"), variables["first"])
        info = {"hasNextPage": following is not None, "endCursor": following}
        return reply({"data": {stream: {"nodes": [self.show(stream, row) for row in found], "pageInfo": info}}})
