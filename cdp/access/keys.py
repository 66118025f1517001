"""An API key is 256 random bits, shown once; the database holds its SHA-256 and the first characters to recognise it by."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from cdp.access.audit import audit
from cdp.access.errors import AccessConfigError, NotAuthenticated
from cdp.access.principal import SYSTEM, Principal
from cdp.access.users import find_user, principal_of
from cdp.db.tables import api_key, principal

_PREFIX_LENGTH = 12
_LAST_USED_STEP = timedelta(minutes=1)


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key; the key itself is not."""

    id: int
    principal: str
    label: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def state(self) -> str:
        """`active`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= datetime.now(UTC) else "active"


def digest(key: str) -> bytes:
    """What the database keeps of `key`. A plain hash is enough for 256 random bits: there is no dictionary to try."""
    return hashlib.sha256(key.encode()).digest()


def create_key(connection: Connection, user: str, label: str, *, days: int | None = None, by: Principal = SYSTEM) -> str:
    """Make a key that acts as `user`, valid for `days` (None: until revoked); the only time the key is seen."""
    owner = find_user(connection, user)
    key = "cdp_" + secrets.token_urlsafe(32)
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    values = {"principal_id": owner.id, "label": label, "prefix": key[:_PREFIX_LENGTH], "hash": digest(key), "expires_at": expires_at}
    connection.execute(insert(api_key).values(**values))
    audit(connection, by, "key.create", key[:_PREFIX_LENGTH], {"user": owner.name, "days": days})
    return key


def list_keys(connection: Connection) -> list[ApiKey]:
    """All keys, the newest first."""
    query = select(api_key, principal.c.name).join(principal, principal.c.id == api_key.c.principal_id).order_by(api_key.c.id.desc())
    return [_key(row) for row in connection.execute(query)]


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.name, row.label, row.prefix, row.created_at, row.expires_at, row.revoked_at, row.last_used_at)


def revoke_key(connection: Connection, prefix: str, *, by: Principal = SYSTEM) -> None:
    """Revoke the one active key whose first characters are `prefix`.

    Raises:
        AccessConfigError: no active key begins so, or several do.
    """
    matches = [key for key in list_keys(connection) if key.revoked_at is None and key.prefix.startswith(prefix)]
    if len(matches) != 1:
        found = "no active key begins" if not matches else f"{len(matches)} active keys begin"
        raise AccessConfigError(f"{found} with {prefix!r}; `cdp keys list` shows the first characters of each")
    connection.execute(update(api_key).where(api_key.c.id == matches[0].id).values(revoked_at=func.now()))
    audit(connection, by, "key.revoke", matches[0].prefix, {"user": matches[0].principal})


def authenticate(connection: Connection, key: str) -> Principal:
    """Whose key this is; notes its use, to the minute.

    Raises:
        NotAuthenticated: unknown, revoked or expired, or its owner is disabled. Which of these is not said.
    """
    owner = principal_of(connection, principal.c.id == api_key.c.principal_id, *_usable(key))
    if owner is None:
        raise NotAuthenticated("the API key is not valid: it is unknown, revoked or expired")
    stale = (api_key.c.last_used_at.is_(None)) | (api_key.c.last_used_at < datetime.now(UTC) - _LAST_USED_STEP)
    connection.execute(update(api_key).where(api_key.c.hash == digest(key), stale).values(last_used_at=func.now()))
    return owner


def _usable(key: str) -> tuple[Any, ...]:
    alive = (api_key.c.expires_at.is_(None)) | (api_key.c.expires_at > func.now())
    return api_key.c.hash == digest(key), api_key.c.revoked_at.is_(None), alive
