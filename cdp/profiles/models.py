"""Over stored records the pinned model decides, or the one that the last resolution learned; a pinned one stays until it is unpinned."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc
from sqlalchemy import Connection, select

from cdp.db import tables
from cdp.errors import PlatformError
from cdp.identity import Explanation, Model, explain
from cdp.profiles.decisions import record_named
from cdp.profiles.resolve import load_customers


class NoModel(PlatformError):
    """Nothing has been resolved yet: run `cdp resolve`."""


@dataclass(frozen=True)
class StoredModel:
    """A model of `identity_model`; `pinned` says whether every resolution goes by it."""

    id: int
    model: Model
    pinned: bool


def current(connection: Connection) -> StoredModel:
    """The pinned model, else the latest. Raises NoModel."""
    model = tables.identity_model
    row = connection.execute(select(model).order_by(model.c.active.desc(), model.c.id.desc()).limit(1)).first()
    if row is None:
        raise NoModel("no model is stored yet: `cdp resolve` learns one")
    return StoredModel(row.id, Model.from_document(row.artifact), row.active)


def pin(connection: Connection, model: Model | None = None) -> int:
    """Let every resolution go by `model`, or by the latest one that is stored; its id. Raises NoModel."""
    row = tables.identity_model
    if model is None:
        chosen = current(connection).id
    else:
        statement = row.insert().values(artifact=model.to_document(), active=False).returning(row.c.id)
        chosen = int(connection.execute(statement).scalar_one())
    unpin(connection)
    connection.execute(row.update().where(row.c.id == chosen).values(active=True))
    return chosen


def unpin(connection: Connection) -> bool:
    """Let every resolution learn its model again; False where none was pinned."""
    row = tables.identity_model
    return bool(connection.execute(row.update().where(row.c.active).values(active=False)).rowcount)


def explain_stored(connection: Connection, a: str, b: str) -> Explanation:
    """Why two stored records are one person, or not, under the current model; all other records tell how frequent their values are.

    Args:
        a, b: `SOURCE:KEY` each.

    Raises:
        BadPair: no such record.
        NoModel: nothing has been resolved.
    """
    ids = [record_named(connection, each) for each in (a, b)]
    model = current(connection).model
    customers, _ = load_customers(connection)
    rows = [pc.index(customers["record_id"], record).as_py() for record in ids]
    return explain(model, customers, rows[0], rows[1])
