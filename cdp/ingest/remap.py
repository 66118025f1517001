"""A changed mapping is replayed over the raw rows that are stored: nothing is asked of the source again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, text

from cdp.ingest import landing, quarantine
from cdp.ingest.lines import Landed, landed
from cdp.ingest.named import Gathering
from cdp.ingest.target import INTERACTION, NEW, StreamTarget
from cdp.records import Defaults, StreamMapping, map_batch
from cdp.records.source import Refused

_BATCH = 20_000


def remap(connection: Connection, target: StreamTarget, mapping: StreamMapping, defaults: Defaults) -> int:
    """Map every stored row of the stream again and commit batch by batch; the number of rows whose canonical form changed.

    A row that the new mapping refuses keeps its former canonical form and goes to quarantine.
    """
    landing.prepare_session(connection, target)
    named = Gathering(connection, target) if target.kind == INTERACTION else None
    changed = 0
    for ids, keys, rows in _stored(connection, target):
        batch = map_batch(rows, mapping, defaults)
        same = np.array([keys[i] == key for i, key in zip(batch.row, batch.table["source_key"].to_pylist(), strict=True)], dtype=bool)
        raw = pa.array([json.dumps(rows[i]) for i in batch.row], pa.string())
        hashes = pa.array([ids[i][1] for i in batch.row], pa.string())
        whole = landed(target, batch.table, raw, hashes)
        changed += landing.change(connection, target, whole.take(np.flatnonzero(same)))
        landing.land_consents(connection, target, batch.table)
        if named is not None and batch.customers is not None:
            named.add(batch.customers)
        moved = np.flatnonzero(~same)
        if len(moved):
            landing.delete_keys(connection, target, [keys[batch.row[i]] for i in moved])
            chosen = pa.array(moved)
            new_keys = batch.table["source_key"].combine_chunks().take(chosen)
            changed += _rekey(connection, target, whole.take(moved), new_keys, hashes.take(chosen))
        refused = [_refused(row.row, row, keys, rows) for row in batch.refused]
        quarantine.hold(connection, target.source_id, target.stream, target.run_id, refused)
        connection.commit()
    if named is not None:
        changed += named.land()
        connection.commit()
    return changed


def _refused(index: int, row: Any, keys: list[str], rows: list[dict[str, Any]]) -> Refused:
    place = f"stored row {keys[index]!r}"
    return Refused(place, row.reason, f"{place}, mapped again: {row.message}", rows[index], keys[index], row.field)


def _rekey(connection: Connection, target: StreamTarget, part: Landed, keys: pa.Array, hashes: pa.Array) -> int:
    """The mapping now makes another key of these rows: they land under it."""
    state = landing.classify(connection, target, keys, hashes)
    fresh, known = np.flatnonzero(state == NEW), np.flatnonzero(state != NEW)
    return landing.add(connection, target, part.take(fresh)) + landing.change(connection, target, part.take(known))


def _stored(connection: Connection, target: StreamTarget) -> Iterator[tuple[list[tuple[int, str]], list[str], list[dict[str, Any]]]]:
    last = 0
    while True:
        found = connection.execute(
            text(
                f"""select id, content_hash::text as hash, source_key, raw from {target.table}
                    where source_id = :source and stream = :stream and id > :last and deleted_at is null order by id limit {_BATCH}"""
            ),
            target.params | {"last": last},
        ).all()
        if not found:
            return
        last = found[-1].id
        yield [(row.id, row.hash) for row in found], [row.source_key for row in found], [row.raw for row in found]
