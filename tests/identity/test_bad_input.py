"""Whatever comes in, it ends in seconds with a sensible result or a clear message."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cdp.errors import PlatformError
from cdp.identity import resolve

from .people import INPUT, r, t


def test_no_records() -> None:
    found = resolve(INPUT.empty_table())
    assert len(found.cluster) == 0
    assert found.links.num_rows == 0


def test_one_record() -> None:
    assert resolve(t(r(1, "Anna Abel"))).cluster.tolist() == [0]


def test_records_that_say_nothing_are_people_of_their_own() -> None:
    assert len(set(resolve(t(*(r(i) for i in range(200)))).cluster.tolist())) == 200


def test_one_column_only() -> None:
    table = pa.table({"source": ["a", "a", "b"], "record_id": [1, 2, 3], "given_name": ["Anna", "Anna", "Boris"]})
    assert len(resolve(table).cluster) == 3


def test_every_value_the_same() -> None:
    rows = [r(i, "Anna Abel", email="a@b.example", phone="+49301234567", birth_date="1980-01-01") for i in range(300)]
    assert set(resolve(t(*rows)).cluster.tolist()) == {0}


def test_ten_thousand_identical_rows() -> None:
    rows = [
        r(i, "Anna Abel", email="anna@abel.example", birth_date="1980-02-03", street="1 Linden Road", postcode="10000")
        for i in range(10_000)
    ]
    assert set(resolve(t(*rows)).cluster.tolist()) == {0}


def test_names_of_five_thousand_letters() -> None:
    rows = [r(i, f"{'x' * 5000}{i} {'y' * 5000}", email=f"{'z' * 300}{i}@a.example") for i in range(20)]
    assert len(resolve(t(*rows)).cluster) == 20


def test_right_to_left_text_emoji_and_control_signs() -> None:
    rows = [
        r(1, "فيصل صديقي"),
        r(2, "🙂🙃 😀"),
        r(3, "\u202eAbel\u202c Anna"),
        r(4, "王 杰"),
        r(5, "\x01\x02 \x03"),
        r(6, "- -", email="@", phone="+"),
    ]
    assert len(resolve(t(*rows)).cluster) == 6


def test_a_table_without_handles_is_refused_with_what_to_do() -> None:
    with pytest.raises(PlatformError, match="record_id"):
        resolve(pa.table({"given_name": ["Anna"]}))
