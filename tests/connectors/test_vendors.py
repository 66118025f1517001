"""Every connector that ships passes the kit on its fake, maps what it reads, and states the limits of its vendor with their date."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from datetime import date
from functools import reduce
from importlib.metadata import entry_points
from typing import Any

import pytest

from cdp.records.batch import map_batch
from cdp.records.mapping import Mapping
from connectors.rest import Gone, RestSource
from connectors.testing import conform, fake_of, mapping_of, unmapped
from connectors.testing.clock import ManualClock
from connectors.testing.lab import lab

pytestmark = pytest.mark.long
VENDORS: dict[str, Any] = {
    point.name: kind
    for point in entry_points(group="cdp.connectors")
    if isinstance(kind := point.load(), type) and issubclass(kind, RestSource) and point.name != "tryton"
}
"""Tryton has no fake: `test_tryton.py` runs the real server."""
ALL = [(name, stream) for name, kind in sorted(VENDORS.items()) for stream in fake_of(kind).streams]


NEVER_TOLD = {("stripe", "charges"), ("mailchimp", "campaign_activity")}
"""What vendors never delete: a charge, and that somebody opened a mail."""


def test_the_promised_vendors_are_there() -> None:
    promised = {"hubspot", "stripe", "zendesk", "shopify", "salesforce", "pipedrive", "mailchimp", "dynamics", "bitrix24"}
    assert promised <= set(VENDORS)


@pytest.mark.parametrize(("vendor", "stream"), ALL)
def test_conforms(vendor: str, stream: str) -> None:
    kind = VENDORS[vendor]
    results = list(conform(kind, fake_of(kind), [stream]))
    assert [(result.check, result.problem) for result in results if result.problem] == []
    assert sum(result.applies for result in results) >= 22
    assert {result.check for result in results if result.applies} & {"deletions", "sweep"} or (vendor, stream) in NEVER_TOLD


@pytest.mark.parametrize(("vendor", "stream"), ALL)
def test_rows_become_records(vendor: str, stream: str) -> None:
    kind = VENDORS[vendor]
    fake = fake_of(kind)(ManualClock())
    for number in range(1, 6):
        fake.put(stream, str(number), name=f"Ann Number{number}")
    mapped = map_batch(list(fake.truth(stream).values()), Mapping.load(mapping_of(kind)).stream(stream))
    assert mapped.refused == []
    rows = mapped.table.to_pylist()
    assert [row["source_key"].partition(":")[0] for row in rows] == ["1", "2", "3", "4", "5"]
    declared = next(each for each in kind.declared if each.name == stream)
    if declared.kind == "interaction":
        assert all(row["customer_key"] and row["at"] and row["kind"] for row in rows)
    else:
        assert all(row["full_name"] or row["family_name"] or row["organisation_name"] or row["emails"] for row in rows)


ODD: tuple[Any, ...] = (None, "", [], {}, "x", "12", 5, True, 10**30, [None], {"a": None}, "missing")


def _odd(row: Any, key: str) -> Iterator[dict[str, Any]]:
    """The row, once for each member and each odd value in its place, under another key each time."""

    def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, member in members:
            yield (*path, name)
            yield from places(member, (*path, name))

    for number, (path, odd) in enumerate(itertools.product(places(row, ()), ODD)):
        if path != (key,):
            changed = copy.deepcopy(row)
            inner = reduce(lambda found, step: found[step], path[:-1], changed)
            inner[path[-1]] = odd
            if odd == "missing":
                del inner[path[-1]]
            yield {**changed, key: f"odd{number}"}


@pytest.mark.parametrize(("vendor", "stream"), ALL)
def test_a_row_that_is_unlike_the_fake_harms_no_other(vendor: str, stream: str) -> None:
    kind = VENDORS[vendor]
    fake = fake_of(kind)(ManualClock())
    fake.put(stream, "1", name="Ann Number1")
    (row,) = fake.truth(stream).values()
    declared = next(each for each in kind.declared if each.name == stream)
    odd = list(_odd(row, declared.child_key if declared.child else declared.key))
    mapping = Mapping.load(mapping_of(kind)).stream(stream)
    (alone,), mapped = map_batch([row], mapping).table.to_pylist(), map_batch([row, *odd], mapping)
    assert mapped.table.to_pylist()[0] == alone
    assert {refused.reason for refused in mapped.refused} <= {"missing_time", "unknown_date"}
    assert len(mapped.row) + len(mapped.refused) == 1 + len(odd)
    assert len(mapped.row) > 0.8 * len(odd)


def test_an_act_without_all_its_parts_has_no_key_and_the_others_keep_theirs() -> None:
    source = VENDORS["mailchimp"]({"base_url": "https://x.example", "api_key": "k", "audience_id": "a1"})
    stream = next(stream for stream in source.rest_streams() if stream.name == "campaign_activity")
    acts = [{"action": "open", "timestamp": "2026-01-01T00:00:00Z"}, {"action": "click"}]
    rows = source.completed(stream, [{"campaign_id": "c", "email_id": "e", "activity": acts}, {"email_id": "f", "activity": None}])
    assert [row["activity_key"] for row in rows] == ["c:e:open:2026-01-01T00:00:00Z", None]


def test_a_comment_that_is_none_is_refused_and_the_others_are_kept() -> None:
    class Odd(fake_of(VENDORS["zendesk"])):  # type: ignore[misc]  # a class that is found
        def _comment(self, row: Any) -> Any:
            return "gone" if row.key == "2" else super()._comment(row)

    with lab(VENDORS["zendesk"], Odd, "ticket_comments") as room:
        room.fill(3)
        landed = room.sync()
        assert set(landed.rows) == {"1", "3"}
        assert [(refused.reason, refused.raw) for refused in landed.refused] == [("not_an_object", "gone")]


@pytest.mark.parametrize(("told", "keys"), [("7;8", ["7", "8"]), ([7], ["7"]), (7, ["7"]), (None, []), ("", []), ({}, [])])
def test_merged_keys_come_in_any_form(told: Any, keys: list[str]) -> None:
    assert Gone(merged_from="m").swallowed({"m": told}) == keys


def test_further_fields_of_pipedrive_are_asked_for() -> None:
    more = {"include_fields": {"persons": ["marketing_status"]}}
    with fake_of(VENDORS["pipedrive"])(ManualClock()).serve() as fake:
        streams = VENDORS["pipedrive"]({**fake.config(), **more}).rest_streams()
    assert [stream.all.params.get("include_fields") for stream in streams] == ["marketing_status", None, None, None]


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_mapping_names_streams_that_there_are(vendor: str) -> None:
    kind = VENDORS[vendor]
    assert set(mapping_of(kind)["streams"]) == {stream.name for stream in kind.declared} == set(fake_of(kind).streams)
    assert set(unmapped(kind, fake_of(kind))) == set(fake_of(kind).streams)


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_limits_are_data_with_their_date(vendor: str) -> None:
    limits = VENDORS[vendor].limits
    assert limits is not None
    assert date.fromisoformat(limits.read_on) <= date(2026, 11, 22)
    assert limits.note
