"""Who lives together, by what they share; one name alone makes no household."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cdp.identity import resolve
from cdp.identity.fields import STANDING, Kind
from cdp.identity.households import of_a_home
from cdp.identity.levels import DIFFER

from .people import crowd, r, t

HOME = {"street": "99 Oak Lane", "postcode": "99999", "city": "Bville"}
LINE = {"phone": "+49305550000"}


@pytest.mark.parametrize(
    ("one", "other", "shared", "expected"),
    [
        ("Martha Nolde", "Peter Nolde", HOME, True),
        ("Martha Nolde", "Peter Nolde", LINE, True),
        ("Martha Nolde", "Peter Quast", HOME | LINE, True),
        ("Martha Nolde", "Peter Quast", LINE, True),
        ("Martha Nolde", "Peter Quast", HOME, False),
        ("Martha Nolde", "Peter Nolde", {}, False),
    ],
)
def test_who_lives_together(one: str, other: str, shared: dict[str, Any], expected: bool) -> None:
    rows = [*crowd(), r("m", one, birth_date="1970-05-05", **shared), r("n", other, "shop", birth_date="1968-01-30", **shared)]
    found = resolve(t(*rows))
    assert found.cluster[-2] != found.cluster[-1]
    assert (found.households[-2] == found.households[-1]) == expected


def test_who_is_one_person_is_of_one_household() -> None:
    found = resolve(t(*crowd()))
    assert len(set(zip(found.cluster.tolist(), found.households.tolist(), strict=True))) == len(set(found.cluster.tolist()))


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({"family_name": 2, "address": 2}, True),
        ({"family_name": 2, "phone": 2}, True),
        ({"family_name": 2, "address": 3}, False),
        ({"family_name": 2, "email": 1}, False),
        ({"address": 1}, False),
        ({"family_name": DIFFER, "address": 1}, False),
        ({"family_name": DIFFER, "phone": 2}, False),
        ({"family_name": DIFFER, "phone": 1}, True),
        ({"family_name": DIFFER, "phone": 2, "address": 2}, True),
    ],
)
def test_people_who_are_not_probably_of_one_household_must_share_more(levels: dict[str, int], expected: bool) -> None:
    pattern = np.array([[levels.get(field.name, 0) for field in STANDING]], np.uint8)
    nobody = np.zeros((1, len(Kind)))
    assert of_a_home(STANDING, pattern, nobody).tolist() == [expected]
