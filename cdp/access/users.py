"""A user has one role and any number of departments; a disabled user is nobody from the next request on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from cdp.access.audit import audit
from cdp.access.errors import AccessConfigError
from cdp.access.principal import SYSTEM, Principal, Role
from cdp.db.tables import api_key, principal, web_session

MINIMUM_PASSWORD = 12
_METHOD = "scrypt:32768:8:1"
_NOBODY = f"{_METHOD}$nobody${'0' * 128}"
"""Checked where there is no such user, so that the answer takes as long; no password has this hash."""


@dataclass(frozen=True)
class User:
    """A user as lists show it."""

    id: int
    name: str
    role: Role
    departments: frozenset[str] | None
    can_sign_in: bool
    created_at: datetime
    disabled_at: datetime | None


def add_user(
    connection: Connection,
    name: str,
    role: Role,
    *,
    departments: Collection[str] | None = None,
    password: str | None = None,
    by: Principal = SYSTEM,
) -> User:
    """Add a user; without a password it can only hold API keys.

    Raises:
        AccessConfigError: the name is taken or empty, or the password too short.
    """
    if not name.strip():
        raise AccessConfigError("a user needs a name")
    hashed = None if password is None else hash_password(password)
    values = {"name": name.strip(), "role": role.value, "departments": _sorted(departments), "password_hash": hashed}
    try:
        with connection.begin_nested():
            connection.execute(insert(principal).values(**values))
    except IntegrityError:
        raise AccessConfigError(f"a user called {name.strip()!r} exists already; `cdp users list` shows all") from None
    audit(connection, by, "user.add", name.strip(), {"role": role.value, "departments": _sorted(departments)})
    return find_user(connection, name.strip())


def _sorted(departments: Collection[str] | None) -> list[str] | None:
    return None if departments is None else sorted(set(departments))


def hash_password(password: str) -> str:
    """The scrypt hash of `password`.

    Raises:
        AccessConfigError: shorter than MINIMUM_PASSWORD characters.
    """
    if len(password) < MINIMUM_PASSWORD:
        raise AccessConfigError(f"the password has {len(password)} characters; at least {MINIMUM_PASSWORD} are needed")
    return generate_password_hash(password, _METHOD)


def set_password(connection: Connection, name: str, password: str, *, by: Principal = SYSTEM) -> None:
    """Give a user another password and end all sessions opened with the old one."""
    user = find_user(connection, name)
    connection.execute(update(principal).where(principal.c.id == user.id).values(password_hash=hash_password(password)))
    connection.execute(web_session.delete().where(web_session.c.principal_id == user.id))
    audit(connection, by, "user.password", user.name)


def list_users(connection: Connection) -> list[User]:
    """All users, by name."""
    return [_user(row) for row in connection.execute(select(principal).order_by(principal.c.name))]


def _user(row: Any) -> User:
    departments = None if row.departments is None else frozenset(row.departments)
    return User(row.id, row.name, Role(row.role), departments, row.password_hash is not None, row.created_at, row.disabled_at)


def find_user(connection: Connection, name: str) -> User:
    """The user called `name`.

    Raises:
        AccessConfigError: there is none, or it is disabled.
    """
    row = connection.execute(select(principal).where(principal.c.name == name)).one_or_none()
    if row is None:
        raise AccessConfigError(f"no user is called {name!r}; `cdp users list` shows all")
    if row.disabled_at is not None:
        raise AccessConfigError(f"the user {name!r} is disabled")
    return _user(row)


def disable_user(connection: Connection, name: str, *, by: Principal = SYSTEM) -> None:
    """End a user's sessions and keys; the name stays taken, because the audit trail speaks of it."""
    user = find_user(connection, name)
    connection.execute(update(principal).where(principal.c.id == user.id).values(disabled_at=func.now()))
    revoked = update(api_key).where(api_key.c.principal_id == user.id, api_key.c.revoked_at.is_(None)).values(revoked_at=func.now())
    connection.execute(revoked)
    connection.execute(web_session.delete().where(web_session.c.principal_id == user.id))
    audit(connection, by, "user.disable", user.name)


def principal_of(connection: Connection, *conditions: ColumnElement[bool]) -> Principal | None:
    """The enabled principal that meets all `conditions`, or None."""
    query = select(principal.c.id, principal.c.name, principal.c.role, principal.c.departments)
    row = connection.execute(query.where(principal.c.disabled_at.is_(None), *conditions)).one_or_none()
    if row is None:
        return None
    return Principal(row.id, row.name, Role(row.role), None if row.departments is None else frozenset(row.departments))


def check_password(connection: Connection, name: str, password: str) -> Principal | None:
    """The enabled user of this name and password, or None; as slow for an unknown name as for a wrong password."""
    stored = connection.execute(select(principal.c.password_hash).where(principal.c.name == name)).scalar_one_or_none()
    if not check_password_hash(stored or _NOBODY, password) or stored is None:
        return None
    return principal_of(connection, principal.c.name == name)
