"""Every version of a definition is kept; at most one of each name is active, and the active ones can be computed together."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cdp.attributes.definition import Definition, load, ordered, stored
from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.tree import Type
from cdp.attributes.queries import check_query
from cdp.attributes.written import read_yaml
from cdp.db.segment_tables import attribute_definition, exchange_rate


@dataclass(frozen=True)
class Change:
    """What declaring did to one name: new, changed, same or withdrawn."""

    name: str
    change: str
    version: int


def read_file(path: Path) -> list[Definition]:
    """The definitions of a YAML file whose member `attributes` lists them.

    Raises:
        DefinitionError: the file cannot be read, or the first definition that is wrong, by its name.
    """
    try:
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(str(path), f"the file cannot be read as UTF-8 text ({type(error).__name__})") from None
    return _read(content, str(path))


@cache
def shipped() -> tuple[Definition, ...]:
    """The definitions that come with the platform."""
    return tuple(_read(importlib.resources.files("cdp.attributes").joinpath("shipped.yaml").read_text("utf-8"), "shipped.yaml"))


def _read(content: str, where: str) -> list[Definition]:
    document = read_yaml(content, where)
    if not isinstance(document, dict) or not isinstance(document.get("attributes"), list):
        raise DefinitionError(where, "a definitions file is an object with the member attributes, a list")
    found = []
    for i, one in enumerate(document["attributes"]):
        name = one.get("name", f"number {i + 1}") if isinstance(one, dict) else f"number {i + 1}"
        try:
            if not isinstance(one, dict):
                raise DefinitionError("/", "a definition is an object")
            found.append(load(one))
        except DefinitionError as error:
            raise error.within(f"{where}, attribute {name}") from None
    names = [d.name for d in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DefinitionError(where, f"{twice[0]} is defined twice")
    return found


def definitions(connection: Connection) -> list[Definition]:
    """The active definitions, those that others name first; the shipped ones where none has ever been declared."""
    rows = connection.execute(select(attribute_definition.c.document).where(attribute_definition.c.active)).scalars().all()
    if not rows and not connection.execute(select(func.count()).select_from(attribute_definition)).scalar_one():
        return ordered(shipped())
    return ordered(stored(document) for document in rows)


def types(connection: Connection) -> dict[str, Type]:
    """Active attribute -> type of its value: what conditions can name."""
    return {d.name: d.type for d in definitions(connection)}


def declare(connection: Connection, wanted: Iterable[Definition], principal: str, *, withdraw: Iterable[str] = ()) -> list[Change]:
    """Make these definitions active, each as a new version where it differs; `withdraw` ends others.

    Raises:
        DefinitionError: together with the ones that stay, they cannot be computed; nothing is changed then.
    """
    wanted = list(wanted)
    present = {d.name: d for d in definitions(connection)}
    gone = set(withdraw)
    ordered([*(d for name, d in present.items() if name not in gone and name not in {w.name for w in wanted}), *wanted])
    for definition in wanted:
        if definition.kind == "sql":
            check_query(connection, definition)
    _keep_shipped(connection, principal)
    changes = [_declare(connection, definition, principal) for definition in wanted]
    changes += [_withdraw(connection, name) for name in sorted(gone) if name in present]
    return changes


def _keep_shipped(connection: Connection, principal: str) -> None:
    """Before the first declaration the shipped definitions are active without rows; from then on they have rows like others."""
    if not connection.execute(select(func.count()).select_from(attribute_definition)).scalar_one():
        for definition in shipped():
            _declare(connection, definition, principal)


def _declare(connection: Connection, definition: Definition, principal: str) -> Change:
    table = attribute_definition.c
    last = connection.execute(
        select(table.version, table.document, table.active).where(table.name == definition.name).order_by(table.version.desc()).limit(1)
    ).one_or_none()
    document = dict(definition.document)
    if last is not None and last.active and last.document == document:
        return Change(definition.name, "same", last.version)
    version = 1 if last is None else last.version + 1
    connection.execute(update(attribute_definition).where(table.name == definition.name, table.active).values(active=False))
    connection.execute(insert(attribute_definition).values(name=definition.name, version=version, document=document, created_by=principal))
    return Change(definition.name, "new" if last is None else "changed", version)


def _withdraw(connection: Connection, name: str) -> Change:
    table = attribute_definition.c
    statement = update(attribute_definition).where(table.name == name, table.active).values(active=False).returning(table.version)
    return Change(name, "withdrawn", connection.execute(statement).scalar_one())


def fingerprint(wanted: Iterable[Definition], rates: Mapping[str, Decimal]) -> str:
    """Changes whenever a definition or an exchange rate does: values computed under another one are outdated."""
    content = [[d.name, dict(d.document)] for d in wanted], sorted((c, str(r)) for c, r in rates.items())
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=12).hexdigest()


def rates(connection: Connection) -> dict[str, Decimal]:
    """Currency -> what one unit of it is in the base currency; empty: amounts are taken as they are."""
    return {row.currency: row.rate for row in connection.execute(select(exchange_rate.c.currency, exchange_rate.c.rate))}


def set_rate(connection: Connection, currency: str, rate: Decimal) -> None:
    """Set what one unit of a currency is in the base currency, whose own rate is 1."""
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise DefinitionError("currency", f"{currency!r} is no ISO 4217 code, such as EUR")
    if not rate > 0:
        raise DefinitionError("rate", f"a rate is more than zero, not {rate}")
    values: dict[str, Any] = {"currency": currency.upper(), "rate": rate}
    statement = upsert(exchange_rate).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["currency"], set_={"rate": rate, "set_at": func.now()}))
