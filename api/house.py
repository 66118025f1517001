"""What a request can reach: the settings, the engine and the field policy of the application, and who asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import current_app, g
from sqlalchemy import Connection, Engine, text

from cdp.access import FieldPolicy, NotAuthenticated, Principal, View, audit
from cdp.access.audit import Detail
from cdp.settings import Settings

EXTENSION = "cdp"


@dataclass(frozen=True)
class House:
    """What `create_app` was given and made."""

    settings: Settings
    engine: Engine
    policy: FieldPolicy


def house() -> House:
    """The house of the application that answers this request."""
    found: House = current_app.extensions[EXTENSION]
    return found


def someone() -> Principal | None:
    """Who asks, or None on a public route without a session."""
    found: Principal | None = g.get("principal")
    return found


def principal() -> Principal:
    """Who asks; the gate has made sure that there is somebody."""
    who = someone()
    if who is None:
        raise NotAuthenticated("sign in, or send an API key")
    return who


def view() -> View:
    """The fields as who asks sees them."""
    if "view" not in g:
        g.view = house().policy.view(principal())
    found: View = g.view
    return found


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection that cannot write."""
    with house().engine.connect() as connection:
        connection.execute(text("set transaction read only"))
        yield connection


def note(action: str, obj: str | None = None, detail: Detail | None = None) -> None:
    """Put what was read into the audit trail, in a transaction of its own that does not wait for the disk."""
    with house().engine.begin() as connection:
        connection.execute(text("set local synchronous_commit = off"))
        audit(connection, principal(), action, obj, detail)
