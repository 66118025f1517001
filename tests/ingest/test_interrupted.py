"""A sync that is cut off loses nothing: what was committed stays, and the next run goes on behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cdp.db import DatabaseUnavailable
from cdp.ingest.landing import Counts
from cdp.ingest.sync import sync
from cdp.settings import Settings
from tests.ingest.test_sync import ANN
from tests.ingest.world import add_source, rows, write_csv

CUT = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


def test_a_database_that_goes_away_half_way_is_said_and_the_next_run_completes(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    people = [ANN | {"id": str(n), "email": f"p{n}@example.com"} for n in range(900)]
    path = write_csv(tmp_path / "people.csv", people)
    add_source(engine, path, config={"streams": {"people": str(path)}, "batch_rows": 100})
    alone = replace(settings, workers=1)

    def cut(source: str, stream: str, counts: Counts, total: int | None) -> None:
        if counts.added == 300:
            with engine.connect() as other:
                other.execute(text(CUT))

    with pytest.raises(DatabaseUnavailable, match="run `cdp sync` again to go on"):
        sync(engine, alone, progress=cut)
    [(landed,)] = rows(engine, "select count(*) from record")
    assert 300 <= landed < 900
    assert sync(engine, alone).ok
    assert rows(engine, "select count(*), count(distinct source_key), count(deleted_at) from record") == [(900, 900, 0)]
