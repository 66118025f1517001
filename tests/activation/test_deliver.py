"""A destination holds whom it should after each delivery, and the ledger says what left."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, create_engine, func, select, text

from cdp import attributes
from cdp.activation import (
    ActivationError,
    DestinationConfig,
    Undelivered,
    UnknownDestination,
    disable,
    due,
    preflight,
    reconcile,
    register,
    send,
    shared_with,
)
from cdp.activation import status as status_of
from cdp.activation.channels import Change, Rows
from cdp.activation.deliver import Report
from cdp.activation.values import sha256
from cdp.db import activation_tables as tables
from cdp.db import segment_tables
from cdp.db.tables import profile_journal, record
from cdp.records.contracts import DocumentError
from cdp.settings import Settings
from cdp.status import platform_status
from tests.activation.conftest import Definition, World, profile_id


def add(engine: Engine, document: dict[str, Any]) -> None:
    with engine.begin() as connection:
        register(connection, document, "test")


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def emails(folder: Path, pattern: str) -> set[str]:
    """First column of the one file that matches."""
    (path,) = folder.glob(pattern)
    return {row[0] for row in read(path)[1:]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


def told(report: Report) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.removed, report.unchanged


def test_full_once_then_only_what_changed(engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path) -> None:
    for number in (1, 2, 3):
        world.person(number, email=f"p{number}@example.org", given_name=f"P{number}")
    add(engine, definition({"files": {"path": str(folder)}}))
    assert told(send(engine, settings, "ads")) == (3, 0, 0, 0)
    assert emails(folder, "ads-*-full.csv") == {sha256(f"p{n}@example.org") for n in (1, 2, 3)}

    world.person(4, email="p4@example.org")
    world.person(2, email="new2@example.org")
    world.person(3, email="p3@example.org", given_name="P3")
    world.leave(1)
    assert told(send(engine, settings, "ads")) == (1, 1, 1, 1)
    assert emails(folder, "ads-*-remove.csv") == {sha256("p1@example.org"), sha256("p2@example.org")}
    assert emails(folder, "ads-*-add.csv") == {sha256("new2@example.org"), sha256("p4@example.org")}

    before = set(folder.iterdir())
    assert told(send(engine, settings, "ads"))[:3] == (0, 0, 0)
    assert set(folder.iterdir()) == before


def test_consent_decides_and_its_withdrawal_removes(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="yes@example.org")
    world.person(2, email="no@example.org", ads="denied")
    world.person(3, email="never-asked@example.org", ads=None)
    add(engine, definition({"files": {"path": str(folder)}}))
    report = send(engine, settings, "ads")
    assert (report.added, report.counts.without_consent) == (1, 2)
    world.person(1, email="yes@example.org", ads="denied")
    report = send(engine, settings, "ads")
    assert (report.added, report.removed, report.counts.without_consent) == (0, 1, 3)
    assert emails(folder, "ads-*-remove.csv") == {sha256("yes@example.org")}


def test_whom_every_source_deleted_leaves(engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path) -> None:
    for number in (1, 2):
        world.person(number, email=f"{number}@example.org")
        for source in (1, 2):
            keep(engine, number, source)
    add(engine, definition({"files": {"path": str(folder)}}))
    assert send(engine, settings, "ads").added == 2
    delete(engine, 1, source=1)
    delete(engine, 2, source=1)
    assert send(engine, settings, "ads").removed == 0
    delete(engine, 2, source=2)
    report = send(engine, settings, "ads")
    assert (report.removed, report.counts.without_profile) == (1, 1)
    assert emails(folder, "ads-*-remove.csv") == {sha256("2@example.org")}


def keep(engine: Engine, number: int, source: int) -> None:
    """A record of a person at a source."""
    values = {"source_id": source, "stream": "s", "source_key": str(number), "raw": {}, "canonical": {}, "content_hash": b""}
    with engine.begin() as connection:
        connection.execute(record.insert().values(**values, profile_id=profile_id(number)))


def delete(engine: Engine, number: int, source: int) -> None:
    """The source deletes its record of a person."""
    of = (record.c.profile_id == profile_id(number)) & (record.c.source_id == source)
    with engine.begin() as connection:
        connection.execute(record.update().where(of).values(deleted_at=func.now()))


def test_a_legal_basis_stands_in_for_consent(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="no@example.org", ads="denied")
    add(engine, definition({"files": {"path": str(folder)}}, purpose=None, legal_basis="contract: delivery notices of orders"))
    assert send(engine, settings, "ads").added == 1
    with engine.connect() as connection:
        (entry,) = shared_with(connection, profile_id(1))
    assert entry.basis == "contract: delivery notices of orders"


def test_the_ledger_answers_with_whom(engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path) -> None:
    world.person(1, email="a@example.org", phone="+18005550100")
    add(engine, definition({"files": {"path": str(folder)}}))
    send(engine, settings, "ads")
    world.leave(1)
    send(engine, settings, "ads")
    with engine.begin() as connection:
        removed, added = shared_with(connection, profile_id(1))
        assert (added.change, added.fields, added.basis, added.consent_source) == ("added", ("Email", "Phone"), "ads", "crm")
        assert (removed.change, removed.fields) == ("removed", ("Email", "Phone"))
        assert added.consent_at is not None
        connection.execute(text("insert into profile (id) values (:id)"), {"id": profile_id(9)})
        connection.execute(text("update profile set merged_into = :into where id = :id"), {"into": profile_id(9), "id": profile_id(1)})
        assert len(shared_with(connection, profile_id(9))) == 2


def test_the_ledger_knows_what_left_before_a_split(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    def moved(change: str, record: int, to: int, come_from: int | None = None) -> None:
        row = {"change": change, "profile_id": profile_id(to), "record_ids": [record], "cause": {}}
        with engine.begin() as connection:
            connection.execute(profile_journal.insert().values(**row, from_profile_id=come_from and profile_id(come_from)))

    def sent(number: int) -> list[int]:
        with engine.connect() as connection:
            return sorted(entry.delivery for entry in shared_with(connection, profile_id(number)))

    add(engine, definition({"files": {"path": str(folder)}}))
    world.person(1, email="a@example.org")
    deliveries = [send(engine, settings, "ads").delivery]
    moved("joined", 7, 1)
    world.person(1, email="b@example.org")
    deliveries.append(send(engine, settings, "ads").delivery)
    moved("split", 7, 2, 1)
    world.person(2, member=False, email="b@example.org")
    world.person(1, email="a@example.org")
    deliveries.append(send(engine, settings, "ads").delivery)
    assert set(sent(1)) == set(deliveries)
    assert set(sent(2)) == {deliveries[1]}


def test_a_shared_mailbox_stays_while_somebody_stays(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="family@example.org", given_name="A")
    world.person(2, email="family@example.org", given_name="B")
    add(engine, definition({"files": {"path": str(folder)}}))
    send(engine, settings, "ads")
    world.leave(1)
    report = send(engine, settings, "ads")
    assert (report.removed, report.kept) == (0, 1)
    world.leave(2)
    assert send(engine, settings, "ads").removed == 1


def test_who_leaves_takes_no_contact_point_along_that_somebody_who_stays_has(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="family@example.org", phone="+18005550100")
    world.person(2, email="family@example.org")
    world.person(3, email="alone@example.org", phone="+18005550103")
    address = {"given_name": "A", "family_name": "B", "country": "US", "postal_code": "94045", "street": "x", "city": "y"}
    world.person(4, **address)
    world.person(5, **{**address, "given_name": "C"})
    add(engine, definition({"files": {"path": str(folder)}}))
    send(engine, settings, "ads")
    for number in (1, 3, 4):
        world.leave(number)
    assert send(engine, settings, "ads").removed == 3
    (path,) = folder.glob("*-remove.csv")
    sent = {cell for row in read(path)[1:] for cell in row if cell}
    expected = {sha256("+18005550100"), sha256("alone@example.org"), sha256("+18005550103"), sha256("a"), sha256("b"), "US", "94045"}
    assert sent == expected
    with engine.connect() as connection:
        fields = {number: shared_with(connection, profile_id(number))[0].fields for number in (1, 3, 4)}
    assert fields == {1: ("Phone",), 3: ("Email", "Phone"), 4: ("First Name", "Last Name", "Country", "Zip")}


def test_who_changes_takes_no_contact_point_along_that_somebody_who_stays_has(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="family@example.org", phone="+18005550100")
    world.person(2, email="family@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))
    send(engine, settings, "ads")
    world.person(1, email="own@example.org", phone="+18005550199")
    assert told(send(engine, settings, "ads"))[:3] == (0, 1, 0)
    (path,) = folder.glob("*-remove.csv")
    assert {cell for row in read(path)[1:] for cell in row if cell} == {sha256("+18005550100")}


def test_an_address_that_nobody_keeps_goes_with_the_last_who_had_it(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    for number in (1, 2):
        world.person(number, email="family@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))
    send(engine, settings, "ads")
    for number in (1, 2):
        world.person(number, email=f"own{number}@example.org")
    assert told(send(engine, settings, "ads"))[:3] == (0, 2, 0)
    (path,) = folder.glob("*-remove.csv")
    assert {cell for row in read(path)[1:] for cell in row if cell} == {sha256("family@example.org")}


def test_rows_carry_attributes_and_follow_them(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    with engine.begin() as connection:
        attributes.declare(connection, [attributes.load({"name": "spent", "kind": "sum", "of": "order", "field": "value"})], "test")
    chosen = {"fields": ["email_1", "spent"], "required": ["spent"]}
    add(engine, definition({"files": {"path": str(folder)}}, format="fields", options=chosen))
    for number, spent in ((1, 12.5), (2, None)):
        world.person(number, email=f"{number}@example.org")
        value(engine, number, spent)
    report = send(engine, settings, "ads")
    assert report.failing == {"no spent": 1}
    assert read(folder / "ads-000001-full.csv") == [["profile_id", "email_1", "spent"], [str(profile_id(1)), "1@example.org", "12.5"]]
    with engine.connect() as connection:
        assert not due(connection)
    value(engine, 1, 99.0)
    with engine.connect() as connection:
        assert [one.name for one in due(connection)] == ["ads"]
    assert send(engine, settings, "ads").updated == 1
    with pytest.raises(DestinationConfig, match="spend is neither a field of a person nor an attribute; did you mean spent"):
        add(engine, definition({"files": {"path": str(folder)}}, format="fields", options={"fields": ["spend"]}))


def value(engine: Engine, number: int, spent: float | None) -> None:
    """What a person's attribute is from now on."""
    values = {"values": {} if spent is None else {"spent": spent}, "inputs": {}, "as_of": func.now(), "computed_at": func.clock_timestamp()}
    table = segment_tables.profile_attribute
    with engine.begin() as connection:
        connection.execute(table.delete().where(table.c.profile_id == profile_id(number)))
        connection.execute(table.insert().values(profile_id=profile_id(number), **values))


