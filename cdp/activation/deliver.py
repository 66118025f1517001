"""After a delivery the destination holds exactly the people who are wanted there, and the ledger says what each was sent, on which consent.

The first delivery sends everybody, later ones what changed. What a destination took is recorded before more is sent, so a delivery
that stopped goes on where it was; files, which appear only when complete, are made again under the same names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, func, select, text

from cdp.activation.audience import Audience, Counts
from cdp.activation.channels import Change, Channel, Part, Rows, Settling
from cdp.activation.definition import Destination, by_name
from cdp.activation.errors import ActivationError, Throttled
from cdp.activation.hints import hints
from cdp.activation.record import Behind, Journal
from cdp.activation.settling import Settled, catch_up
from cdp.activation.steps import Step, steps
from cdp.activation.ways import Way
from cdp.activation.ways import channel as channel_to
from cdp.db import activation_tables as tables
from cdp.db import is_locked, lock
from cdp.ingest.runs import finish_run, start_run
from cdp.settings import Settings

Progress = Callable[[int], None]


@dataclass
class Report:
    """What a delivery does, or did.

    Attributes:
        counts: the audience before formatting.
        added, updated, removed: rows that the destination took (in a preflight: that it would be given).
        unchanged: looked at and found to be there as they are.
        kept: not removed, because somebody who stays is known there by the same e-mail or phone.
        failing: reason -> people whose row the destination could not use; they are not sent.
        samples: reason -> a few profiles.
        refused: reason -> rows that the destination refused.
        warnings: what a marketer should know.
        places: where it went.
        receipts: numbers of calls that the destination works off later: `reconcile` asks what became of them.
    """

    destination: str
    counts: Counts
    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    kept: int = 0
    failing: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[str]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    warnings: Sequence[str] = ()
    places: Sequence[str] = ()
    receipts: Sequence[str] = ()
    delivery: int | None = None

    @property
    def complete(self) -> bool:
        """Whether every row that was sent was taken."""
        return not self.refused

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        members = {each.name: getattr(self, each.name) for each in fields(self)}
        changes = {"counts": asdict(self.counts), "failing": dict(self.failing), "refused": dict(self.refused), "complete": self.complete}
        return {**members, **changes}

    def fails(self, profiles: pa.Array, problems: pa.Array) -> None:
        """Count rows that the destination could not use."""
        for entry in pc.value_counts(problems.drop_null()).to_pylist():
            self.failing[entry["values"]] += entry["counts"]
            if len(self.samples.setdefault(entry["values"], [])) < 5:
                matching = profiles.filter(pc.fill_null(pc.equal(problems, entry["values"]), False))
                self.samples[entry["values"]] += matching.slice(0, 5 - len(self.samples[entry["values"]])).to_pylist()


def preflight(engine: Engine, name: str, segment: str | None = None) -> Report:
    """What a delivery would do, row by row; nothing leaves and nothing is stored.

    Args:
        segment: look at this one instead of the segment that the definition names.

    Raises:
        UnknownDestination, DestinationConfig: the definition cannot be followed.
    """
    with _snapshot(engine) as connection:
        destination = by_name(connection, name)
        audience = Audience(connection, destination if segment is None else destination.aimed_at(segment))
        report = Report(name, audience.counts, warnings=hints(connection, audience.destination, audience.counts))
        for step in steps(audience, report.fails):
            _count(report, step, {})
    return report


def send(engine: Engine, settings: Settings, name: str, progress: Progress | None = None, channel: Channel | None = None) -> Report:
    """Bring the destination up to date with its audience.

    Args:
        progress: told the number of rows sent so far.
        channel: another way there than the definition's, for tests.

    Raises:
        UnknownDestination, DestinationConfig: the definition cannot be followed; nothing was sent.
        Undelivered: the destination stopped taking rows; what it took is recorded, and the next delivery goes on behind it.
    """
    with engine.connect() as guard, engine.connect() as writer:
        lock(guard, f"destination {name}")
        settled = catch_up(writer, settings, by_name(writer, name))
        with _snapshot(engine) as reader:
            return _send(reader, writer, settings, name, progress, channel, settled)


def _send(
    reader: Connection,
    writer: Connection,
    settings: Settings,
    name: str,
    progress: Progress | None,
    channel: Channel | None,
    settled: Settled,
) -> Report:
    destination = by_name(reader, name)
    if not destination.enabled:
        raise ActivationError(f"the destination {name!r} is disabled; register its definition again to use it")
    audience = Audience(reader, destination)
    run_id = start_run(writer, "activation")
    delivery = _begin(writer, destination)
    warnings = [*settled.notes, *hints(reader, destination, audience.counts)]
    report = Report(name, audience.counts, warnings=warnings, delivery=delivery)
    way = channel
    try:
        way = way or channel_to(Way(reader, settings, destination, delivery, full=audience.counts.present == 0))
        journal = Journal(writer, destination.id, delivery, audience.at, settles=isinstance(way, Settling))
        with Behind(journal) as behind:
            for step in steps(audience, report.fails):
                _deliver(way, step, journal, behind, report)
                if progress:
                    progress(report.added + report.updated + report.removed)
            behind.settle()
        report.places = list(way.finish())
        report.warnings = [*report.warnings, *getattr(way, "notes", ())]
    except BaseException as error:
        writer.rollback()
        _receipts(way, report)
        kept = way is not None and not way.whole and _sent(report)
        if way is not None:
            way.abandon()
        _end(writer, delivery, run_id, report, "partial" if kept else "failed", error)
        raise
    _receipts(way, report)
    _end(writer, delivery, run_id, report, "done" if report.complete else "partial", None)
    return report


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection
        connection.rollback()


def _receipts(way: Channel | None, report: Report) -> None:
    if isinstance(way, Settling):
        report.receipts = list(way.receipts)


def _why(error: BaseException) -> str:
    return str(error) if isinstance(error, ActivationError) else type(error).__name__


def _sent(report: Report) -> int:
    return report.added + report.updated + report.removed


# --- sending it -------------------------------------------------------------------------------------------------------------------


def _deliver(channel: Channel, step: Step, journal: Journal, behind: Behind, report: Report) -> None:
    """Carry a step in calls of the channel's size, and write each down when it was taken."""
    write = behind.write if channel.whole else journal.write
    if step.entries.quiet:
        write(step.rows, step.entries, {})
        _count(report, step, {})
        return
    for part in _parts(step, channel.batch):
        refused = channel.deliver(part.rows)
        write(part.rows, part.entries, refused)
        if not channel.whole:
            journal.commit(channel.receipts if isinstance(channel, Settling) else ())
        _count(report, part, refused)


