"""Resolution over what is stored: identity decides who is who, ids stay stable, and every change of who is who is a journal entry.

One transaction: a resolution that fails leaves everything as it was. Two at once are one after the other (an advisory lock).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import uuid_utils
from sqlalchemy import Connection, Engine, select, text

from cdp.db import copy_table, lock, tables
from cdp.identity import Decision, Model, Options, Resolution, Rules, Verdict
from cdp.identity import resolve as resolve_identity
from cdp.ingest.runs import finish_run, start_run
from cdp.profiles.assign import Assignment, Change, assign
from cdp.records import from_canonical
from cdp.settings import Settings

_ROWS = 50_000


@dataclass(frozen=True)
class ResolveReport:
    """What a resolution found and changed.

    Attributes:
        created, merged, split: profiles that are new, were merged away, were split off.
        doubtful: pairs that a steward may settle.
        stages: seconds by stage of the identity engine.
    """

    records: int
    profiles: int
    households: int
    created: int
    merged: int
    split: int
    doubtful: int
    model_id: int | None
    seconds: float
    stages: dict[str, float] = field(default_factory=dict)


def resolve_profiles(engine: Engine, settings: Settings, *, dry_run: bool = False, pinned: bool = True) -> ResolveReport:
    """Decide again who is who among all stored records, under the pinned model or one learned from them.

    Args:
        dry_run: report what would change, and change nothing.
        pinned: go by the pinned model, where there is one; otherwise by one learned from the records as they are.
    """
    started = time.monotonic()
    with engine.connect() as connection:
        run_id = start_run(connection, "resolve dry run" if dry_run else "resolve")
        lock(connection, "resolve")
        customers, present = load_customers(connection)
        model_id, model = _pinned_model(connection) if pinned else (None, None)
        found = resolve_identity(customers, model, _options(connection, settings), _decisions(connection))
        ids = customers["record_id"].to_numpy()
        assignment = assign(ids, found.cluster, present, new_profile_id, _reviver(connection))
        if not dry_run:
            model_id = model_id or _store_model(connection, found.model)
            _Writer(connection, run_id, model_id).write(customers, ids, present, found, assignment)
        report = _report(found, assignment, len(ids), model_id, time.monotonic() - started)
        if dry_run:
            connection.rollback()
        finish_run(connection, run_id, "done", asdict(report))
        connection.commit()
    return report


def new_profile_id() -> UUID:
    """A UUIDv7: younger ones are larger."""
    return UUID(str(uuid_utils.uuid7()))


def load_customers(connection: Connection) -> tuple[pa.Table, list[UUID | None]]:
    """Every stored record as identity takes it (schema CUSTOMER, `source`, `record_id`), and the profile each has now."""
    parts, present = [], []
    for chunk in _copy_out(
        connection,
        "select r.id, s.name as source, r.profile_id, r.canonical::text from record r join source s on s.id = r.source_id order by r.id",
        {"id": pa.int64(), "source": pa.string(), "profile_id": pa.string(), "canonical": pa.large_string()},
    ):
        table = from_canonical(chunk["canonical"].cast(pa.string()))
        parts.append(table.append_column("source", chunk["source"]).append_column("record_id", chunk["id"]))
        present += [UUID(value) if value else None for value in chunk["profile_id"].to_pylist()]
    if not parts:
        empty = from_canonical(pa.array([], pa.string()))
        return empty.append_column("source", pa.array([], pa.string())).append_column("record_id", pa.array([], pa.int64())), []
    return pa.concat_tables(parts), present


def _copy_out(connection: Connection, query: str, types: dict[str, pa.DataType]) -> Iterator[pa.Table]:
    """Rows of a query by COPY, some ten thousand at a time."""
    raw = connection.connection.driver_connection
    assert raw is not None
    options = pacsv.ReadOptions(column_names=list(types))
    parsing = pacsv.ParseOptions(newlines_in_values=True)
    converting = pacsv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=False)
    with raw.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
        held: list[bytes] = []
        for row in copy:
            held.append(bytes(row))
            if len(held) == _ROWS:
                yield pacsv.read_csv(pa.BufferReader(b"".join(held)), options, parsing, converting)
                held = []
        if held:
            yield pacsv.read_csv(pa.BufferReader(b"".join(held)), options, parsing, converting)


def _pinned_model(connection: Connection) -> tuple[int | None, Model | None]:
    row = connection.execute(select(tables.identity_model).where(tables.identity_model.c.active)).first()
    return (row.id, Model.from_document(row.artifact)) if row else (None, None)


def _store_model(connection: Connection, model: Model) -> int:
    """Keep the model that this resolution learned; one equal to the last is that one."""
    document = model.to_document()
    last = connection.execute(select(tables.identity_model).order_by(tables.identity_model.c.id.desc()).limit(1)).first()
    if last is not None and last.artifact == json.loads(json.dumps(document)):
        return int(last.id)
    statement = tables.identity_model.insert().values(artifact=document, active=False).returning(tables.identity_model.c.id)
    return int(connection.execute(statement).scalar_one())


def _options(connection: Connection, settings: Settings) -> Options:
    names = connection.execute(select(tables.source.c.name).where(tables.source.c.duplicate_free)).scalars()
    rules = Rules.load(Path(settings.identity_rules)) if settings.identity_rules else None
    return Options(duplicate_free=frozenset(names), rules=rules)


def _decisions(connection: Connection) -> list[Decision]:
    """The last word on each pair."""
    table = tables.decision
    query = select(table.c.judgement, table.c.record_a, table.c.record_b).where(table.c.revoked_at.is_(None)).order_by(table.c.id)
    latest = {(row.record_a, row.record_b): row.judgement for row in connection.execute(query)}
    return [Decision(Verdict(judgement), a, b) for (a, b), judgement in sorted(latest.items())]


def _reviver(connection: Connection) -> Callable[[Sequence[int]], UUID | None]:
    """Finds the id that records had before it was merged away, so that taking a merge back brings the id back."""
    revived: set[UUID] = set()

    def revive(records: Sequence[int]) -> UUID | None:
        rows = connection.execute(
            text(
                """select j.from_profile_id as id, j.record_ids from profile_journal j join profile p on p.id = j.from_profile_id
                   where j.change = 'merged' and p.retired_at is not null and j.record_ids && cast(:records as bigint[]) order by 1"""
            ),
            {"records": list(records)},
        )
        wanted = set(records)
        best = [(len(wanted & set(row.record_ids)), row.id) for row in rows if row.id not in revived]
        fitting = [pair for pair in best if 2 * pair[0] > len(wanted)]
        if not fitting:
            return None
        profile = UUID(str(max(fitting, key=lambda pair: (pair[0], -pair[1].int))[1]))
        revived.add(profile)
        return profile

    return revive


def _report(found: Resolution, assignment: Assignment, records: int, model_id: int | None, seconds: float) -> ResolveReport:
    count = {name: sum(1 for change in assignment.changes if change.change == name) for name in ("created", "split")}
    households = len(np.unique(found.households)) if records else 0
    return ResolveReport(
        records=records,
        profiles=len(assignment.profile_of),
        households=households,
        created=count["created"],
        merged=len(assignment.merged),
        split=count["split"],
        doubtful=found.doubtful.num_rows,
        model_id=model_id,
        seconds=seconds,
        stages={stage.name: stage.seconds for stage in found.stages},
    )


@dataclass(frozen=True)
class _Writer:
    """Writes one resolution: profiles, journal, records' profiles, links."""

    connection: Connection
    run_id: int
    model_id: int

    def write(
        self, customers: pa.Table, ids: np.ndarray, present: Sequence[UUID | None], found: Resolution, assignment: Assignment
    ) -> None:
        """Write everything; the caller commits."""
        kinds = self._kinds(customers, found)
        self._profiles(found, assignment, kinds)
        self._journal(assignment.changes)
        self._records(ids, present, found, assignment)
        self._links(ids, found)

    def _kinds(self, customers: pa.Table, found: Resolution) -> dict[int, str]:
        """Clusters of organisations; all others are persons."""
        organisations = np.flatnonzero(pc.equal(customers["kind"], "organisation").fill_null(False).to_numpy(zero_copy_only=False))
        return {int(cluster): "organisation" for cluster in found.cluster[organisations]}

    def _profiles(self, found: Resolution, assignment: Assignment, kinds: dict[int, str]) -> None:
        clusters = list(assignment.profile_of)
        first_row: dict[int, int] = {}
        for row, cluster in enumerate(found.cluster.tolist()):
            first_row.setdefault(cluster, row)
        households = _household_ids(found, assignment, first_row)
        rows = {
            "id": [str(assignment.profile_of[c]) for c in clusters],
            "kind": [kinds.get(c, "person") for c in clusters],
            "confidence": [round(float(found.confidence[c]), 2) for c in clusters],  # a record more moves all a little, and no row
            "household_id": [households[c] for c in clusters],
        }
        self.connection.execute(
            text("create temp table resolved (id uuid, kind text, confidence float8, household_id uuid) on commit drop")
        )
        copy_table(self.connection, pa.table(rows), "resolved")
        self.connection.execute(
            text(
                """insert into profile (id, kind, confidence, household_id) select id, kind, confidence, household_id from resolved
                   on conflict (id) do update set kind = excluded.kind, confidence = excluded.confidence, merged_into = null,
                     retired_at = null, household_id = excluded.household_id
                   where (profile.kind, profile.confidence, profile.household_id, profile.retired_at)
                     is distinct from (excluded.kind, excluded.confidence, excluded.household_id, null)"""
            )
        )
        self._retire(assignment)

    def _retire(self, assignment: Assignment) -> None:
        """Merged profiles point to the one they live on in; so do those that had been merged into them."""
        if not assignment.merged:
            return
        params = {"gone": list(assignment.merged), "kept": list(assignment.merged.values())}
        pairs = "unnest(cast(:gone as uuid[]), cast(:kept as uuid[])) as m(gone, kept)"
        self.connection.execute(text(f"update profile p set merged_into = m.kept from {pairs} where p.merged_into = m.gone"), params)
        self.connection.execute(
            text(f"update profile p set merged_into = m.kept, retired_at = now() from {pairs} where p.id = m.gone"), params
        )

    def _journal(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        cause = json.dumps({"stage": "resolve", "run": self.run_id, "model": self.model_id})
        rows = {
            "change": [c.change for c in changes],
            "profile_id": [str(c.profile) for c in changes],
            "from_profile_id": pa.array([str(c.origin) if c.origin else None for c in changes], pa.string()),
            "record_ids": pa.array([[str(r) for r in c.record_ids] for c in changes], pa.list_(pa.string())),
            "cause": [cause] * len(changes),
        }
        copy_table(self.connection, pa.table(rows), "profile_journal")

    def _records(self, ids: np.ndarray, present: Sequence[UUID | None], found: Resolution, assignment: Assignment) -> None:
        moved = [
            (int(record), str(assignment.profile_of[cluster]))
            for record, cluster, before in zip(ids.tolist(), found.cluster.tolist(), present, strict=True)
            if assignment.profile_of[cluster] != before
        ]
        if not moved:
            return
        self.connection.execute(text("create temp table moved (id bigint, profile_id uuid) on commit drop"))
        copy_table(self.connection, pa.table({"id": [m[0] for m in moved], "profile_id": [m[1] for m in moved]}), "moved")
        self.connection.execute(text("update record r set profile_id = m.profile_id from moved m where r.id = m.id"))

    def _links(self, ids: np.ndarray, found: Resolution) -> None:
        self.connection.execute(text("truncate link"))
        between = found.cluster[found.doubtful["row_a"].to_numpy()] != found.cluster[found.doubtful["row_b"].to_numpy()]
        for pairs in (found.links, found.doubtful.filter(pa.array(between))):
            a, b = ids[pairs["row_a"].to_numpy()], ids[pairs["row_b"].to_numpy()]
            rows = {
                "record_a": np.minimum(a, b),
                "record_b": np.maximum(a, b),
                "evidence": pc.divide(pairs["evidence"], float(np.log(2))),  # nats there, bits in the table
                "probability": pairs["probability"],
                "pattern": _levels(found.model, pairs["pattern"]),
                "model_id": np.full(len(a), self.model_id),
            }
            copy_table(self.connection, pa.table(rows), "link")


def _levels(model: Model, patterns: pa.ChunkedArray) -> pa.Array:
    """Each pattern as JSON: field -> name of the level, fields that say nothing left out."""
    encoded = patterns.combine_chunks()
    flat = encoded.flatten().to_numpy(zero_copy_only=False).reshape(len(encoded), len(model.fields))
    distinct, inverse = np.unique(flat, axis=0, return_inverse=True)
    texts = [
        json.dumps({field.name: field.levels[level - 1].name for field, level in zip(model.fields, row, strict=True) if level})
        for row in distinct.tolist()
    ]
    return pa.array(texts, pa.string()).take(pa.array(inverse.reshape(-1)))


def _household_ids(found: Resolution, assignment: Assignment, first_row: dict[int, int]) -> dict[int, str | None]:
    """A household goes by the oldest profile in it, so its id is as stable as that one."""
    households = {cluster: int(found.households[row]) for cluster, row in first_row.items()}
    members: dict[int, list[UUID]] = {}
    for cluster, household in households.items():
        members.setdefault(household, []).append(assignment.profile_of[cluster])
    named = {household: str(min(profiles)) for household, profiles in members.items()}
    return {cluster: named[household] for cluster, household in households.items()}
