"""Housekeeping forgets what nobody needs any more and keeps a copy of the rest; truth is never forgotten, and a second run does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from cdp.db.backup import backup
from cdp.settings import Settings

_RUNS = """delete from run r where finished_at < now() - make_interval(days => :days)
    and id not in (select max(id) from run where status = 'done' group by stage, source_id)
    and id is distinct from (select max(id) from run where stage = 'attributes' and status = 'done' and report ? 'mark')"""
_LOST = """update run set status = 'failed', finished_at = clock_timestamp(), error = 'interrupted: no end was written'
    where status = 'running' and started_at < now() - interval '2 days'"""
_QUARANTINE = "delete from quarantine where status <> 'open' and resolved_at < now() - make_interval(days => :days)"
_RECEIPTS = "delete from event_receipt where greatest(received_at, repeated_at) < now() - make_interval(days => :days)"
_SESSIONS = "delete from web_session where expires_at < now()"
_FAILURES = "delete from sign_in_failure where at < now() - interval '1 day'"
_GROWING = ("record", "interaction", "golden", "profile", "audience_member", "segment_member")


@dataclass(frozen=True)
class HousekeepingReport:
    """Rows forgotten by kind, and today's backup.

    Attributes:
        lost: runs whose process died without writing an end.
        backup: bytes of the backup that was made; 0: there is one of today, or none is wanted.
    """

    runs: int
    lost: int
    quarantine: int
    receipts: int
    sessions: int
    backup: int
    backups: int


def keep_house(engine: Engine, settings: Settings, now: datetime | None = None) -> HousekeepingReport:
    """Forget, refresh the planner's statistics, back up once a day.

    Raises:
        BackupError: the backup cannot be written; the rest is done.
    """
    with engine.begin() as connection:
        counts = _forget(connection, settings)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in _GROWING:
            connection.execute(text(f"analyze {table}"))
    made, kept = _back_up(engine, settings, (now or datetime.now(UTC)).astimezone(UTC))
    return HousekeepingReport(**counts, backup=made, backups=kept)


def _forget(connection: Connection, settings: Settings) -> dict[str, int]:
    receipts = 0
    if settings.keep_receipts_days:
        receipts = connection.execute(text(_RECEIPTS), {"days": settings.keep_receipts_days}).rowcount
    connection.execute(text(_FAILURES))
    return {
        "runs": connection.execute(text(_RUNS), {"days": settings.keep_runs_days}).rowcount,
        "lost": connection.execute(text(_LOST)).rowcount,
        "quarantine": connection.execute(text(_QUARANTINE), {"days": settings.keep_quarantine_days}).rowcount,
        "receipts": receipts,
        "sessions": connection.execute(text(_SESSIONS)).rowcount,
    }


def _back_up(engine: Engine, settings: Settings, now: datetime) -> tuple[int, int]:
    """(bytes written, backups there); the oldest beyond `keep_backups` are deleted once the new one is complete."""
    folder: Path = settings.home / "backups"
    if not settings.keep_backups:
        return 0, 0
    folder.mkdir(parents=True, exist_ok=True)
    today = folder / f"cdp-{now:%Y%m%d}.dump"
    made = 0 if today.exists() else backup(engine, today)
    there = sorted(folder.glob("cdp-*.dump"))
    for old in there[: -settings.keep_backups]:
        old.unlink()
    return made, min(len(there), settings.keep_backups)
