"""Who is looked at because something changed: also those to whom it happened without a word about them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text

from cdp import attributes
from cdp.segments import changed_since, refresh, refresh_in_copy, refresh_soon
from tests.attributes.people import NOW, uid, values
from tests.segments.test_membership import define, members


def _changed(engine: Engine) -> set[int]:
    with engine.connect() as c:
        return {profile_id.int & 0xFFFF for profile_id in changed_since(c, datetime.now(UTC))}


def test_who_is_left_in_another_household_is_among_the_changed(world: Engine) -> None:
    """A household goes by its oldest member: where that one leaves, the others have another household and no other change."""
    assert _changed(world) == set()
    with world.begin() as c:
        c.execute(text("update profile set household_id = id where id = :id"), {"id": uid(2)})
    assert _changed(world) == {2}
    attributes.refresh(world, [uid(2)], as_of=NOW)
    assert {n: found["together"] for n, found in values(world).items()} == {1: 10, 2: 50, 3: 0}
    assert _changed(world) == set()


def test_who_lives_no_more_is_among_the_changed_however_long_ago_that_was(world: Engine) -> None:
    define(world, buyers="did orders")
    refresh(world, as_of=NOW)
    with world.begin() as c:
        c.execute(text("update profile set merged_into = :a, retired_at = '2020-01-01' where id = :b"), {"a": uid(1), "b": uid(2)})
    assert _changed(world) == {2}
    attributes.refresh(world, [uid(2)], as_of=NOW)
    refresh(world, [uid(2)], as_of=NOW)
    assert set(members(world, "buyers")) == {1}
    assert _changed(world) == set()


def test_whoever_a_profile_took_in_leaves_at_once(world: Engine) -> None:
    define(world, buyers="did orders")
    refresh(world, as_of=NOW)
    assert set(members(world, "buyers")) == {1, 2}
    with world.begin() as c:
        c.execute(text("update profile set merged_into = :a, retired_at = now() where id = :b"), {"a": uid(1), "b": uid(2)})
    refresh_soon(world, [uid(1)])
    assert set(members(world, "buyers")) <= {1}
    assert set(values(world)) == {1, 3}


def test_a_new_model_moves_members_without_any_other_change(world: Engine, tmp_path: Path) -> None:
    define(world, sure="confidence > 0.9")
    refresh_in_copy(world, tmp_path, as_of=NOW)
    for number, decide in enumerate((lambda: refresh(world, [], as_of=NOW), lambda: refresh_in_copy(world, tmp_path, as_of=NOW)), 1):
        with world.begin() as c:
            c.execute(text("update profile set confidence = 0.95 where id = :id"), {"id": uid(number)})
        decide()
        assert set(members(world, "sure")) == set(range(1, number + 1))
