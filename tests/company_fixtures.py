"""One small company for a whole test run: the API and the page read it, and what they write (users, the trail) disturbs nobody."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL

from cdp.access import Role, add_user, create_key
from cdp.settings import Settings
from tests.small_company import small_company

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Company:
    """Its database and settings."""

    engine: Engine
    settings: Settings

    def user(self, role: Role, department: str | None = None, password: str | None = None) -> str:
        """The name of a new user."""
        name = f"{role} {next(_numbers)}"
        with self.engine.begin() as connection:
            add_user(connection, name, role, departments=[department] if department else None, password=password)
        return name

    def key(self, role: Role, department: str | None = None) -> str:
        """An API key of a new user."""
        name = self.user(role, department)
        with self.engine.begin() as connection:
            return create_key(connection, name, "test")


@pytest.fixture(scope="session")
def company(server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with new_company(server, tmp_path_factory) as made:
        yield made


@contextmanager
def new_company(server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company of its own, for tests that start resolutions and refreshes."""
    name = f"company_{os.getpid()}_{next(_numbers)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {name} template cdp_template"))
    url = server.set(database=name)
    engine = create_engine(url)
    home: Path = tmp_path_factory.mktemp("company")
    settings = replace(Settings(), home=home, database_url=url.render_as_string(hide_password=False))
    small_company(engine, settings)
    yield Company(engine, settings)
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()
