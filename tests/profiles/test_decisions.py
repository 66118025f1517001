"""What a steward decides holds in the next resolution, and taking it back brings everything back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from cdp.identity import Verdict
from cdp.profiles import decisions as room
from cdp.profiles import resolve_profiles
from cdp.settings import Settings
from tests.ingest.world import rows, sync_all
from tests.profiles.test_resolve import company


@pytest.fixture
def resolved(engine: Engine, settings: Settings, tmp_path: Path) -> Engine:
    company(engine, tmp_path, people=40)
    sync_all(engine, settings)
    resolve_profiles(engine, settings)
    return engine


def say(engine: Engine, judgement: Verdict, a: str, b: str, note: str | None = None) -> int:
    with engine.begin() as connection:
        return room.decide(connection, judgement, a, b, "steward", note)[0]


def profile(engine: Engine, key: str) -> Any:
    return rows(engine, "select profile_id from record where source_key = :key", key=key)[0][0]


def test_different_parts_two_records_until_it_is_taken_back(resolved: Engine, settings: Settings) -> None:
    assert profile(resolved, "5") == profile(resolved, "s5")
    made = say(resolved, Verdict.DIFFERENT, "crm:5", "shop:s5", "two people, I asked")
    resolve_profiles(resolved, settings)
    assert profile(resolved, "5") != profile(resolved, "s5")
    with resolved.begin() as connection:
        room.revoke(connection, made)
    resolve_profiles(resolved, settings)
    assert profile(resolved, "5") == profile(resolved, "s5")


def test_the_last_word_on_a_pair_holds(resolved: Engine, settings: Settings) -> None:
    say(resolved, Verdict.SAME, "crm:1", "crm:2")
    say(resolved, Verdict.DIFFERENT, "crm:2", "crm:1")
    with resolved.connect() as connection:
        last, first = room.decisions(connection)
        assert (last.judgement, last.revoked_at, first.judgement) == (Verdict.DIFFERENT, None, Verdict.SAME)
        assert first.revoked_at is not None
        assert room.waiting(connection) == 2
    resolve_profiles(resolved, settings)
    with resolved.connect() as connection:
        assert room.waiting(connection) == 0
        assert all(one.applied for one in room.decisions(connection))


def test_doubts_are_pairs_that_nobody_decided_and_nothing_else_holds(resolved: Engine) -> None:
    with resolved.begin() as connection:
        connection.execute(text("delete from link"))
        pairs = {("1", "2"): 0.6, ("3", "4"): 0.5, ("5", "s5"): 0.7, ("6", "s6"): 0.97, ("7", "8"): 0.1}
        for (a, b), probability in pairs.items():
            connection.execute(
                text(
                    """insert into link (record_a, record_b, evidence, probability, pattern)
                       select least(a.id, b.id), greatest(a.id, b.id), :evidence, :probability, '{"email": "own"}' from record a, record b
                       where a.source_key = :a and b.source_key = :b"""
                ),
                {"a": a, "b": b, "probability": probability, "evidence": probability - 0.5},
            )
    say(resolved, Verdict.DIFFERENT, "crm:3", "crm:4")
    with resolved.connect() as connection:
        found = room.doubts(connection)
    assert found.total == 2
    assert [({d.a.source_key, d.b.source_key}, d.together) for d in found.items] == [({"1", "2"}, False), ({"5", "s5"}, True)]


def test_what_is_no_pair_is_refused(resolved: Engine) -> None:
    for a, b, why in (("crm:1", "crm:1", "one record"), ("crm:1", "crm:nobody", "no stored record is 'crm:nobody'")):
        with pytest.raises(room.BadPair, match=why):
            say(resolved, Verdict.SAME, a, b)
    with resolved.begin() as connection, pytest.raises(room.UnknownDecision, match="99"):
        room.revoke(connection, 99)
