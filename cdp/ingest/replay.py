"""What waits in quarantine is mapped again, as it is or as a person corrected it; what is good now lands, the rest waits on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping as MappingType
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Engine, Row, func, select

from cdp.db import tables
from cdp.errors import PlatformError
from cdp.ingest import landing, quarantine
from cdp.ingest.events.replay import events_waiting
from cdp.ingest.fingerprint import fingerprint
from cdp.ingest.lines import landed
from cdp.ingest.named import land_named_customers
from cdp.ingest.runs import finish_run, start_run
from cdp.ingest.stream import defaults_of
from cdp.ingest.target import CHANGED, NEW, REPEATED, StreamTarget
from cdp.records import Mapping, map_batch
from cdp.settings import Settings


@dataclass(frozen=True)
class ReplayReport:
    """Rows that landed, rows that still wait, and why each of these does."""

    landed: int = 0
    waiting: int = 0
    reasons: Sequence[str] = ()


def replay(
    engine: Engine,
    settings: Settings,
    ids: Sequence[int] | None = None,
    corrections: MappingType[int, MappingType[str, Any]] | None = None,
) -> ReplayReport:
    """Map quarantined rows again: those of `ids`, or all that are open and were readable as a row. Events are no rows (`cdp.ingest.again`).

    A row that says another thing than what is stored under its key takes its place only where it is named in `ids`.

    Args:
        corrections: quarantine id -> the row as a person corrected it; its former content stays in the quarantine entry.

    Raises:
        PlatformError: one of `ids` does not wait.
    """
    table = tables.quarantine
    query = select(table).where(table.c.status == "open", table.c.id.not_in(events_waiting())).order_by(table.c.id)
    if ids is not None:
        query = query.where(table.c.id.in_(ids))
    with engine.connect() as connection:
        groups: dict[tuple[int, str], list[Row[Any]]] = defaultdict(list)
        for row in connection.execute(query):
            groups[row.source_id, row.stream].append(row)
        _check(ids, {row.id for rows in groups.values() for row in rows})
        chosen = _Chosen(corrections or {}, ids is not None)
        reports = [_replay_stream(connection, settings, *key, rows, chosen) for key, rows in groups.items()]
    return ReplayReport(
        sum(r.landed for r in reports), sum(r.waiting for r in reports), [reason for report in reports for reason in report.reasons]
    )


@dataclass(frozen=True)
class _Chosen:
    """What a person said: the rows as they should be, and whether each of the rows was named."""

    corrections: MappingType[int, MappingType[str, Any]]
    named: bool


def _check(ids: Sequence[int] | None, found: Set[int]) -> None:
    absent = sorted(set(ids or ()) - found)
    if absent:
        numbers = ", ".join(map(str, absent))
        raise PlatformError(f"nothing waits in quarantine under the number {numbers}; `cdp quarantine list` shows what does")


def _replay_stream(
    connection: Connection, settings: Settings, source_id: int, stream: str, waiting: list[Row[Any]], chosen: _Chosen
) -> ReplayReport:
    source = connection.execute(select(tables.source).where(tables.source.c.id == source_id)).one()
    try:
        mapped = Mapping.load(source.mapping).stream(stream)
    except PlatformError as error:
        return ReplayReport(0, len(waiting), [f"{row.id}: {error}" for row in waiting])
    entries = [(row, chosen.corrections.get(row.id, quarantine.content(row))) for row in waiting]
    usable = [(row, content) for row, content in entries if isinstance(content, dict)]
    target = StreamTarget(source_id, stream, mapped.kind, start_run(connection, "replay", source_id))
    landing.prepare_session(connection, target)
    rows = [content for _, content in usable]
    batch = map_batch(rows, mapped, defaults_of(settings))
    prints = fingerprint([rows[i] for i in batch.row])
    keys = batch.table["source_key"].combine_chunks()
    state = landing.classify(connection, target, keys, prints.hash)
    contested = [
        bool(state[i] == CHANGED and usable[row][0].reason == "duplicate_key" and not chosen.named) for i, row in enumerate(batch.row)
    ]
    state[contested] = REPEATED
    whole = landed(target, batch.table, prints.raw, prints.hash)
    for wanted, write in ((NEW, landing.add), (CHANGED, landing.change)):
        write(connection, target, whole.take(np.flatnonzero(state == wanted)))
    landing.land_consents(connection, target, batch.table.filter(pa.array(state != REPEATED)))
    if batch.customers is not None:
        land_named_customers(connection, target, batch.customers)
    done = {usable[row][0].id: key for row, key, kept in zip(batch.row, keys.to_pylist(), contested, strict=True) if not kept}
    _close(connection, done, chosen.corrections)
    for refused in batch.refused:
        row = usable[refused.row][0]
        values = {"reason": refused.reason, "field": refused.field, "message": f"{row.place}: {refused.message}"}
        connection.execute(tables.quarantine.update().where(tables.quarantine.c.id == row.id).values(values))
    finish_run(connection, target.run_id, "done", {"stream": stream, "landed": len(done), "waiting": len(waiting) - len(done)})
    connection.commit()
    return ReplayReport(len(done), len(waiting) - len(done), _reasons(connection, [row.id for row in waiting if row.id not in done]))


def _close(connection: Connection, done: MappingType[int, str], corrections: MappingType[int, Any]) -> None:
    """Rows that landed wait no more; one that a person corrected keeps the key it landed under."""
    table = tables.quarantine
    closed = {"status": "replayed", "resolved_at": func.now()}
    connection.execute(table.update().where(table.c.id.in_([number for number in done if number not in corrections])).values(closed))
    for number in done.keys() & corrections.keys():
        connection.execute(table.update().where(table.c.id == number).values(closed | {"mended": True, "source_key": done[number]}))


def _reasons(connection: Connection, ids: Sequence[int]) -> list[str]:
    table = tables.quarantine
    found = connection.execute(select(table.c.id, table.c.message).where(table.c.id.in_(ids)).order_by(table.c.id))
    return [f"{number}: {message}" for number, message in found]


def parse_correction(value: str) -> dict[str, Any]:
    """A corrected row from JSON text.

    Raises:
        PlatformError: it is not a JSON object.
    """
    try:
        row = json.loads(value)
    except json.JSONDecodeError as error:
        raise PlatformError(f"the corrected row is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise PlatformError('the corrected row must be a JSON object, such as {"id": "7", "email": "a@example.org"}')
    return row
