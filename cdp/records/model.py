"""A customer record and an interaction are rows of the two Arrow schemas below; every room speaks of records in these columns.

The JSON documents that `schemas/customer.schema.json` and `schemas/interaction.schema.json` describe are the same rows, null
members left out. Values are standardised (e-mails folded, phones E.164, countries alpha-2, dates ISO 8601); what a source wrote
stays in its raw row.
"""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa


class CustomerKind(StrEnum):
    """What a customer record describes. Records of different kinds are never one profile."""

    PERSON = "person"
    ORGANISATION = "organisation"


class InteractionKind(StrEnum):
    """What happened."""

    ORDER = "order"
    RETURN = "return"
    PAYMENT = "payment"
    INVOICE = "invoice"
    OPPORTUNITY = "opportunity"
    TICKET = "ticket"
    CALL = "call"
    EMAIL = "email"
    CHAT = "chat"
    MESSAGE = "message"
    MEETING = "meeting"
    VISIT = "visit"
    PAGE_VIEW = "page_view"
    SCREEN_VIEW = "screen_view"
    SURVEY = "survey"
    NOTE = "note"
    TASK = "task"
    CAMPAIGN_TOUCH = "campaign_touch"
    SUBSCRIPTION = "subscription"
    EVENT = "event"


class Channel(StrEnum):
    """How the customer and the company met."""

    EMAIL = "email"
    PHONE = "phone"
    CHAT = "chat"
    SMS = "sms"
    SOCIAL = "social"
    IN_PERSON = "in_person"
    WEB = "web"
    APP = "app"
    MAIL = "mail"
    OTHER = "other"


ADDRESS = pa.struct(
    [
        ("street", pa.string()),
        ("house_number", pa.string()),
        ("unit", pa.string()),
        ("postal_code", pa.string()),
        ("city", pa.string()),
        ("region", pa.string()),
        ("country", pa.string()),
    ]
)
IDENTIFIER = pa.struct([("type", pa.string()), ("value", pa.string())])
CONSENT = pa.struct([("purpose", pa.string()), ("state", pa.string()), ("at", pa.timestamp("us", "UTC")), ("basis", pa.string())])
ISSUE = pa.struct([("field", pa.string()), ("value", pa.string()), ("reason", pa.string())])
ITEM = pa.struct(
    [
        ("sku", pa.string()),
        ("name", pa.string()),
        ("category", pa.string()),
        ("quantity", pa.string()),
        ("unit_price", pa.string()),
        ("amount", pa.string()),
    ]
)

CUSTOMER: pa.Schema = pa.schema(
    [
        ("source_key", pa.string()),
        ("kind", pa.string()),
        ("full_name", pa.string()),
        ("prefix", pa.string()),
        ("given_name", pa.string()),
        ("middle_name", pa.string()),
        ("family_name", pa.string()),
        ("suffix", pa.string()),
        ("nickname", pa.string()),
        ("former_names", pa.list_(pa.string())),
        ("organisation_name", pa.string()),
        ("job_title", pa.string()),
        ("birth_date", pa.string()),
        ("death_date", pa.string()),
        ("birth_place", pa.string()),
        ("gender", pa.string()),
        ("emails", pa.list_(pa.string())),
        ("phones", pa.list_(pa.string())),
        ("addresses", pa.list_(ADDRESS)),
        ("identifiers", pa.list_(IDENTIFIER)),
        ("language", pa.string()),
        ("consents", pa.list_(CONSENT)),
        ("created_at", pa.timestamp("us", "UTC")),
        ("updated_at", pa.timestamp("us", "UTC")),
        ("attributes", pa.string()),
        ("issues", pa.list_(ISSUE)),
    ]
)
"""Columns of customer records. `birth_date` is `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; `attributes` is a JSON object of everything the
mapping names under `attributes`; `issues` are values that could not be standardised, kept as written."""

INTERACTION: pa.Schema = pa.schema(
    [
        ("source_key", pa.string()),
        ("customer_stream", pa.string()),
        ("customer_key", pa.string()),
        ("kind", pa.string()),
        ("name", pa.string()),
        ("channel", pa.string()),
        ("direction", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("ended_at", pa.timestamp("us", "UTC")),
        ("amount", pa.string()),
        ("currency", pa.string()),
        ("status", pa.string()),
        ("subject", pa.string()),
        ("text", pa.string()),
        ("items", pa.list_(ITEM)),
        ("campaign", pa.string()),
        ("rating", pa.float64()),
        ("priority", pa.string()),
        ("staff", pa.string()),
        ("properties", pa.string()),
        ("issues", pa.list_(ISSUE)),
    ]
)
"""Columns of interactions. Amounts, prices and quantities are decimal strings; `properties` is a JSON object."""
