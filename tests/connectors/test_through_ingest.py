"""A vendor's records go the whole way: pulled from the fake, landed, changed, deleted and merged, with their bookmarks in the database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Engine, text

from cdp.ingest.definition import SourceDefinition, register
from cdp.ingest.sync import sync
from cdp.settings import Settings
from connectors.hubspot import HubSpotSource
from connectors.hubspot.fake import Fake
from connectors.testing import mapping_of
from connectors.testing.clock import ManualClock


def _rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_hubspot_from_the_fake_to_the_tables(engine: Engine, settings: Settings) -> None:
    with Fake(ManualClock()).serve() as fake:
        for number in range(1, 5):
            fake.put("contacts", str(number), name=f"Ann Number{number}")
        fake.put("tickets", "70", name="Broken cup", contact="2")
        definition = {
            "name": "crm",
            "department": "Sales",
            "connector": "hubspot",
            "config": fake.config(),
            "mapping": mapping_of(HubSpotSource),
        }
        with engine.begin() as connection:
            register(connection, SourceDefinition.of(definition))
        settings = replace(settings, workers=1)
        report = sync(engine, settings, ["crm"])
        assert report.ok, report
        people = "select source_key, canonical->'emails'->>0 from record where stream = 'contacts' and deleted_at is null order by 1"
        assert _rows(engine, people) == [(str(number), f"person{number}@example.org") for number in range(1, 5)]
        assert _rows(engine, "select kind, customer_key, customer_stream from interaction") == [("ticket", "2", "contacts")]

        fake.clock.advance(600)
        fake.put("contacts", "1", email="new@example.org")
        fake.delete("contacts", "3")
        fake.merge("contacts", "2", "4")
        report = sync(engine, settings, ["crm"])
        assert report.ok, report
        assert _rows(engine, people) == [("1", "new@example.org"), ("4", "person4@example.org")]
        assert _rows(engine, "select judgement, principal from decision") == [("same", "source:crm")]
        before = _rows(engine, "select max(changed_at) from record")
        assert sync(engine, settings, ["crm"]).ok
        assert _rows(engine, "select max(changed_at) from record") == before
