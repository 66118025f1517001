"""Addresses, items, identifiers, consents and what else the mapping names: the nested columns of a batch, assembled as Arrow arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.records import cleaners
from cdp.records.columns import INSTANT, Context, as_lists, standardise
from cdp.records.json_text import json_text
from cdp.records.mapping import Consent, RecordMapping, Struct, Values
from cdp.records.model import ADDRESS, CONSENT, IDENTIFIER, ITEM
from cdp.records.rows import Flat, Index
from cdp.records.values import address_lines, addresses, consents, countries, text

_ADDRESS = [field.name for field in ADDRESS]


def address_lists(context: Context, structs: tuple[Struct, ...]) -> pa.Array:
    """The addresses of each row, none that says nothing."""
    return _struct_lists(context, structs, _address, ADDRESS)


def first_countries(context: Context, structs: tuple[Struct, ...]) -> pa.Array | None:
    """The country each row says for its address, the default where it says none; None where no column says it."""
    for struct in structs:
        values = dict(struct.parts).get("country", ())
        if struct.each is None and any(value.const is None for value in values):
            quiet = Context(context.rows, context.defaults)
            return quiet.scalar("country", values, cleaners.plain(countries.clean)).fill_null(context.defaults.country or "")
    return None


def item_lists(context: Context, structs: tuple[Struct, ...]) -> pa.Array:
    """The items of each row."""
    return _struct_lists(context, structs, _item, ITEM)


def identifier_lists(context: Context, mapped: tuple[tuple[str, Values], ...]) -> pa.Array:
    """The identifiers of each row, with their types."""
    parts = []
    for type_, values in mapped:
        flat = context.many(f"identifiers.{type_}", values, cleaners.identifier(type_))
        structs = pa.StructArray.from_arrays([pa.repeat(pa.scalar(type_), len(flat.rows)), flat.texts], fields=list(IDENTIFIER))
        parts.append((structs, flat.rows))
    return _lists(context, parts, IDENTIFIER)


def consent_lists(context: Context, mapped: tuple[Consent, ...]) -> pa.Array:
    """The consents of each row; a word that is neither yes nor no is an issue, never a consent."""
    parts = []
    for consent in mapped:
        clean = partial(consents.clean, granted=consent.granted, denied=consent.denied)
        state = context.scalar(f"consents.{consent.purpose}", (consent.state,), cleaners.plain(clean))
        at = context.scalar(f"consents.{consent.purpose}.at", consent.at, cleaners.time(context.defaults), INSTANT)
        basis = context.scalar(f"consents.{consent.purpose}.basis", consent.basis, cleaners.plain(text.clean))
        if consent.state.const is not None:
            state = pc.if_else(at.is_valid(), state, None)
        rows = np.flatnonzero(np.asarray(state.is_valid())).astype(np.int64)
        purpose = pa.repeat(pa.scalar(consent.purpose), context.rows.length)
        structs = pa.StructArray.from_arrays([purpose, state, at, basis], fields=list(CONSENT)).take(pa.array(rows))
        parts.append((structs, rows))
    return _lists(context, parts, CONSENT)


def extra_objects(context: Context, mapping: RecordMapping) -> pa.Array:
    """A JSON object a row: what the mapping names beside the fields, or all that nothing else reads; keys sorted, nulls left out."""
    named = {name: _objects(context, value) for name, value in mapping.extra}
    columns = _unread(context, mapping.paths()) if mapping.everything else named
    if not columns:
        return pa.nulls(context.rows.length, pa.string())
    names = sorted(columns)
    rows = zip(*(columns[name] for name in names), strict=True)
    return pa.array(
        [_json({name: value for name, value in zip(names, row, strict=True) if value not in (None, "")}) for row in rows], pa.string()
    )


def _unread(context: Context, paths: frozenset[str]) -> dict[str, list[Any]]:
    """Every field that no path reads; of a nested object, what no path reads of it."""
    columns = {}
    for name in context.rows.columns:
        deeper = frozenset(path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}."))
        if name in paths or any(path.startswith(f"{name}[]") for path in paths):
            continue
        values = context.rows.objects(name)
        columns[name] = [_without(value, deeper) for value in values] if deeper else values
    return columns


def _without(value: Any, paths: frozenset[str]) -> Any:
    if not isinstance(value, dict):
        return value
    heads = {path.split(".")[0].split("[")[0] for path in paths}
    return {name: inner for name, inner in value.items() if name not in heads} or None


def _objects(context: Context, value: Any) -> list[Any]:
    if len(value.fields) == 1 and not value.table and value.split is None:
        return context.rows.objects(value.fields[0], value.optional)
    if value.split is not None:
        flat = context.flat(value)
        return list(as_lists(Flat(pc.utf8_trim_whitespace(flat.texts), flat.rows), context.rows.length).to_pylist())
    return list(context.scalar("attributes", (value,), cleaners.plain(text.clean)).to_pylist())


def _json(values: dict[str, Any]) -> str | None:
    return json_text(values, ordered=True) if values else None


def _struct_lists(context: Context, structs: tuple[Struct, ...], make: Any, type_: pa.DataType) -> pa.Array:
    parts = []
    for struct in structs:
        inner = context.inner(struct.each) if struct.each else context
        array, filled = make(inner, struct)
        rows = np.flatnonzero(np.asarray(filled)).astype(np.int64)
        parents = rows if inner is context else _parents(inner, context)[rows]
        parts.append((array.take(pa.array(rows)), parents))
    return _lists(context, parts, type_)


def _parents(inner: Context, context: Context) -> Index:
    assert inner.parents is not None
    return inner.parents


def _lists(context: Context, parts: list[tuple[pa.Array, Index]], type_: pa.DataType) -> pa.Array:
    if not parts:
        return pa.nulls(context.rows.length, pa.list_(type_))
    rows = np.concatenate([rows for _, rows in parts])
    order = np.argsort(rows, kind="stable")
    arrays = pa.concat_arrays([array for array, _ in parts])
    return as_lists(Flat(arrays if len(parts) == 1 else arrays.take(pa.array(order)), rows[order]), context.rows.length)


def _address(context: Context, struct: Struct) -> tuple[pa.Array, pa.Array]:
    if struct.text is not None:
        country = struct.text.country or context.defaults.country
        columns = context.divided("addresses", context.texts(struct.text), partial(address_lines.parse, country=country), len(_ADDRESS))
        said = columns[:-1]
    else:
        columns, country = _address_parts(context, dict(struct.parts))
        said = [*columns[:-1], country]
    filled = pc.is_valid(said[0])
    for column in said[1:]:
        filled = pc.or_(filled, pc.is_valid(column))
    return pa.StructArray.from_arrays(columns, fields=list(ADDRESS)), filled


def _address_parts(context: Context, parts: dict[str, Values]) -> tuple[list[pa.Array], pa.Array]:
    """The columns of an address, the country filled up by the default; and the country as the rows say it."""
    columns = {
        name: context.scalar(f"addresses.{name}", parts.get(name, ()), cleaners.plain(text.clean))
        for name in _ADDRESS[:-1]
        if name != "postal_code"
    }
    country = context.scalar("addresses.country", parts.get("country", ()), cleaners.plain(countries.clean))
    columns["country"] = country.fill_null(context.defaults.country) if context.defaults.country else country
    columns["postal_code"] = _postal_codes(context, parts.get("postal_code", ()), columns["country"])
    if "house_number" not in parts and "street" in parts:
        _divide_street(context, columns)
    return [columns[name] for name in _ADDRESS], country


def _divide_street(context: Context, columns: dict[str, pa.Array]) -> None:
    """Street, number and unit from the column of streets, and the place too where it holds whole addresses and no other column a city."""
    line = columns["street"]
    whole = pc.and_(pc.is_null(columns["city"]), pc.match_substring_regex(line, "[,\\n]|\\d$").fill_null(False))
    *plain, others = addresses.plain_lines(pc.if_else(whole, None, line))
    read = context.divided("addresses.street", others, address_lines.street_line, 3)
    street, number, unit = (pc.coalesce(at_once, one) for at_once, one in zip(plain, read, strict=True))
    columns |= {"street": street, "house_number": number, "unit": pc.coalesce(columns["unit"], unit)}
    if not pc.any(whole).as_py():
        return
    for country in pc.unique(columns["country"]).to_pylist():
        mine = pc.and_(whole, pc.is_null(columns["country"]) if country is None else pc.equal(columns["country"], country).fill_null(False))
        parts = context.divided(
            "addresses.street", pc.if_else(mine, line, None), partial(address_lines.parse, country=country), len(_ADDRESS)
        )
        columns |= {name: pc.coalesce(columns[name], part) for name, part in zip(_ADDRESS[:-1], parts[:-1], strict=True)}


def _postal_codes(context: Context, values: Values, country: pa.Array) -> pa.Array:
    """Postal codes, each by the rules of its country."""
    codes = context.scalar("addresses.postal_code", values, cleaners.plain(text.clean))
    named = pc.unique(country).to_pylist()
    result = pa.nulls(context.rows.length, pa.string())
    for name in named:
        clean = partial(addresses.clean_postal_code, country=name)
        cleaned, _ = standardise(codes, clean, pa.string())
        result = (
            cleaned if len(named) == 1 else pc.if_else(pc.is_null(country) if name is None else pc.equal(country, name), cleaned, result)
        )
    return result


def _item(context: Context, struct: Struct) -> tuple[pa.Array, pa.Array]:
    parts = dict(struct.parts)
    columns = [context.scalar(f"items.{field.name}", parts.get(field.name, ()), cleaners.ITEM[field.name]) for field in ITEM]
    filled = pc.is_valid(columns[0])
    for column in columns[1:]:
        filled = pc.or_(filled, pc.is_valid(column))
    return pa.StructArray.from_arrays(columns, fields=list(ITEM)), filled
