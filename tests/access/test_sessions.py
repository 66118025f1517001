"""Signing in: sessions that end when told, and guessing that is limited by name and by address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from werkzeug.security import check_password_hash

from cdp.access import (
    NotAuthenticated,
    Role,
    TooManyAttempts,
    add_user,
    disable_user,
    session_principal,
    set_password,
    sign_in,
    sign_out,
    users,
)
from cdp.access import sessions as room

GOOD = "correct horse battery"
SHIPPED = users._METHOD, users._NOBODY
"""Read before the tests make passwords cheap."""


@pytest.fixture(autouse=True)
def anna(engine: Engine) -> None:
    with engine.begin() as connection:
        add_user(connection, "anna", Role.VIEWER, departments=["sales"], password=GOOD)


def signed_in(engine: Engine, token: str) -> bool:
    with engine.begin() as connection:
        return session_principal(connection, token) is not None


def test_right_password_opens_a_session(engine: Engine) -> None:
    token = sign_in(engine, "anna", GOOD, "10.0.0.1")
    assert signed_in(engine, token)
    assert not signed_in(engine, token + "x")


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", GOOD), ("anna", ""), ("", "")])
def test_wrong_name_and_wrong_password_read_alike(engine: Engine, name: str, password: str) -> None:
    with pytest.raises(NotAuthenticated, match=r"^the name or the password is wrong$"):
        sign_in(engine, name, password, "10.0.0.1")


def test_a_guess_is_dear_and_no_cheaper_for_a_name_that_there_is_not() -> None:
    method, nobody = SHIPPED
    assert method == "scrypt:32768:8:1"
    assert nobody.startswith(f"{method}$")
    assert not check_password_hash(nobody, GOOD), "it is a hash that werkzeug takes"


def test_session_ends_on_sign_out_disable_and_new_password(engine: Engine) -> None:
    tokens = [sign_in(engine, "anna", GOOD, "a") for _ in range(2)]
    with engine.begin() as connection:
        sign_out(connection, tokens[0])
    assert [signed_in(engine, token) for token in tokens] == [False, True]
    with engine.begin() as connection:
        set_password(connection, "anna", "another long password")
    assert not signed_in(engine, tokens[1])
    token = sign_in(engine, "anna", "another long password", "a")
    with engine.begin() as connection:
        disable_user(connection, "anna")
    assert not signed_in(engine, token)


@pytest.mark.parametrize(("column", "back"), [("expires_at", room.LIFETIME), ("seen_at", room.IDLE + timedelta(seconds=1))])
def test_session_expires_and_idles_out(engine: Engine, column: str, back: timedelta) -> None:
    token = sign_in(engine, "anna", GOOD, "a")
    with engine.begin() as connection:
        connection.execute(text(f"update web_session set {column} = {column} - :back"), {"back": back})
    assert not signed_in(engine, token)


def fail(engine: Engine, name: str, address: str) -> type[Exception]:
    with pytest.raises(NotAuthenticated) as caught:
        sign_in(engine, name, "wrong", address)
    return caught.type


def test_guessing_one_name_is_limited_from_anywhere(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FAILURES_PER_NAME", 3)
    kinds = [fail(engine, name, f"10.0.0.{n}") for n, name in enumerate(["anna", "ANNA", " anna", "anna"])]
    assert kinds == [NotAuthenticated] * 3 + [TooManyAttempts]
    with pytest.raises(TooManyAttempts):
        sign_in(engine, "anna", GOOD, "10.0.0.9")


def test_guessing_many_names_from_one_address_is_limited(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FAILURES_PER_ADDRESS", 3)
    assert [fail(engine, f"n{n}", "10.0.0.1") for n in range(4)] == [NotAuthenticated] * 3 + [TooManyAttempts]
    assert sign_in(engine, "anna", GOOD, "10.0.0.2")


def test_guesses_at_once_count_as_many(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FAILURES_PER_NAME", 2)
    with ThreadPoolExecutor(4) as pool:
        kinds = list(pool.map(lambda n: fail(engine, "anna", f"10.0.0.{n}"), range(4)))
    assert sorted(kind.__name__ for kind in kinds) == ["NotAuthenticated"] * 2 + ["TooManyAttempts"] * 2


def test_limit_passes_with_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FAILURES_PER_NAME", 1)
    fail(engine, "anna", "a")
    with engine.begin() as connection:
        connection.execute(text("update sign_in_failure set at = at - interval '16 minutes'"))
    assert sign_in(engine, "anna", GOOD, "a")


def test_trail_never_holds_what_was_typed(engine: Engine) -> None:
    fail(engine, "hunter2-typed-as-a-name", "a")
    with engine.connect() as connection:
        rows = connection.execute(text("select audit::text from audit union all select sign_in_failure::text from sign_in_failure"))
        assert not any("hunter2" in row for row in rows.scalars())
