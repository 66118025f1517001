"""An interaction may name a customer that no customer stream has: what all of them say lands as one sparse record of their stream.

Of each field the newest value holds, by the time of the interaction that gave it; contact points and identifiers are all kept. So the
record is the same whatever order interactions come in, in whatever pages. Its raw form says when each value was given, not in which row:
where the mapping changed, the records are gathered anew from all rows (`Gathering`), as a first sync would.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import orjson
import pyarrow as pa
from sqlalchemy import Connection, text

from cdp.db import copy_table
from cdp.ingest.fingerprint import dump
from cdp.ingest.landing import land_consents
from cdp.ingest.target import CUSTOMER, StreamTarget
from cdp.records import MappedBatch, canonical_json
from cdp.records.model import CUSTOMER as COLUMNS

State = dict[str, dict[str, Any]]
"""`values`: field -> [time, value], each member of an object a field; `kept`: field -> JSON of each value -> when it was last given."""

_KEPT = frozenset(field.name for field in COLUMNS if pa.types.is_list(field.type))


def land_named_customers(connection: Connection, target: StreamTarget, batch: MappedBatch) -> None:
    """Write the customers that a page of interactions names: new ones are added, one of whom something else is known is changed."""
    if batch.table.num_rows == 0:
        return
    changed = _absorbed(batch, lambda keys: _stored(connection, target, keys))
    if changed:
        connection.execute(text(f"create temp table if not exists landing_named ({_COLUMNS}) on commit delete rows"))
        copy_table(connection, _rows(changed), "landing_named")
        connection.execute(text(_LAND.format("landing_named")), target.params)
        connection.execute(text("truncate landing_named"))
    land_consents(connection, replace(target, kind=CUSTOMER), batch.table)


class Gathering:
    """The named customers of a stream as its rows now say, gathered in a table of this session and beside what is stored."""

    def __init__(self, connection: Connection, target: StreamTarget) -> None:
        self._connection, self._target = connection, target
        connection.execute(text("drop table if exists gathered_now, gathered"))
        connection.execute(text(f"create temp table gathered ({_COLUMNS}, primary key (source_key))"))
        connection.execute(text(f"create temp table gathered_now ({_COLUMNS})"))

    def add(self, batch: MappedBatch) -> None:
        """Take in the customers that further interactions name."""
        changed = _absorbed(batch, self._known) if batch.table.num_rows else {}
        if not changed:
            return
        self._connection.execute(text("truncate gathered_now"))
        copy_table(self._connection, _rows(changed), "gathered_now")
        self._connection.execute(
            text(
                """insert into gathered select * from gathered_now on conflict (source_key) do update
                   set raw = excluded.raw, canonical = excluded.canonical, content_hash = excluded.content_hash"""
            )
        )
        land_consents(self._connection, replace(self._target, kind=CUSTOMER), batch.table)

    def land(self) -> int:
        """Put what was gathered in the place of what was stored; a customer whom nothing names any more is deleted. How many changed."""
        landed = self._connection.execute(text(_LAND.format("gathered") + _WHERE_OTHER), self._target.params).rowcount
        gone = self._connection.execute(
            text(
                """update record r set deleted_at = now(), changed_at = now(), run_id = :run
                   where source_id = :source and stream = :stream and deleted_at is null
                     and not exists (select from gathered g where g.source_key = r.source_key)"""
            ),
            self._target.params,
        ).rowcount
        self._connection.execute(text("drop table gathered_now, gathered"))
        return int(landed) + int(gone)

    def _known(self, keys: Collection[str]) -> dict[str, State]:
        found = self._connection.execute(text("select source_key, raw from gathered where source_key = any(:keys)"), {"keys": sorted(keys)})
        return {row.source_key: row.raw for row in found}


def _absorbed(batch: MappedBatch, known: Callable[[Collection[str]], Mapping[str, State]]) -> dict[str, State]:
    """The states that a batch changes, after it."""
    assert batch.times is not None
    times = [at.isoformat() for at in batch.times.to_pylist()]
    keys = batch.table["source_key"].to_pylist()
    before = known(set(keys))
    states: dict[str, State] = {}
    for key, at, document in zip(keys, times, canonical_json(batch.table).to_pylist(), strict=True):
        states[key] = absorb(states.get(key) or before.get(key), orjson.loads(document), at)
    return {key: state for key, state in states.items() if state != before.get(key)}


def absorb(state: State | None, document: dict[str, Any], at: str) -> State:
    """The state after an interaction at `at` (ISO 8601, UTC) named the customer with `document`; `state` itself is not changed."""
    values, kept = (dict(state["values"]), dict(state["kept"])) if state else ({}, {})
    for name, value in document.items():
        if name in _KEPT:
            seen = dict(kept.get(name, {}))
            seen.update({said: max(at, seen.get(said, "")) for said in map(dump, value)})
            kept[name] = seen
        elif isinstance(value, dict):
            for member, inner in value.items():
                _newest(values, f"{name}.{member}", inner, at)
        else:
            _newest(values, name, value, at)
    return {"values": values, "kept": kept}


def _newest(values: dict[str, Any], name: str, value: Any, at: str) -> None:
    held = values.get(name)
    if held is None or (held[0], dump(held[1])) < (at, dump(value)):
        values[name] = [at, value]


def document_of(state: State) -> dict[str, Any]:
    """The canonical document of a state; of the values that are kept, the newest come first."""
    document: dict[str, Any] = {}
    for name, (_, value) in state["values"].items():
        outer, _, inner = name.partition(".")
        if inner:
            document.setdefault(outer, {})[inner] = value
        else:
            document[name] = value
    for name, seen in state["kept"].items():
        document[name] = [orjson.loads(said) for said, _ in sorted(sorted(seen.items()), key=lambda each: each[1], reverse=True)]
    return document


def _stored(connection: Connection, target: StreamTarget, keys: Collection[str]) -> dict[str, State]:
    rows = connection.execute(
        text(
            """select source_key, raw, canonical from record
               where source_id = :source and stream = :stream and source_key = any(:keys) and deleted_at is null for update"""
        ),
        target.params | {"keys": sorted(keys)},
    )
    return {row.source_key: row.raw if "kept" in row.raw else absorb(None, row.canonical, "") for row in rows}


def _rows(states: Mapping[str, State]) -> pa.Table:
    canonical = [dump(document_of(state)) for state in states.values()]
    return pa.table(
        {
            "source_key": list(states),
            "raw": [dump(state) for state in states.values()],
            "canonical": canonical,
            "content_hash": ["\\x" + hashlib.md5(each.encode(), usedforsecurity=False).hexdigest() for each in canonical],
        }
    )


_COLUMNS = "source_key text, raw jsonb, canonical jsonb, content_hash bytea"
_LAND = """insert into record as r (source_id, stream, source_key, raw, canonical, content_hash, run_id)
    select :source, :stream, source_key, raw, canonical, content_hash, :run from {}
    on conflict (source_id, stream, source_key) do update
      set raw = excluded.raw, canonical = excluded.canonical, content_hash = excluded.content_hash, run_id = excluded.run_id,
          changed_at = case when r.content_hash = excluded.content_hash and r.deleted_at is null then r.changed_at else now() end,
          deleted_at = null"""
"""A record whose document stays as it was has not changed."""
_WHERE_OTHER = " where r.raw <> excluded.raw or r.content_hash <> excluded.content_hash or r.deleted_at is not null"
