"""A page, its bookmark and its counts are committed in one transaction: what is committed is landed, and the next run goes on behind it.

Landing is idempotent: a row whose fingerprint is stored costs a look-up and nothing more, so overlapping reads are harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from cdp.db import copy_table, copy_text
from cdp.ingest.lines import Landed
from cdp.ingest.target import CHANGED, CUSTOMER, NEW, REPEATED, UNCHANGED, StreamTarget
from cdp.records.source import Refused


@dataclass
class Counts:
    """What became of the rows of a stream."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    left_empty: dict[str, int] = field(default_factory=dict)

    def note_issues(self, issues: pa.ChunkedArray) -> None:
        """Count, by field, the values of new and changed rows that have no standard form."""
        for found in pc.value_counts(pc.struct_field(pc.list_flatten(issues), "field")).to_pylist():
            self.left_empty[found["values"]] = self.left_empty.get(found["values"], 0) + found["counts"]

    def refuse(self, rows: Sequence[Refused]) -> None:
        """Count refused rows by reason."""
        self.refused += len(rows)
        for row in rows:
            self.reasons[row.reason] = self.reasons.get(row.reason, 0) + 1


def prepare_session(connection: Connection, target: StreamTarget) -> None:
    """Make the temporary tables that a session lands through, and commit; they live as long as the connection's session."""
    make_tables(connection, target)
    connection.commit()


def make_tables(connection: Connection, target: StreamTarget) -> None:
    """Make the temporary tables that a session lands through, in the transaction that is under way."""
    connection.execute(text("drop table if exists landing_key, landing_row, landing_seen"))
    connection.execute(text("create temp table landing_key (n int, source_key text, hash bytea)"))
    connection.execute(text("create temp table landing_seen (source_key text)"))
    connection.execute(text("create index on landing_seen (source_key)"))
    connection.execute(text(f"create temp table landing_row as select {', '.join(target.columns)} from {target.table} with no data"))


def is_empty(connection: Connection, target: StreamTarget) -> bool:
    """Whether nothing of the stream is stored, not even as deleted."""
    found = text(f"select exists (select from {target.table} where source_id = :source and stream = :stream)")
    return not connection.execute(found, target.params).scalar_one()


def classify(connection: Connection, target: StreamTarget, keys: pa.Array, hashes: pa.Array) -> np.ndarray:
    """For each row NEW, CHANGED, UNCHANGED, or REPEATED (this read has already given another row of its key)."""
    connection.execute(text("truncate landing_key"))
    rows = pa.table({"n": pa.array(np.arange(len(keys), dtype=np.int32)), "source_key": keys, "hash": hashes})
    copy_table(connection, rows.filter(_storable(keys)), "landing_key")
    found = connection.execute(
        text(
            f"""select n, case when t.content_hash = k.hash and t.deleted_at is null then {UNCHANGED}
                             when exists (select from landing_seen s where s.source_key = k.source_key) then {REPEATED}
                             else {CHANGED} end
                from landing_key k join {target.table} t
                  on t.source_id = :source and t.stream = :stream and t.source_key = k.source_key"""
        ),
        target.params,
    ).all()
    state = np.full(len(keys), NEW, dtype=np.int8)
    if found:
        numbers, states = zip(*found, strict=True)
        state[list(numbers)] = states
    return state


def _storable(keys: pa.Array) -> pa.Array:
    """Keys that there are, and that the database can hold; the mapping refuses the other rows."""
    return pc.and_(pc.is_valid(keys), pc.invert(pc.match_substring(keys, "\x00")).fill_null(False))


def note_seen(connection: Connection, keys: pa.Array) -> None:
    """Remember that a whole read gave these keys."""
    copy_table(connection, pa.table({"source_key": keys}).filter(_storable(keys)), "landing_seen")


def note_landed(connection: Connection, target: StreamTarget) -> None:
    """Remember that the read gave every key that is stored: it began with none."""
    connection.execute(
        text(f"insert into landing_seen select source_key from {target.table} where source_id = :source and stream = :stream"),
        target.params,
    )


def add(connection: Connection, target: StreamTarget, rows: Landed) -> int:
    """Append rows whose keys are new; the number of rows. Raises psycopg's UniqueViolation for a key that is stored."""
    return copy_text(connection, rows.lines, target.columns, target.table)


