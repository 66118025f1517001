"""Rows of an interaction stream as a table of the schema INTERACTION, one row each, keys not yet checked."""

from __future__ import annotations

import hashlib

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from cdp.records import cleaners, structs
from cdp.records.columns import Context, issue_lists
from cdp.records.json_text import json_text
from cdp.records.mapping import RecordMapping, StreamMapping, Values
from cdp.records.model import INTERACTION
from cdp.records.rows import Rows
from cdp.records.values import money


def interaction_table(context: Context, stream: StreamMapping) -> pa.Table:
    """Every row as an interaction. Raises ContractError for a column that a table lacks."""
    mapping = stream.interaction
    assert mapping is not None
    columns: dict[str, pa.Array] = {"source_key": interaction_keys(context, mapping)}
    for name, cleaner in cleaners.interaction(context.defaults).items():
        type_ = INTERACTION.field(name).type
        columns[name] = context.scalar(name, mapping.values(name), cleaner, None if pa.types.is_string(type_) else type_)
    columns["customer_key"] = context.keys(_customer_key(stream), "customer_key")
    if stream.customer is not None and not mapping.values("customer_stream"):
        columns["customer_stream"] = pa.repeat(pa.scalar(stream.name), context.rows.length)
    columns["amount"], columns["currency"] = _money(context, mapping, columns["currency"])
    columns["items"] = structs.item_lists(context, mapping.items)
    columns["properties"] = structs.extra_objects(context, mapping)
    columns["issues"] = issue_lists(context.issues, context.rows.length)
    return pa.table([columns[name] for name in INTERACTION.names], schema=INTERACTION)


def interaction_keys(context: Context, mapping: RecordMapping) -> pa.Array:
    """The mapped keys; without one, a digest of all that the mapping reads of a row, so that reading it again is no second interaction."""
    values = mapping.values("source_key")
    if values:
        return context.keys(values, "source_key")
    columns = [context.rows.texts(path) if "[]" not in path else _all_texts(context, path) for path in sorted(mapping.paths())]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return pa.array([hashlib.blake2b(orjson.dumps(row), digest_size=16).hexdigest() for row in rows], pa.string())


def _all_texts(context: Context, path: str) -> pa.Array:
    return pa.array([json_text(value) for value in context.rows.objects(path)], pa.string())


def _customer_key(stream: StreamMapping) -> Values:
    assert stream.interaction is not None
    own = stream.interaction.values("customer_key")
    return own or (stream.customer.values("source_key") if stream.customer else ())


def _money(context: Context, mapping: RecordMapping, currency: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Amounts, and their currency: the mapped field's, else the one that stands beside the amount, else the default."""
    values = mapping.values("amount")
    if not values:
        return pa.nulls(context.rows.length, pa.string()), currency
    amount = context.scalar("amount", values, cleaners.plain(money.clean))
    beside = Context(Rows([]), context.defaults).divided("amount", context.texts(values[0]), money.parse, 2)[1]
    currency = pc.coalesce(currency, beside)
    if context.defaults.currency:
        currency = currency.fill_null(context.defaults.currency)
    return amount, pc.if_else(amount.is_valid(), currency, None)
