"""The audit trail: a change, a removal and a cut show; the database itself refuses both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from cdp.access import audit, entries, verify


def fill(engine: Engine, count: int) -> None:
    for number in range(count):
        with engine.begin() as connection:
            audit(connection, "anna", "profile.read", f"p{number}", {"fields": ["emails"], "n": number, "ö": None})


def tamper(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(text(statement))


def test_untouched_chain_is_whole(engine: Engine) -> None:
    fill(engine, 5)
    with engine.connect() as connection:
        found = verify(connection)
    assert (found.entries, found.broken_at, found.intact) == (5, None, True)


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set object = 'other' where id = 3",
        "update audit set detail = '{}' where id = 3",
        "update audit set at = at + interval '1 second' where id = 3",
        "delete from audit where id = 2",
    ],
)
def test_change_or_gap_shows(engine: Engine, statement: str) -> None:
    fill(engine, 5)
    tamper(engine, statement)
    with engine.connect() as connection:
        assert verify(connection).broken_at == 3


def test_cut_tail_shows_against_an_anchor(engine: Engine) -> None:
    fill(engine, 5)
    with engine.connect() as connection:
        anchor = verify(connection).head
    tamper(engine, "delete from audit where id = 5")
    with engine.connect() as connection:
        assert verify(connection).intact
        assert not verify(connection, anchor).intact


@pytest.mark.parametrize("statement", ["update audit set action = ''", "delete from audit", "truncate audit"])
def test_database_refuses_changes(engine: Engine, statement: str) -> None:
    fill(engine, 1)
    with pytest.raises(DBAPIError, match="only grows"), engine.begin() as connection:
        connection.execute(text(statement))


def test_writers_at_once_make_one_chain(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fill(engine, 10), range(4)))
    with engine.connect() as connection:
        assert (verify(connection).entries, verify(connection).intact) == (40, True)


def test_newest_entries_come_first_and_page(engine: Engine) -> None:
    fill(engine, 5)
    with engine.connect() as connection:
        newest = entries(connection, limit=2)
        older = entries(connection, limit=9, before=newest[-1].id)
    assert [e.object for e in newest + older] == ["p4", "p3", "p2", "p1", "p0"]
