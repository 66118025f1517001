"""Rows of a customer stream as a table of the schema CUSTOMER, one row each, keys not yet checked."""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from cdp.records import cleaners, structs
from cdp.records.columns import Context, as_lists, issue_lists
from cdp.records.mapping import LISTS, RecordMapping
from cdp.records.model import CUSTOMER
from cdp.records.values import dates, names

_TWO_FAMILY_NAMES = frozenset(
    {"ES", "MX", "AR", "CO", "PE", "VE", "CL", "EC", "GT", "CU", "BO", "DO", "HN", "PY", "SV", "NI", "CR", "PA", "UY"}
)
_PARSED = ("prefix", "given_name", "middle_name", "family_name", "suffix", "nickname")


def customer_table(context: Context, mapping: RecordMapping) -> pa.Table:
    """Every row as a customer record. Raises ContractError for a column that a table lacks."""
    length = context.rows.length
    columns: dict[str, pa.Array] = {"source_key": context.keys(mapping.values("source_key"), "source_key")}
    country = structs.first_countries(context, mapping.addresses)
    for name, cleaner in cleaners.customer(context.defaults).items():
        values = mapping.values(name)
        if name == "phones" and values and country is not None:
            columns[name] = as_lists(context.many_by(name, values, cleaners.phone_of, country), length)
        elif name in LISTS:
            columns[name] = as_lists(context.many(name, values, cleaner), length) if values else pa.nulls(length, pa.list_(pa.string()))
        elif values and values[0].date_parts:
            columns[name] = _dates(context, name, values[0].date_parts, values[0].optional)
        else:
            type_ = CUSTOMER.field(name).type
            columns[name] = context.scalar(name, values, cleaner, None if pa.types.is_string(type_) else type_)
    _divide_full_name(context, mapping, columns)
    columns["kind"] = _kind(mapping, columns)
    columns["addresses"] = structs.address_lists(context, mapping.addresses)
    columns["identifiers"] = structs.identifier_lists(context, mapping.identifiers)
    columns["consents"] = structs.consent_lists(context, mapping.consents)
    columns["attributes"] = structs.extra_objects(context, mapping)
    columns["issues"] = issue_lists(context.issues, length)
    return pa.table([columns[name] for name in CUSTOMER.names], schema=CUSTOMER)


def _divide_full_name(context: Context, mapping: RecordMapping, columns: dict[str, pa.Array]) -> None:
    """Fill the parts that a source gives only as a full name; a part it does give stays."""
    values = mapping.values("full_name")
    if not values or not values[0].parse or mapping.values("given_name") or mapping.values("family_name"):
        return
    person = columns["full_name"]
    if mapping.values("kind"):
        person = pc.if_else(pc.equal(columns["kind"].fill_null("person"), "organisation"), None, person)
    two = context.defaults.country in _TWO_FAMILY_NAMES
    parts = context.divided(
        "full_name", person, partial(names.parse, family_first=values[0].family_first, two_family_names=two), len(_PARSED)
    )
    for name, part in zip(_PARSED, parts, strict=True):
        columns[name] = pc.coalesce(columns[name], part) if mapping.values(name) else part


def _kind(mapping: RecordMapping, columns: dict[str, pa.Array]) -> pa.Array:
    """What the source says; else an organisation is a row that has its name and no name of a person."""
    named = pc.or_(pc.or_(columns["given_name"].is_valid(), columns["family_name"].is_valid()), columns["full_name"].is_valid())
    inferred = pc.if_else(pc.and_(columns["organisation_name"].is_valid(), pc.invert(named)), "organisation", "person")
    return pc.coalesce(columns["kind"], inferred)


def _dates(context: Context, name: str, parts: tuple[str | None, str | None, str | None], optional: bool) -> pa.Array:
    """Dates of three fields, each distinct date read once."""
    columns = [
        context.rows.texts(path, optional).fill_null("") if path else pa.repeat(pa.scalar(""), context.rows.length) for path in parts
    ]
    joined = pc.binary_join_element_wise(*columns, "\x1f")
    return context.divided(name, joined, _from_parts, 1)[0]


def _from_parts(text: str) -> tuple[str | None]:
    year, month, day = text.split("\x1f")
    return (dates.from_parts(year, month, day),)
