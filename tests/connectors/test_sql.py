"""A table gives all its rows without a cursor, and with one every row that was written since, however late it committed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from connectors.contract import AuthError, ConfigError, Page, Unavailable
from connectors.sql import SqlSource


def rows(pages: list[Page]) -> list[dict[str, Any]]:
    return [row for page in pages for row in (page.rows.to_pylist() if isinstance(page.rows, pa.Table) else page.rows)]


def text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture(params=["postgresql", "sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a small shop in either database."""
    url = f"sqlite:///{tmp_path}/shop.db" if request.param == "sqlite" else text(request.getfixturevalue("database"))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "create table shopper (id integer primary key, name text, balance numeric(20,4), born date, note text,"
                " changed timestamp not null)"
            )
        )
        connection.execute(
            sa.text("insert into shopper values (:id, :name, 12.5, '1980-01-02', null, :changed)"),
            [{"id": i, "name": f"näme {i}", "changed": f"2026-01-01 10:{i // 2:02}:00"} for i in range(1, 101)],
        )
    engine.dispose()
    return url


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_whole_table_in_pages(shop: str) -> None:
    source = SqlSource({"url": shop, "streams": {"people": "shopper"}, "batch_rows": 30})
    (stream,) = source.streams()
    assert (stream.name, stream.key, stream.complete) == ("people", "id", True)
    pages = list(source.read("people"))
    assert [len(page.rows) for page in pages] == [30, 30, 30, 10]
    assert [page.first_row for page in pages] == [1, 31, 61, 91]
    first = rows(pages)[0]
    assert (first["id"], first["name"], first["note"]) == (1, "näme 1", None)
    assert float(first["balance"]) == 12.5
    assert isinstance(first["balance"], str)


def test_cursor_reads_on_inclusively_with_overlap(shop: str) -> None:
    config = {"url": shop, "streams": {"people": {"table": "shopper", "cursor": "changed", "overlap": 60}}}
    source = SqlSource(config)
    assert source.streams()[0].complete is False
    bookmark = json.loads(json.dumps(list(source.read("people"))[-1].bookmark))
    execute(
        shop,
        "insert into shopper (id, name, changed) values (200, 'tie', '2026-01-01 10:50:00'), (201, 'late', '2026-01-01 10:49:00')",
        "insert into shopper (id, name, changed) values (202, 'new', '2026-01-01 11:00:00'), (203, 'too late', '2026-01-01 10:40:00')",
    )
    again = rows(list(SqlSource(config).read("people", bookmark)))
    assert {row["id"] for row in again} == {98, 99, 100, 200, 201, 202}


def test_numeric_cursor_and_interrupted_read(shop: str) -> None:
    config = {"url": shop, "streams": {"people": {"table": "shopper", "cursor": "id"}}, "batch_rows": 40}
    reading = SqlSource(config).read("people")
    first = next(reading)
    reading.close()
    rest = rows(list(SqlSource(config).read("people", first.bookmark)))
    assert [row["id"] for row in rest] == list(range(40, 101))


def test_rows_without_a_cursor_value_are_always_given(shop: str) -> None:
    execute(
        shop,
        "create table visits_made (id integer primary key, at timestamp)",
        "insert into visits_made values (1, null), (2, '2026-01-01 10:00:00')",
    )
    config = {"url": shop, "streams": {"visit": {"table": "visits_made", "cursor": "at", "overlap": 0}}}
    pages = list(SqlSource(config).read("visit"))
    assert [row["id"] for row in rows(pages)] == [1, 2]
    assert [row["id"] for row in rows(list(SqlSource(config).read("visit", pages[-1].bookmark)))] == [1, 2]


