"""Records side by side: what is marked as different, and what is not."""

from __future__ import annotations

from typing import Any

from api.comparison import compare


def marks(*documents: dict[str, Any]) -> dict[str, list[tuple[bool, ...]]]:
    return {row.field: [cell.marks for cell in row.cells] for row in compare([{"canonical": document} for document in documents])}


def test_agreement_is_not_marked() -> None:
    assert marks({"given_name": "Anna"}, {"given_name": "ANNA "}) == {"given_name": [(False,), (False,)]}


def test_two_that_differ_are_both_marked() -> None:
    assert marks({"given_name": "Anna"}, {"given_name": "Anne"}) == {"given_name": [(True,), (True,)]}


def test_what_most_say_is_not_marked() -> None:
    assert marks({"given_name": "Anna"}, {"given_name": "A."}, {"given_name": "Anna"})["given_name"] == [(False,), (True,), (False,)]


def test_silence_is_no_difference() -> None:
    assert marks({"gender": "female"}, {}) == {"gender": [(False,), ()]}


def test_contact_point_that_one_lacks_is_marked_alone() -> None:
    assert marks({"emails": ["a@x.example", "b@x.example"]}, {"emails": ["a@x.example"]})["emails"] == [(False, True), (False,)]


def test_times_and_consents_are_never_marked() -> None:
    assert marks({"created_at": "2020-01-01T00:00:00Z"}, {"created_at": "2021-01-01T00:00:00Z"})["created_at"] == [(False,), (False,)]


def test_one_record_differs_from_nothing() -> None:
    assert not any(row.differs for row in compare([{"canonical": {"given_name": "A", "phones": ["+1"], "attributes": {"x": 1}}}]))


def test_fields_come_in_reading_order() -> None:
    assert list(marks({"language": "de", "attributes": {"zeta": "1"}, "given_name": "A", "emails": ["a@x.example"]})) == [
        "given_name",
        "emails",
        "language",
        "attributes.zeta",
    ]
