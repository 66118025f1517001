"""A run is a row in the journal of what the platform did, from its start; one without an end was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func

from cdp.db import tables


def start_run(connection: Connection, stage: str, source_id: int | None = None) -> int:
    """Write that a run begins, and commit; its id."""
    statement = tables.run.insert().values(stage=stage, source_id=source_id).returning(tables.run.c.id)
    run_id = int(connection.execute(statement).scalar_one())
    connection.commit()
    return run_id


def finish_run(connection: Connection, run_id: int, status: str, report: Mapping[str, Any], error: str | None = None) -> None:
    """Write how a run ended."""
    connection.execute(
        tables.run.update()
        .where(tables.run.c.id == run_id)
        .values(status=status, finished_at=func.clock_timestamp(), report=dict(report), error=error)
    )
