"""An event becomes an interaction by its name: e-commerce, e-mail and chat events mean what the published specification says.

Names are compared without case, blanks and punctuation, so `order_completed` is `Order Completed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from cdp.ingest.events.event import Event
from cdp.records.model import Channel, InteractionKind
from cdp.records.values import money
from cdp.records.values.text import Unclean

_TYPES = {"page": InteractionKind.PAGE_VIEW, "screen": InteractionKind.SCREEN_VIEW}
_NAMES = {
    "ordercompleted": (InteractionKind.ORDER, None, "completed"),
    "orderrefunded": (InteractionKind.RETURN, None, "refunded"),
    "subscriptionstarted": (InteractionKind.SUBSCRIPTION, None, "started"),
    "subscriptioncancelled": (InteractionKind.SUBSCRIPTION, None, "cancelled"),
    "productreviewed": (InteractionKind.SURVEY, None, None),
    "emaildelivered": (InteractionKind.CAMPAIGN_TOUCH, Channel.EMAIL, "delivered"),
    "emailopened": (InteractionKind.CAMPAIGN_TOUCH, Channel.EMAIL, "opened"),
    "emaillinkclicked": (InteractionKind.CAMPAIGN_TOUCH, Channel.EMAIL, "clicked"),
    "emailbounced": (InteractionKind.CAMPAIGN_TOUCH, Channel.EMAIL, "bounced"),
    "emailmarkedasspam": (InteractionKind.CAMPAIGN_TOUCH, Channel.EMAIL, "spam"),
    "unsubscribed": (InteractionKind.CAMPAIGN_TOUCH, Channel.EMAIL, "unsubscribed"),
    "pushnotificationreceived": (InteractionKind.CAMPAIGN_TOUCH, Channel.APP, "received"),
    "pushnotificationtapped": (InteractionKind.CAMPAIGN_TOUCH, Channel.APP, "tapped"),
    "promotionclicked": (InteractionKind.CAMPAIGN_TOUCH, None, "clicked"),
    "livechatconversationstarted": (InteractionKind.CHAT, Channel.CHAT, "started"),
    "livechatconversationended": (InteractionKind.CHAT, Channel.CHAT, "ended"),
    "livechatmessagesent": (InteractionKind.MESSAGE, Channel.CHAT, "sent"),
    "livechatmessagereceived": (InteractionKind.MESSAGE, Channel.CHAT, "received"),
}
"""Folded event name -> kind, channel, status."""

_AMOUNTS: Mapping[str, tuple[str, ...]] = {
    InteractionKind.ORDER: ("total", "revenue", "value", "subtotal"),
    InteractionKind.RETURN: ("total", "revenue", "value"),
}
_PRODUCT = (("sku", ("sku", "product_id", "productId", "id")), ("name", ("name",)), ("category", ("category",)))
_FOLD = re.compile(r"[\W_]+")
_PLAIN = re.compile(r"-?[1-9][0-9]{0,14}(?:\.[0-9]{1,10})?")
"""An amount that needs no cleaning, which is nearly every one."""


def interaction(event: Event, currency: str, kinds: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The canonical document of a track, page or screen event (`schemas/interaction.schema.json`).

    Args:
        currency: of amounts that name none.
        kinds: event name -> interaction kind, for a source's own names.
    """
    properties = event.raw.get("properties") or {}
    kind, channel, status = _meaning(event, kinds or {})
    document: dict[str, Any] = {
        "source_key": event.message_id,
        "customer_stream": "identify",
        "customer_key": event.person,
        "kind": kind,
        "name": _name(event, properties),
        "channel": channel or _channel(event),
        "at": event.at_text.replace("+00:00", "Z"),
        "status": status,
        "campaign": _campaign(event, properties),
        "properties": properties or None,
    }
    issues = [issue.document() for issue in event.issues]
    if kind in _AMOUNTS or "revenue" in properties:
        document |= _money(properties, _AMOUNTS.get(kind, ("revenue",)), currency, issues)
    if properties.get("products"):
        document["items"] = _items(properties["products"])
    if kind == InteractionKind.SURVEY:
        document["rating"] = _number(properties.get("rating"))
    document["issues"] = issues or None
    return {name: value for name, value in document.items() if value is not None}


