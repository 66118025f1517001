"""A sweep finds what a source deleted without a word, and deletes nothing on doubt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from cdp.cli import program
from cdp.ingest.definition import SourceDefinition, register
from cdp.ingest.sweep import Swept, sweep
from cdp.ingest.sync import sync
from cdp.settings import Settings
from connectors.pipedrive import PipedriveSource
from connectors.pipedrive.fake import Fake as Pipedrive
from connectors.testing import mapping_of
from connectors.testing.clock import ManualClock
from connectors.testing.fake import Fault
from connectors.zendesk import ZendeskSource
from connectors.zendesk.fake import Fake as Zendesk


class Shop:
    """A source of one stream, on a fake."""

    def __init__(self, engine: Engine, settings: Settings, fake: Any, kind: Any, stream: str) -> None:
        self.engine, self.settings, self.fake, self.stream = engine, replace(settings, workers=1), fake, stream
        self.mapping = {"version": 1, "streams": {stream: mapping_of(kind)["streams"][stream]}}
        self.definition = {"name": "crm", "department": "d", "connector": kind.vendor, "config": fake.config(), "mapping": self.mapping}
        self.register()

    def register(self) -> None:
        with self.engine.begin() as connection:
            register(connection, SourceDefinition.of(self.definition))

    def sync(self) -> None:
        assert sync(self.engine, self.settings, ["crm"]).ok

    def there(self) -> set[str]:
        """Keys that are stored and not deleted."""
        with self.engine.connect() as connection:
            query = "select source_key from {} where deleted_at is null"
            return {key for table in ("record", "interaction") for key in connection.execute(text(query.format(table))).scalars()}


@pytest.fixture
def crm(engine: Engine, settings: Settings) -> Iterator[Shop]:
    with Pipedrive(ManualClock()).serve() as fake:
        for number in range(1, 121):
            fake.put("persons", str(number))
        made = Shop(engine, settings, fake, PipedriveSource, "persons")
        made.sync()
        yield made


def test_what_was_deleted_without_a_word_goes(crm: Shop) -> None:
    crm.fake.delete("persons", "7")
    crm.sync()
    assert "7" in crm.there(), "the vendor did not tell"
    assert sweep(crm.engine) == [Swept("crm", "persons", 119, 1)]
    assert crm.there() == set(crm.fake.truth("persons"))
    assert sweep(crm.engine) == [Swept("crm", "persons", 119, 0)]
    assert sweep(crm.engine, due=timedelta(days=7)) == [], "swept a moment ago"


def test_a_row_that_is_back_lives_again(crm: Shop) -> None:
    crm.fake.delete("persons", "7")
    sweep(crm.engine)
    crm.fake.clock.advance(60)
    crm.fake.tables["persons"]["7"].deleted = False
    crm.fake.put("persons", "7", name="Back Again")
    crm.sync()
    assert "7" in crm.there()


def test_a_list_that_breaks_off_deletes_nothing(crm: Shop) -> None:
    crm.fake.delete("persons", "7")
    crm.fake.page_size = 10
    crm.fake.faults.append(Fault(401, times=10**6, after=4))
    (swept,) = sweep(crm.engine)
    assert swept.error is not None
    assert len(crm.there()) == 120
    crm.fake.faults.clear()
    assert sweep(crm.engine, due=timedelta(days=7)) == [], "tomorrow again, and not at once"
    assert sweep(crm.engine)[0].deleted == 1


def test_where_most_would_go_somebody_has_to_say_so(crm: Shop) -> None:
    for number in range(1, 100):
        crm.fake.delete("persons", str(number))
    (swept,) = sweep(crm.engine)
    assert (swept.deleted, len(crm.there())) == (0, 120)
    assert "99 of 120" in str(swept.error)
    assert sweep(crm.engine, force=True)[0].deleted == 99


def test_rows_with_another_key_are_not_compared(crm: Shop) -> None:
    crm.mapping["streams"]["persons"]["customer"]["source_key"] = "name"
    crm.register()
    (swept,) = sweep(crm.engine)
    assert "mapped to something else than id" in str(swept.error)
    assert len(crm.there()) == 120


def test_comments_of_a_ticket_that_was_deleted_go_with_it(engine: Engine, settings: Settings) -> None:
    with Zendesk(ManualClock()).serve() as fake:
        for number in range(1, 5):
            fake.put("ticket_comments", str(number))
        desk = Shop(engine, settings, fake, ZendeskSource, "ticket_comments")
        desk.sync()
        fake.delete("ticket_comments", "3")
        desk.sync()
        assert len(desk.there()) == 4
        (swept,) = sweep(engine)
        assert (swept.deleted, len(desk.there())) == (1, 3)


def test_rows_of_tables_that_are_read_by_their_cursor(engine: Engine, settings: Settings) -> None:
    kinds = {"whole": "n::integer", "texts": "' k' || n", "decimals": "n::numeric(12,2)", "ids": "gen_random_uuid()"}
    with engine.begin() as connection:
        for name, key in kinds.items():
            made = f"create table {name} as select {key} as id, 'Ann' as name, now() as at from generate_series(1, 9) n"
            connection.execute(text(made))
        streams = {name: {"table": name, "key": "id", "cursor": "at"} for name in kinds}
        config = {"url": engine.url.render_as_string(hide_password=False), "streams": streams}
        customer = {"customer": {"source_key": "id", "full_name": "name"}}
        document = {"name": "crm", "department": "d", "connector": "sql", "config": config}
        register(connection, SourceDefinition.of(document | {"mapping": {"version": 1, "streams": dict.fromkeys(kinds, customer)}}))
    quiet = replace(settings, workers=1)
    assert sync(engine, quiet, ["crm"]).ok
    assert {(each.keys, each.deleted) for each in sweep(engine)} == {(9, 0)}, "the keys are as they were landed"
    with engine.begin() as connection:
        for name in kinds:
            connection.execute(text(f"delete from {name} where ctid in (select ctid from {name} limit 2)"))
    assert sync(engine, quiet, ["crm"]).ok
    assert [(each.keys, each.deleted) for each in sweep(engine)] == [(7, 2)] * 4


def test_the_command(crm: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdp.cli.connectors.database", lambda: crm.engine)
    crm.fake.delete("persons", "7")
    result = CliRunner().invoke(program, ["connectors", "sweep", "crm"])
    assert result.exit_code == 0, result.output
    assert result.output.split()[-4:] == ["crm", "persons", "119", "1"]
    crm.fake.revoked = True
    assert CliRunner().invoke(program, ["connectors", "sweep"]).exit_code == 1
