"""The embedded server is shared by any number of processes and survives the death of any of them; a backup brings everything back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cdp.db import DatabaseUnavailable, connect, migrate
from cdp.db.backup import BackupError, backup, restore
from cdp.settings import Settings

HOLD = """
import sys, time
from pathlib import Path
from cdp.db import connect
from cdp.settings import Settings
engine = connect(Settings(home=Path(sys.argv[1])))
connection = engine.connect()
print("ready", flush=True)
time.sleep(60)
"""

RUN = """
import sys
from pathlib import Path
from sqlalchemy import text
from cdp.db import connect
from cdp.settings import Settings
with connect(Settings(home=Path(sys.argv[1]))).begin() as connection:
    done = connection.execute(text(sys.argv[2]))
    print(done.scalar() if done.returns_rows else "")
"""


SERVED = """
import os, sys
from cdp.db import connect
from cdp.settings import load
connect(load()).dispose()
os.execv(sys.executable, [sys.executable, "-c", "from api.serving import on_exit; on_exit(None)"])
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that the database's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="cdp-embedded-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "home"


def hold(home: Path) -> subprocess.Popen[str]:
    """Another process that uses the server."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_share_the_server_and_one_that_is_killed_takes_nothing_with_it(home: Path) -> None:
    first, second = hold(home), hold(home)
    engine = connect(Settings(home=home))
    with engine.begin() as connection:
        connection.execute(text("create table kept (n int)"))
        connection.execute(text("insert into kept values (1)"))
    for process in (first, second):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with engine.connect() as connection:
            assert connection.execute(text("select n from kept")).scalar_one() == 1
    engine.dispose()


def run(home: Path, sql: str) -> str:
    """One statement in a process of its own, which is the last to leave the server where no other holds it."""
    return subprocess.run([sys.executable, "-c", RUN, str(home), sql], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.long
def test_a_server_that_dies_is_started_again_with_all_that_was_committed(home: Path) -> None:
    run(home, "create table kept (n int)")
    holder = hold(home)
    run(home, "insert into kept values (7)")
    os.kill(int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert run(home, "select n from kept") == "7"


def test_a_process_that_became_the_web_server_lets_go_of_the_database_when_it_ends(home: Path) -> None:
    environ = {**os.environ, "CDP_HOME": str(home)} | {"CDP_DATABASE_URL": ""}
    subprocess.run([sys.executable, "-c", SERVED], env=environ, check=True)
    assert (home / "postgres" / "PG_VERSION").exists()
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_a_server_whose_number_a_stranger_has_now_is_started_again(home: Path) -> None:
    holder = hold(home)
    file = home / "postgres" / "postmaster.pid"
    left = file.read_text().splitlines()
    run(home, "create table kept (n int)")
    holder.kill()
    holder.wait()
    run(home, "insert into kept values (7)")
    assert not file.exists(), "the last to leave stops the server"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        file.write_text("\n".join([str(stranger.pid), *left[1:]]) + "\n")
        assert run(home, "select n from kept") == "7"
        assert stranger.poll() is None
        stranger.kill()


def test_only_postgresql_is_accepted(settings: Settings) -> None:
    with pytest.raises(DatabaseUnavailable, match="only PostgreSQL"):
        connect(replace(settings, database_url="sqlite:///x.db"))


def test_a_server_that_does_not_answer_is_named_without_its_password(settings: Settings) -> None:
    with pytest.raises(DatabaseUnavailable, match="no PostgreSQL answers") as caught:
        connect(replace(settings, database_url="postgresql://me:secret@127.0.0.1:9/none"))
    assert "secret" not in str(caught.value)


def test_a_backup_brings_everything_back(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("insert into source (name, department, connector) values ('crm', 'Sales', 'files')"))
    path = tmp_path / "all.backup"
    assert backup(engine, path) == path.stat().st_size
    with engine.begin() as connection:
        connection.execute(text("delete from source"))
    restore(engine, path)
    migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(text("select name from source")).scalar_one() == "crm"


def test_what_is_no_backup_is_refused_and_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a backup")
    with pytest.raises(BackupError, match=r"notes\.txt is not a backup"):
        restore(engine, path)
    with pytest.raises(BackupError, match="no such file"):
        restore(engine, tmp_path / "nowhere")