def _parts(step: Step, size: int) -> Iterator[Step]:
    """The step in calls of at most `size` rows."""
    total = len(step.rows.profiles)
    for number, start in enumerate(range(0, total, size), 1):
        columns = tuple((header, column.slice(start, size)) for header, column in step.rows.columns)
        part = Part(number, start + size >= total, total)
        yield Step(Rows(step.rows.change, step.rows.profiles[start : start + size], columns, part), step.entries.slice(start, size))


def _count(report: Report, step: Step, refused: Mapping[int, str]) -> None:
    taken = len(step.rows.profiles) - len(refused)
    report.refused.update(refused.values())
    if step.entries.quiet and step.rows.change is Change.UPDATED:
        report.unchanged += taken
    elif step.entries.quiet:
        report.kept += taken
    elif step.rows.change is Change.REMOVED:
        report.removed += taken if step.entries.forget else 0
    elif step.rows.change is Change.ADDED:
        report.added += taken
    else:
        report.updated += taken


def _begin(connection: Connection, destination: Destination) -> int:
    """The delivery to go on with where the last one was cut off or gave up, else a new one; committed."""
    table = tables.delivery
    last = select(table.c.id, table.c.status, table.c.error).where(table.c.destination_id == destination.id).order_by(table.c.id.desc())
    row = connection.execute(last.limit(1)).first()
    delivery = row.id if row is not None and (row.status == "running" or row.error is not None) else None
    values = {"document": dict(destination.document), "columns": list(destination.headers)}
    if delivery is None:
        statement = table.insert().values(destination_id=destination.id, **values).returning(table.c.id)
        delivery = connection.execute(statement).scalar_one()
    else:
        connection.execute(table.update().where(table.c.id == delivery).values(status="running", finished_at=None, error=None, **values))
    connection.commit()
    return int(delivery)


def _end(connection: Connection, delivery: int, run_id: int, report: Report, status: str, error: BaseException | None) -> None:
    why = None if error is None else _why(error)
    count = text("select count(*) from audience_member a join delivery d on d.destination_id = a.destination_id where d.id = :id")
    present = connection.execute(count, {"id": delivery}).scalar_one()
    document = report.to_document() | {"samples": {reason: len(ids) for reason, ids in report.samples.items()}, "present": present}
    before = connection.execute(select(tables.delivery.c.report).where(tables.delivery.c.id == delivery)).scalar_one()
    document["receipts"] = list(dict.fromkeys([*before.get("receipts", ()), *report.receipts]))
    document["settled"] = before.get("settled", [])
    document["not_before"] = error.until.isoformat() if isinstance(error, Throttled) else None
    connection.execute(
        tables.delivery.update()
        .where(tables.delivery.c.id == delivery)
        .values(status=status, finished_at=func.clock_timestamp(), report=document, error=why)
    )
    finish_run(connection, run_id, status, document, why)
    connection.commit()


def under_way(connection: Connection, name: str) -> bool:
    """Whether a delivery to the destination is being carried right now, by any process."""
    return is_locked(connection, f"destination {name}")


CUT_OFF = "the process that carried it ended; the next delivery goes on behind what was taken"


def as_it_is(connection: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with `name`, `status` and `error` of the last delivery to a destination; one that nobody carries any more has failed."""
    if row["status"] != "running" or under_way(connection, row["name"]):
        return dict(row)
    return {**row, "status": "failed", "error": CUT_OFF}


def status(connection: Connection) -> list[Mapping[str, Any]]:
    """Each destination with its last delivery and how many people are there."""
    rows = connection.execute(
        text(
            """select d.name, d.document, d.enabled, l.id as delivery, l.status, l.started_at, l.finished_at, l.report, l.error,
                      (select count(*) from audience_member a where a.destination_id = d.id) as present
               from destination d
               left join lateral (select * from delivery l where l.destination_id = d.id order by l.id desc limit 1) l on true
               order by d.name"""
        )
    )
    return [as_it_is(connection, dict(row)) for row in rows.mappings().all()]