def test_query_with_colons_and_percent(shop: str) -> None:
    query = "select id as nr, name, 'a:b %' as odd from shopper where name like 'n%' and id <= 3;"
    source = SqlSource({"url": shop, "streams": {"few": {"query": query, "key": "nr"}}})
    assert source.streams()[0].key == "nr"
    assert rows(list(source.read("few"))) == [{"nr": i, "name": f"näme {i}", "odd": "a:b %"} for i in (1, 2, 3)]


def test_every_table_is_a_stream_by_default(shop: str) -> None:
    assert "shopper" in [stream.name for stream in SqlSource({"url": shop}).streams()]


def test_json_and_arrays_stay_nested(database: URL) -> None:
    execute(text(database), "create table p (id int primary key, doc jsonb, tags text[], big numeric)")
    execute(text(database), """insert into p values (1, '{"a": {"b" \\: 1}}', '{x,y}', 123456789012345678901234567890)""")
    source = SqlSource({"url": text(database), "streams": {"p": "p"}})
    assert rows(list(source.read("p"))) == [{"id": 1, "doc": {"a": {"b": 1}}, "tags": ["x", "y"], "big": "123456789012345678901234567890"}]


def test_errors_name_the_cure(shop: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no table 'persons'; there are .*shopper"):
        SqlSource({"url": shop, "streams": {"p": "persons"}}).streams()
    with pytest.raises(ConfigError, match=r"no column 'changed_at'; there are id, name"):
        SqlSource({"url": shop, "streams": {"p": {"table": "shopper", "cursor": "changed_at"}}}).streams()
    with pytest.raises(ConfigError, match="refuses the query"):
        SqlSource({"url": shop, "streams": {"p": {"query": "select nothing from nowhere"}}}).streams()
    with pytest.raises(ConfigError, match="no such file"):
        SqlSource({"url": f"sqlite:///{tmp_path}/none.db"})
    with pytest.raises(ConfigError, match="no driver for oracle"):
        SqlSource({"url": "oracle+oracledb://u@h/db"}).streams()
    with pytest.raises(ConfigError, match="no SQLAlchemy URL"):
        SqlSource({"url": "nonsense"})


def test_unreachable_and_refused_are_told_apart_without_the_password() -> None:
    with pytest.raises(Unavailable, match="does not answer") as down:
        SqlSource({"url": "postgresql+psycopg://u@127.0.0.1:1/db", "password": "s3cret"}).streams()
    assert "s3cret" not in str(down.value)


def test_missing_right_is_an_auth_error(database: URL) -> None:
    execute(
        text(database), "create table p (id int primary key)", "drop role if exists reader_x", "create role reader_x login password 'x'"
    )
    source = SqlSource({"url": text(database.set(username="reader_x")), "password": "x", "streams": {"p": "p"}})
    try:
        with pytest.raises(AuthError, match="refuses the user"):
            list(source.read("p"))
    finally:
        execute(text(database), "drop role reader_x")


def test_lost_connection_is_unavailable(database: URL) -> None:
    execute(text(database), "create table p (id int primary key)", "insert into p select generate_series(1, 5000)")
    reading = SqlSource({"url": text(database), "streams": {"p": "p"}, "batch_rows": 10}).read("p")
    next(reading)
    execute(
        text(database),
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    )
    with pytest.raises(Unavailable, match="broke off"):
        list(reading)


def test_a_query_that_the_database_refuses_stops_no_other_stream(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.execute("create table customer (id integer primary key, name text)")
        database.execute("insert into customer values (1, 'Ann')")
    streams = {"customer": "customer", "orders": {"query": "select gone from customer"}, "lines": "line"}
    source = SqlSource({"url": f"sqlite:///{path}", "streams": streams})
    assert [stream.name for stream in source.streams()] == ["customer", "orders", "lines"]
    assert [page.rows.to_pylist() for page in source.read("customer")] == [[{"id": 1, "name": "Ann"}]]
    for stream, reason in (("orders", "no such column"), ("lines", "no table 'line'")):
        with pytest.raises(ConfigError, match=reason):
            list(source.read(stream))