def _meaning(event: Event, kinds: Mapping[str, str]) -> tuple[str, str | None, str | None]:
    if event.type != "track":
        return _TYPES[event.type], None, None
    name = event.raw["event"]
    if name in kinds:
        return kinds[name], None, None
    return _named(name)


@lru_cache(maxsize=4096)
def _named(name: str) -> tuple[str, str | None, str | None]:
    return _NAMES.get(_FOLD.sub("", name).lower(), (InteractionKind.EVENT, None, None))


def _name(event: Event, properties: Mapping[str, Any]) -> str | None:
    if event.type == "track":
        return str(event.raw["event"])
    parts = [event.raw.get("category") or properties.get("category"), event.raw.get("name") or properties.get("name")]
    page = (event.raw.get("context") or {}).get("page")
    where = properties if properties.get("path") or properties.get("title") else page if isinstance(page, dict) else {}
    named = " ".join(str(part) for part in parts if part)
    return named or _text(where.get("title")) or _text(where.get("path"))


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


def _channel(event: Event) -> str:
    context = event.raw.get("context") or {}
    if event.type == "screen" or context.get("device") or context.get("app"):
        return Channel.APP
    if event.type == "page" or context.get("page"):
        return Channel.WEB
    return Channel.OTHER


def _campaign(event: Event, properties: Mapping[str, Any]) -> str | None:
    context = event.raw.get("context") or {}
    for campaign in (context.get("campaign"), properties.get("campaign")):
        if isinstance(campaign, dict) and campaign.get("name"):
            return str(campaign["name"])
    return _text(properties.get("campaign_name"))


def _money(properties: Mapping[str, Any], names: tuple[str, ...], default: str, issues: list[dict[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        value = properties.get(name)
        if value is None or value == "":
            continue
        amount = _amount(value)
        if amount is not None:
            found = {"amount": amount, "currency": _currency(properties.get("currency"), issues) or default}
            break
        issues.append({"field": name, "value": str(value)[:200], "reason": "invalid_amount"})
    order = _text(properties.get("order_id") or properties.get("orderId"))
    return found | ({"subject": order} if order else {})


def _amount(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    plain = str(value)
    if _PLAIN.fullmatch(plain):
        return plain
    try:
        text = money.clean(plain)
        decimal = Decimal(text) if text else None
    except (Unclean, InvalidOperation):
        return None
    if decimal is None or not decimal.is_finite() or abs(decimal) >= Decimal(10) ** 15:
        return None
    return format(decimal, "f")


def _currency(value: Any, issues: list[dict[str, str]]) -> str | None:
    if value in (None, ""):
        return None
    try:
        return _clean_currency(str(value))
    except Unclean:
        issues.append({"field": "currency", "value": str(value)[:200], "reason": "unknown_currency"})
        return None


_clean_currency = lru_cache(maxsize=512)(money.clean_currency)


def _items(products: Any) -> list[dict[str, Any]] | None:
    if not isinstance(products, list):
        return None
    items = [_item(product) for product in products if isinstance(product, dict)]
    return [item for item in items if item] or None


def _item(product: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, names in _PRODUCT:
        for each in names:
            value = product.get(each)
            if value is not None and value != "":
                found[name] = str(value)
                break
    quantity, price = _amount(product.get("quantity", 1)), _amount(product.get("price"))
    if quantity is not None:
        found["quantity"] = quantity
    if price is not None:
        found["unit_price"] = price
        if quantity is not None:
            found["amount"] = price if quantity == "1" else format(Decimal(price) * Decimal(quantity), "f")
    return found


def _number(value: Any) -> float | None:
    amount = _amount(value)
    return None if amount is None else float(amount)
