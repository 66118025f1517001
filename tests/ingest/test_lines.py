"""What a line says is what the database stores: texts with every character COPY gives a meaning, nulls, times."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Engine, text

from cdp.db import copy_text
from cdp.ingest.lines import landed
from cdp.ingest.target import StreamTarget
from cdp.records import CUSTOMER, INTERACTION

ODD = ["plain", "tab\there", "line\nbreak\r", "back\\slash \\N \\.", 'quo"te', "é😀", "\\"]


def test_a_line_is_read_back_as_it_was_written(engine: Engine) -> None:
    target = StreamTarget(7, "odd\tstream\\", "interaction", 3)
    at = datetime(2024, 2, 29, 23, 59, 59, 123456, UTC)
    rows = [
        {"source_key": f"{n}{odd}", "kind": "order", "name": odd, "at": at, "amount": "1.50" if n else None} for n, odd in enumerate(ODD)
    ]
    raw = pa.array([f'{{"a": "{n}\\\\ \\" \\t"}}' for n in range(len(ODD))])
    written = landed(target, pa.Table.from_pylist(rows, schema=INTERACTION), raw, pa.array(["\\x00ff"] * len(ODD)))
    with engine.begin() as connection:
        copy_text(connection, written.lines, target.columns, target.table)
        stored = connection.execute(text('select * from interaction order by source_key collate "C"')).all()
    assert [(s.source_key, s.name, s.stream, s.run_id) for s in stored] == [(r["source_key"], r["name"], target.stream, 3) for r in rows]
    assert [(s.at, s.amount, s.status, s.content_hash) for s in stored][1:] == [(at, 1.5, None, b"\x00\xff")] * (len(ODD) - 1)
    assert [s.raw["a"] for s in stored] == [f'{n}\\ " \t' for n in range(len(ODD))]
    assert [s.canonical["name"] for s in stored] == ODD
    assert [written.raw(n, target) for n in range(len(ODD))] == raw.to_pylist()


def test_a_part_of_the_lines_is_written_as_it_is(engine: Engine) -> None:
    target = StreamTarget(7, "s", "customer", 3)
    keys = [str(n) for n in range(9)]
    table = pa.Table.from_pylist([{"source_key": key, "kind": "person"} for key in keys], schema=CUSTOMER)
    written = landed(target, table, pa.array(["{}"] * 9), pa.array(["\\x00"] * 9))
    with engine.begin() as connection:
        copy_text(connection, written.lines.slice(2, 3), target.columns, target.table)
        assert connection.execute(text("select source_key from record order by id")).scalars().all() == keys[2:5]
