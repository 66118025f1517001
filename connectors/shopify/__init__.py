"""Shopify: customers and orders by the GraphQL Admin API, in the order of their last change.

The API does not tell which customers or orders were deleted: a sweep compares the ids. The webhooks `customers/delete` and
`orders/delete` tell it at once.
"""

from __future__ import annotations

from connectors.auth import Header
from connectors.http import Limits, Rules
from connectors.paging import CursorPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceText

_PATH = "admin/api/2026-01/graphql.json"
_INFO = "pageInfo { hasNextPage endCursor }"
_ADDRESS = "address1 address2 city provinceCode zip countryCodeV2 company"
_FIELDS = {
    "customers": (
        "id firstName lastName displayName locale note tags createdAt updatedAt numberOfOrders amountSpent { amount currencyCode } "
        "defaultEmailAddress { emailAddress marketingState } defaultPhoneNumber { phoneNumber marketingState } "
        f"defaultAddress {{ {_ADDRESS} }}"
    ),
    "orders": (
        "id name createdAt updatedAt processedAt cancelledAt displayFinancialStatus displayFulfillmentStatus email phone "
        "customer { id } totalPriceSet { shopMoney { amount currencyCode } } "
        "lineItems(first: 100) { nodes { sku name quantity originalUnitPriceSet { shopMoney { amount currencyCode } } } }"
    ),
}
"""Stream -> what is asked for. An order's first hundred line items are read."""


def _stream(name: str, size: int) -> RestStream:
    query = (
        f"query ($first: Int!, $after: String, $query: String) {{ {name}(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) "
        f"{{ nodes {{ {_FIELDS[name]} }} {_INFO} }} }}"
    )
    page = f"data.{name}.pageInfo"
    return RestStream(
        name,
        Listing(
            _PATH,
            f"data.{name}.nodes",
            method="POST",
            body={"query": query, "variables": {"first": size}},
            paging=CursorPaging("variables.after", at=f"{page}.endCursor", more_at=f"{page}.hasNextPage"),
            since=SinceText("variables.query", "updated_at:>='{}'"),
        ),
        kind="customer" if name == "customers" else "interaction",
        cursor="updatedAt",
        gone=Gone(keys=_ids(name)),
    )


def _ids(name: str) -> Listing:
    query = f"query ($first: Int!, $after: String) {{ {name}(first: $first, after: $after, sortKey: ID) {{ nodes {{ id }} {_INFO} }} }}"
    return Listing(
        _PATH,
        f"data.{name}.nodes",
        method="POST",
        body={"query": query, "variables": {"first": 250}},
        paging=CursorPaging("variables.after", at=f"data.{name}.pageInfo.endCursor", more_at=f"data.{name}.pageInfo.hasNextPage"),
    )


class ShopifySource(RestSource):
    """Shopify: customers and orders, by the access token of a custom app. `base_url` is `https://SHOP.myshopify.com`."""

    vendor = "shopify"
    auth = Header("X-Shopify-Access-Token")
    limits = Limits(2, 1, "2026-11-22", "Standard: 100 points a second; a page of these queries costs up to 50")
    rules = Rules(
        codes_at=("errors.0.extensions.code", "errors.0.message", "errors"),
        throttled=frozenset({"THROTTLED"}),
        denied=frozenset({"ACCESS_DENIED"}),
    )
    declared = (_stream("customers", 100), _stream("orders", 25))