def test_an_address_may_pass_from_the_last_to_the_first(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdp.activation.audience.PORTION", 2)
    for number in range(1, 6):
        world.person(number, email=f"p{number}@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))
    send(engine, settings, "ads", channel=Flaky(99))
    for number, email in ((1, "p5@example.org"), (2, "new@example.org"), (5, "p1@example.org")):
        world.person(number, email=email)
    channel = Flaky(99)
    report = send(engine, settings, "ads", channel=channel)
    assert told(report)[:3] == (0, 3, 0)
    assert [change for change, _ in channel.taken] == [Change.REMOVED] * 3 + [Change.UPDATED] * 3


def test_a_table_loses_who_leaves_though_somebody_who_stays_has_the_same_address(
    engine: Engine, settings: Settings, world: World, definition: Definition, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'mart.sqlite'}"
    add(engine, definition({"sql": {"url": url, "table": "contacts"}}, format="hubspot"))
    for number in (1, 2):
        world.person(number, email="family@example.org")
    send(engine, settings, "ads")
    world.person(1, email="family@example.org", ads="denied")
    report = send(engine, settings, "ads")
    assert (report.removed, report.kept) == (1, 0)
    with create_engine(url).connect() as connection:
        assert connection.execute(text("select profile_id from contacts")).scalars().all() == [str(profile_id(2))]
    found = reconcile(engine, settings, "ads")
    assert (found.there, found.forgotten, found.foreign) == (1, 0, 0)


def test_preflight_says_what_would_fail_and_nothing_leaves(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="a@example.org")
    world.person(2, given_name="Nobody", family_name="Knows")
    add(engine, definition({"files": {"path": str(folder)}}))
    report = preflight(engine, "ads")
    assert (report.added, sum(report.failing.values())) == (1, 1)
    assert report.samples == {"no e-mail, phone or complete address to match by": [str(profile_id(2))]}
    assert "from 100 people on" in report.warnings[0]
    assert not folder.exists()
    with engine.connect() as connection:
        assert connection.execute(select(tables.delivery)).first() is None


def test_preflight_tells_of_a_secret_that_is_not_set_and_of_a_purpose_that_nobody_knows(
    engine: Engine, world: World, definition: Definition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_HERE", raising=False)
    world.person(1, email="a@example.org")
    add(engine, definition({"webhook": {"url": "https://hooks.example.org", "secret": "env:NOT_HERE"}}, format="fields", purpose="adds"))
    secret, purpose = preflight(engine, "ads").warnings
    assert "NOT_HERE is not set" in secret
    assert "nobody was ever asked for the purpose 'adds'" in purpose


def test_who_cannot_be_used_any_more_is_removed(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="a@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))
    send(engine, settings, "ads")
    world.person(1, given_name="A")
    assert send(engine, settings, "ads").removed == 1


def test_a_changed_definition_sends_everybody_again(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="a@example.org", given_name="A")
    add(engine, definition({"files": {"path": str(folder)}}, format="fields", options={"fields": ["email_1"]}))
    send(engine, settings, "ads")
    add(engine, definition({"files": {"path": str(folder)}}, format="fields", options={"fields": ["email_1", "given_name"]}))
    assert told(send(engine, settings, "ads")) == (0, 1, 0, 0)
    (path,) = folder.glob("*-add.csv")
    assert read(path) == [["profile_id", "email_1", "given_name"], [str(profile_id(1)), "a@example.org", "A"]]


@pytest.mark.parametrize(
    ("mode", "begins", "name", "phone"),
    [("people", b"\xef\xbb\xbfprofile_id", "'=1+1", "'+18005550100"), ("upload", b"profile_id", "=1+1", "+18005550100")],
)
def test_two_kinds_of_csv(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path, mode: str, begins: bytes, name: str, phone: str
) -> None:
    world.person(1, given_name="=1+1", family_name='say "hi",\nthere', phone="+18005550100")
    chosen = {"fields": ["given_name", "family_name", "phone_1"]}
    add(engine, definition({"files": {"path": str(folder), "mode": mode}}, format="fields", options=chosen))
    send(engine, settings, "ads")
    (path,) = folder.glob("*.csv")
    assert path.read_bytes().startswith(begins)
    assert read(path)[1] == [str(profile_id(1)), name, 'say "hi",\nthere', phone]


def test_parquet(engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path) -> None:
    world.person(1, email="a@example.org")
    add(engine, definition({"files": {"path": str(folder), "type": "parquet"}}))
    send(engine, settings, "ads")
    (path,) = folder.glob("*.parquet")
    assert pq.read_table(path).to_pylist()[0]["Email"] == sha256("a@example.org")


def test_sql_table(engine: Engine, settings: Settings, world: World, definition: Definition, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mart.sqlite'}"
    chosen = {"fields": ["email_1", "given_name"]}
    add(engine, definition({"sql": {"url": url, "table": "audience"}}, format="fields", options=chosen))
    for number in (1, 2):
        world.person(number, email=f"p{number}@example.org", given_name="A")
    send(engine, settings, "ads")
    world.person(1, email="new@example.org", given_name="A")
    world.leave(2)
    assert told(send(engine, settings, "ads"))[:3] == (0, 1, 1)
    with create_engine(url).connect() as connection:
        assert connection.execute(text("select * from audience")).all() == [(str(profile_id(1)), "new@example.org", "A")]


class Flaky:
    """Takes batches until it fails, and refuses some rows."""

    whole = False
    batch = 2

    def __init__(self, calls: int, refuse: str | None = None) -> None:
        self.left, self.refuse, self.taken = calls, refuse, []

    taken: list[tuple[Change, str]]

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        if self.left == 0:
            raise Undelivered("busy")
        self.left -= 1
        self.taken += [(rows.change, profile) for profile in rows.profiles if profile != self.refuse]
        return {n: "invalid" for n, profile in enumerate(rows.profiles) if profile == self.refuse}

    def finish(self) -> Sequence[str]:
        return []

    def abandon(self) -> None:
        pass


def test_what_was_taken_is_not_sent_again(engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path) -> None:
    for number in range(1, 8):
        world.person(number, email=f"p{number}@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))
    first = Flaky(2)
    with pytest.raises(Undelivered, match="busy"):
        send(engine, settings, "ads", channel=first)
    with engine.connect() as connection:
        (row,) = status_of(connection)
    assert (row["status"], row["present"], row["error"]) == ("partial", 4, "busy")
    second = Flaky(9)
    assert send(engine, settings, "ads", channel=second).added == 3
    assert not {profile for _, profile in first.taken} & {profile for _, profile in second.taken}


def test_a_refused_row_is_reported_and_tried_again(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    for number in (1, 2, 3):
        world.person(number, email=f"p{number}@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))
    report = send(engine, settings, "ads", channel=Flaky(9, refuse=str(profile_id(2))))
    assert (report.added, dict(report.refused), report.complete) == (2, {"invalid": 1}, False)
    with engine.connect() as connection:
        assert shared_with(connection, profile_id(2))[0].answer == "refused: invalid"
    assert send(engine, settings, "ads", channel=Flaky(9)).added == 1


def test_a_file_that_was_cut_off_leaves_nothing_and_is_made_again(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="a@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(engine, settings, "ads", progress=stop)
    assert list(folder.iterdir()) == []
    assert send(engine, settings, "ads").added == 1
    assert emails(folder, "*-full.csv") == {sha256("a@example.org")}


def test_an_interrupted_delivery_goes_on_under_its_number(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="a@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))
    with engine.begin() as connection:
        cut_off = tables.delivery.insert().values(destination_id=1, document={}, columns=[]).returning(tables.delivery.c.id)
        number = connection.execute(cut_off).scalar_one()
    assert send(engine, settings, "ads").delivery == number


def test_a_delivery_whose_process_died_is_not_said_to_run(
    engine: Engine, settings: Settings, world: World, definition: Definition, folder: Path
) -> None:
    world.person(1, email="a@example.org")
    add(engine, definition({"files": {"path": str(folder)}}))
    seen = []

    def look(_: int) -> None:
        with engine.connect() as other:
            seen.append(status_of(other)[0]["status"])

    send(engine, settings, "ads", progress=look)
    with engine.begin() as connection:
        connection.execute(text("update delivery set status = 'running', finished_at = null"))
    with engine.connect() as connection:
        (now,) = status_of(connection)
    assert (seen, now["status"]) == (["running"], "failed")
    assert "ended" in now["error"]
    assert [one.status for one in platform_status(engine).destinations] == ["failed"]


def test_what_cannot_be_followed_is_refused(
    engine: Engine, settings: Settings, world: World, definition: Definition, tmp_path: Path
) -> None:
    files = {"files": {"path": str(tmp_path)}}
    with pytest.raises(DestinationConfig, match="no segment is called 'nobody'; there are: buyers"):
        add(engine, definition(files, segment="nobody"))
    with pytest.raises(DocumentError):
        add(engine, definition(files, purpose=None))
    with pytest.raises(DestinationConfig, match="the format fields has fields and required: it does nothing with the option hash"):
        add(engine, definition(files, format="fields", options={"hash": True}))
    with pytest.raises(UnknownDestination, match="'elsewhere'"):
        preflight(engine, "elsewhere")
    add(engine, definition(files))
    with engine.begin() as connection:
        disable(connection, "ads")
    with pytest.raises(ActivationError, match="disabled"):
        send(engine, settings, "ads")


def test_a_folder_that_cannot_be_made_fails_the_delivery(
    engine: Engine, settings: Settings, world: World, definition: Definition, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    add(engine, definition({"files": {"path": str(tmp_path / "taken")}}))
    with pytest.raises(DestinationConfig, match="cannot be used"):
        send(engine, settings, "ads")
    with engine.connect() as connection:
        assert status_of(connection)[0]["status"] == "failed"
