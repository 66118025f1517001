"""Every connector that ships passes the kit on its fake, maps what it reads, and states the limits of its vendor with their date."""

from __future__ import annotations

from datetime import date
from importlib.metadata import entry_points
from typing import Any

import pytest

from cdp.records.batch import map_batch
from cdp.records.mapping import Mapping
from connectors.rest import RestSource
from connectors.testing import conform, fake_of, mapping_of, unmapped
from connectors.testing.clock import ManualClock

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
