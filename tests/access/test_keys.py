"""API keys: shown once, hashed at rest, revocable, expiring; whatever is wrong with one, the answer is the same."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from cdp.access import AccessConfigError, NotAuthenticated, Role, add_user, authenticate, create_key, disable_user, list_keys, revoke_key


@pytest.fixture
def key(engine: Engine) -> str:
    with engine.begin() as connection:
        add_user(connection, "robot", Role.ENGINEER, departments=["support"])
        return create_key(connection, "robot", "nightly", days=1)


def who(engine: Engine, key: str) -> str:
    with engine.begin() as connection:
        return authenticate(connection, key).name


def test_key_is_its_user(engine: Engine, key: str) -> None:
    with engine.begin() as connection:
        principal = authenticate(connection, key)
    assert (principal.name, principal.role, principal.departments) == ("robot", Role.ENGINEER, {"support"})


def test_key_is_long_and_not_at_rest(engine: Engine, key: str) -> None:
    assert len(key) >= 4 + 43
    with engine.connect() as connection:
        row = connection.execute(text("select api_key::text || audit::text from api_key, audit")).scalars().all()
    assert row
    assert not any(key[12:] in line for line in row)


def test_use_is_noted(engine: Engine, key: str) -> None:
    with engine.begin() as connection:
        assert list_keys(connection)[0].last_used_at is None
    who(engine, key)
    with engine.begin() as connection:
        assert list_keys(connection)[0].last_used_at is not None


def test_unknown_key_is_refused(engine: Engine, key: str) -> None:
    with pytest.raises(NotAuthenticated):
        who(engine, key[:-1] + ("A" if key[-1] != "A" else "B"))


def test_revoked_key_is_refused(engine: Engine, key: str) -> None:
    with engine.begin() as connection:
        revoke_key(connection, key[:8])
    with pytest.raises(NotAuthenticated):
        who(engine, key)


def test_expired_key_is_refused(engine: Engine, key: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("update api_key set expires_at = now() - interval '1 second'"))
        assert list_keys(connection)[0].state == "expired"
    with pytest.raises(NotAuthenticated):
        who(engine, key)


def test_key_of_disabled_user_is_refused(engine: Engine, key: str) -> None:
    with engine.begin() as connection:
        disable_user(connection, "robot")
    with pytest.raises(NotAuthenticated):
        who(engine, key)


def test_ambiguous_prefix_revokes_nothing(engine: Engine, key: str) -> None:
    with engine.begin() as connection:
        create_key(connection, "robot", "other")
        with pytest.raises(AccessConfigError, match="2 active keys"):
            revoke_key(connection, "cdp_")
        assert {k.state for k in list_keys(connection)} == {"active"}