def change(connection: Connection, target: StreamTarget, rows: Landed) -> int:
    """Replace stored rows by newer ones; the former raw row of a customer record is kept in `record_version`."""
    if len(rows) == 0:
        return 0
    connection.execute(text("truncate landing_row"))
    copy_text(connection, rows.lines, target.columns, "landing_row")
    same = "t.source_id = :source and t.stream = :stream and t.source_key = l.source_key"
    if target.kind == CUSTOMER:
        connection.execute(
            text(
                f"""insert into record_version (record_id, raw, content_hash, valid_from, valid_to, run_id)
                    select t.id, t.raw, t.content_hash, t.changed_at, now(), t.run_id
                    from record t join landing_row l on {same} where t.content_hash <> l.content_hash"""
            ),
            target.params,
        )
    typed = "".join(f", {column} = l.{column}" for column in target.typed)
    result = connection.execute(
        text(
            f"""update {target.table} t set raw = l.raw, canonical = l.canonical, content_hash = l.content_hash, changed_at = now(),
                       deleted_at = null, run_id = :run{typed} from landing_row l where {same}"""
        ),
        target.params,
    )
    return int(result.rowcount)


def delete_keys(connection: Connection, target: StreamTarget, keys: Sequence[str]) -> int:
    """Mark rows that the source says are gone; the number newly marked."""
    if not keys:
        return 0
    result = connection.execute(
        text(
            f"""update {target.table} set deleted_at = now(), changed_at = now(), run_id = :run
                where source_id = :source and stream = :stream and deleted_at is null and source_key = any(:keys)"""
        ),
        target.params | {"keys": list(keys)},
    )
    return int(result.rowcount)


def delete_unseen(connection: Connection, target: StreamTarget) -> int:
    """After a whole read: mark the rows that it did not give; the number marked. Rows in quarantine count as given,
    and so does what a person made of a row that the source still gives."""
    connection.execute(text("analyze landing_seen"))
    result = connection.execute(
        text(
            f"""update {target.table} t set deleted_at = now(), changed_at = now(), run_id = :run
                where t.source_id = :source and t.stream = :stream and t.deleted_at is null
                  and not exists (select from landing_seen s where s.source_key = t.source_key)
                  and not exists (select from quarantine q where q.source_id = t.source_id and q.stream = t.stream
                                  and q.source_key = t.source_key and (q.status = 'open' or (q.mended and q.run_id = :run)))"""
        ),
        target.params,
    )
    return int(result.rowcount)


def merge_keys(connection: Connection, target: StreamTarget, source_name: str, pairs: Sequence[tuple[str, str]]) -> int:
    """Where the source merged two of its records: the gone one is marked deleted, and both are decided to be the same person."""
    if not pairs or target.kind != CUSTOMER:
        return 0
    gone = delete_keys(connection, target, [pair[0] for pair in pairs])
    connection.execute(
        text(
            """insert into decision (judgement, record_a, record_b, principal, note)
               select 'same', least(a.id, b.id), greatest(a.id, b.id), 'source:' || :name, 'merged in the source'
               from unnest(cast(:gone as text[]), cast(:kept as text[])) as m(gone, kept)
               join record a on a.source_id = :source and a.stream = :stream and a.source_key = m.gone
               join record b on b.source_id = :source and b.stream = :stream and b.source_key = m.kept
               where a.id <> b.id and not exists (select from decision d where d.record_a = least(a.id, b.id)
                     and d.record_b = greatest(a.id, b.id) and d.judgement = 'same' and d.revoked_at is null)"""
        ),
        target.params | {"name": source_name, "gone": [p[0] for p in pairs], "kept": [p[1] for p in pairs]},
    )
    return gone


def land_consents(connection: Connection, target: StreamTarget, table: pa.Table) -> None:
    """Append the consents that customer rows carry; one that says what was said last, or that is known with its time, is left alone."""
    column = table["consents"].combine_chunks() if target.kind == CUSTOMER else None
    if column is None or column.null_count == len(column):
        return
    flat = column.flatten()
    keys = table["source_key"].combine_chunks().take(pc.list_parent_indices(column))
    fields = {name: pc.struct_field(flat, name) for name in ("purpose", "state", "at", "basis")}
    at = pc.coalesce(fields["at"], table["updated_at"].combine_chunks().take(pc.list_parent_indices(column)))
    connection.execute(
        text(
            """create temp table if not exists landing_consent
               (source_key text, purpose text, state text, at timestamptz, basis text) on commit delete rows"""
        )
    )
    rows = pa.table({"source_key": keys, "purpose": fields["purpose"], "state": fields["state"], "at": at, "basis": fields["basis"]})
    copy_table(connection, rows, "landing_consent")
    connection.execute(
        text(
            """insert into consent (source_id, stream, source_key, purpose, state, at, basis)
               select :source, :stream, source_key, purpose, state, coalesce(at, now()), basis from landing_consent l
               where at is not null or l.state is distinct from (
                     select c.state from consent c where c.source_id = :source and c.stream = :stream
                     and c.source_key = l.source_key and c.purpose = l.purpose order by c.at desc, c.id desc limit 1)
               on conflict do nothing"""
        ),
        target.params,
    )
