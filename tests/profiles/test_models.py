"""The model over stored records: which one decides, pinning it, and explaining a pair by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from cdp.identity import Kind
from cdp.profiles import models
from cdp.profiles.decisions import BadPair
from cdp.profiles.resolve import resolve_profiles
from cdp.settings import Settings
from tests.ingest.world import sync_all
from tests.profiles.test_resolve import company


@pytest.fixture
def people(engine: Engine, settings: Settings, tmp_path: Path) -> Engine:
    company(engine, tmp_path, people=40)
    sync_all(engine, settings)
    return engine


def test_a_stored_pair_is_explained_by_the_model_that_decided(people: Engine, settings: Settings) -> None:
    resolve_profiles(people, settings)
    with people.connect() as connection:
        same = models.explain_stored(connection, "crm:1", "shop:s1")
        other = models.explain_stored(connection, "shop:s2", "crm:1")
    assert same.most_likely == Kind.SAME
    assert other.most_likely != Kind.SAME
    assert same.evidence == pytest.approx(same.start + sum(part.evidence for part in same.parts))


def test_what_is_not_there_is_said(people: Engine) -> None:
    with people.connect() as connection:
        with pytest.raises(models.NoModel, match="cdp resolve"):
            models.explain_stored(connection, "crm:1", "shop:s2")
        with pytest.raises(BadPair, match="crm:77"):
            models.explain_stored(connection, "crm:1", "crm:77")


def test_a_pinned_model_decides_until_it_is_unpinned(people: Engine, settings: Settings) -> None:
    first = resolve_profiles(people, settings).model_id
    with people.begin() as connection:
        assert models.pin(connection) == first
        assert models.pin(connection, models.current(connection).model) != first
        pinned = models.current(connection)
    assert pinned.pinned
    assert resolve_profiles(people, settings).model_id == pinned.id
    with people.begin() as connection:
        assert models.unpin(connection)
        assert not models.unpin(connection)
        assert not models.current(connection).pinned
