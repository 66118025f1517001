"""A session of the page lives in the database, so that signing out, disabling a user or a new password ends it at once.

Failed sign-ins are counted for the name and for the address they come from; both are kept as hashes.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from cdp.access.audit import audit
from cdp.access.errors import NotAuthenticated, TooManyAttempts
from cdp.access.keys import digest
from cdp.access.principal import Principal
from cdp.access.users import check_password, principal_of
from cdp.db import lock
from cdp.db.tables import principal, sign_in_failure, web_session

WINDOW = timedelta(minutes=15)
FAILURES_PER_NAME = 8
FAILURES_PER_ADDRESS = 60
IDLE = timedelta(hours=8)
LIFETIME = timedelta(days=7)
_SEEN_STEP = timedelta(minutes=1)


def sign_in(engine: Engine, name: str, password: str, address: str) -> str:
    """Open a session; the token that the browser keeps.

    Attempts on one name are looked at one after the other, so that many at once count as many.

    Raises:
        TooManyAttempts: too many failures for this name or from this address within WINDOW.
        NotAuthenticated: no such user, a wrong password, or a disabled user.
    """
    subjects = {"name:" + name.strip().casefold(): FAILURES_PER_NAME, "address:" + address: FAILURES_PER_ADDRESS}
    with engine.begin() as connection:
        lock(connection, f"sign-in {_hash(next(iter(subjects))).hex()}")
        for subject, limit in subjects.items():
            _refuse_too_many(connection, subject, limit)
        who = check_password(connection, name.strip(), password)
        if who is not None:
            return _open(connection, who, next(iter(subjects)))
        connection.execute(insert(sign_in_failure), [{"subject": _hash(subject)} for subject in subjects])
        audit(connection, "nobody", "sign_in.fail")
    raise NotAuthenticated("the name or the password is wrong")


def _hash(subject: str) -> bytes:
    return hashlib.sha256(subject.encode()).digest()


def _refuse_too_many(connection: Connection, subject: str, limit: int) -> None:
    since = datetime.now(UTC) - WINDOW
    where = (sign_in_failure.c.subject == _hash(subject), sign_in_failure.c.at > since)
    count, oldest = connection.execute(select(func.count(), func.min(sign_in_failure.c.at)).where(*where)).one()
    if count >= limit:
        raise TooManyAttempts(max(1, round((oldest + WINDOW - datetime.now(UTC)).total_seconds())))


def _open(connection: Connection, who: Principal, subject: str) -> str:
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    connection.execute(delete(web_session).where(web_session.c.expires_at < now))
    connection.execute(delete(sign_in_failure).where((sign_in_failure.c.subject == _hash(subject)) | (sign_in_failure.c.at < now - WINDOW)))
    connection.execute(insert(web_session).values(hash=digest(token), principal_id=who.id, expires_at=now + LIFETIME))
    audit(connection, who, "sign_in")
    return token


def session_principal(connection: Connection, token: str) -> Principal | None:
    """Who opened the session `token`, or None where it ended, idled for IDLE, or its user is disabled."""
    now = datetime.now(UTC)
    mine = (web_session.c.hash == digest(token), web_session.c.expires_at > now, web_session.c.seen_at > now - IDLE)
    who = principal_of(connection, principal.c.id == web_session.c.principal_id, *mine)
    if who is not None:
        stale = (web_session.c.hash == digest(token), web_session.c.seen_at < now - _SEEN_STEP)
        connection.execute(update(web_session).where(*stale).values(seen_at=now))
    return who


def sign_out(connection: Connection, token: str) -> None:
    """End the session; does nothing where it has ended."""
    who = session_principal(connection, token)
    connection.execute(delete(web_session).where(web_session.c.hash == digest(token)))
    if who is not None:
        audit(connection, who, "sign_out")
