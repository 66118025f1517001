"""The migrations make exactly the tables that the program knows."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from cdp.db import copy_table, migrate, pending
from cdp.db.tables import metadata


def test_migrated_tables_are_the_declared_ones(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_does_nothing(engine: Engine) -> None:
    assert pending(engine) == []
    migrate(engine)
    assert pending(engine) == []


def test_an_empty_database_lacks_every_migration(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("delete from alembic_version"))
    assert pending(engine)[0] == "0001_core"


def test_copy_keeps_what_text_formats_trip_over(engine: Engine) -> None:
    import pyarrow as pa

    values = ["", None, "a,b", 'say "hi"', "two\nlines", "\\x41", "\\.", "tab\t", "שלום 🎉", "NULL"]
    with engine.begin() as connection:
        connection.execute(text("create temp table t (n int, v text)"))
        copy_table(connection, pa.table({"n": list(range(len(values))), "v": values}), "t")
        assert list(connection.execute(text("select v from t order by n")).scalars()) == values
