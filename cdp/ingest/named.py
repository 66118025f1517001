"""An interaction may name a customer that no customer stream has: it lands as a sparse record of the interaction's stream."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
from sqlalchemy import Connection, text

from cdp.db import copy_table
from cdp.ingest.fingerprint import fingerprint
from cdp.ingest.landing import CUSTOMER, StreamTarget, land_consents
from cdp.records import MappedBatch, canonical_json


def land_named_customers(connection: Connection, target: StreamTarget, batch: MappedBatch) -> None:
    """Write the customers that a page of interactions names: new ones are added, one that says something else than before is changed."""
    table = batch.table
    if table.num_rows == 0:
        return
    canonical = canonical_json(table)
    hashes = fingerprint(pa.table({"canonical": canonical})).hash
    connection.execute(
        text("create temp table if not exists landing_named (source_key text, canonical jsonb, content_hash bytea) on commit delete rows")
    )
    rows = {"source_key": table["source_key"], "canonical": canonical, "content_hash": hashes}
    copy_table(connection, pa.table(rows), "landing_named")
    connection.execute(
        text(
            """insert into record (source_id, stream, source_key, raw, canonical, content_hash, run_id)
               select :source, :stream, source_key, canonical, canonical, content_hash, :run from landing_named
               on conflict (source_id, stream, source_key) do update
                 set raw = excluded.raw, canonical = record.canonical || excluded.canonical, content_hash = excluded.content_hash,
                     changed_at = now(), run_id = excluded.run_id
                 where record.content_hash <> excluded.content_hash"""
        ),
        target.params,
    )
    connection.execute(text("truncate landing_named"))
    land_consents(connection, replace(target, kind=CUSTOMER), table)
