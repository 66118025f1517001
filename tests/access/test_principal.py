"""Roles and actions: the table is the whole truth, and what it does not name nobody may do."""

from __future__ import annotations

import pytest

from cdp.access import ACTIONS, Forbidden, Principal, Role


def p(role: Role) -> Principal:
    return Principal(1, "p", role)


@pytest.mark.parametrize("role", Role)
def test_unknown_action_is_denied_to_all(role: Role) -> None:
    assert not p(role).may("profile.write_everything")


def test_admin_may_do_everything() -> None:
    assert [action for action in ACTIONS if not p(Role.ADMIN).may(action)] == []


def test_viewer_changes_nothing() -> None:
    assert [action for action in ACTIONS if p(Role.VIEWER).may(action) and not action.endswith(".read")] == []


def test_refusal_says_who_may() -> None:
    with pytest.raises(Forbidden, match=r"viewer may not do decision\.write; it is granted to: admin, steward"):
        p(Role.VIEWER).require("decision.write")
