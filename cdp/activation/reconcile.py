"""A destination that forgot is told again: who is not there any more, or was never taken, counts as new for the next delivery.

Nothing is sent. What the platform remembers of a destination is corrected by what the destination itself says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from cdp.activation.channels import Listing, Settling
from cdp.activation.definition import Destination, by_name
from cdp.activation.errors import ActivationError
from cdp.activation.record import DIVIDER
from cdp.activation.settling import settle
from cdp.activation.ways import Way, channel
from cdp.db import copy_table, lock
from cdp.ingest.runs import finish_run, start_run
from cdp.settings import Settings

_PORTION = 50_000


@dataclass(frozen=True)
class Reconciled:
    """What a destination holds, against what it was told.

    Attributes:
        there: people whom the destination has; None: it cannot say.
        forgotten: people whom it was told and does not have; the next delivery sends them again.
        foreign: people whom it has and was not told by this platform.
        waiting: calls that it has not worked off yet.
        failed: calls that it refused afterwards.
        refused: reason -> rows of calls that it took, and refused afterwards.
    """

    destination: str
    there: int | None = None
    forgotten: int = 0
    foreign: int = 0
    waiting: int = 0
    failed: int = 0
    refused: dict[str, int] = field(default_factory=dict)


def reconcile(engine: Engine, settings: Settings, name: str, *, everything: bool = False) -> Reconciled:
    """Ask the destination whom it has, and remember that.

    Args:
        everything: do not ask; it has forgotten everybody.

    Raises:
        UnknownDestination, DestinationConfig: the definition cannot be followed.
        ActivationError: the destination cannot say whom it has.
        Undelivered: it does not answer now.
    """
    with engine.connect() as guard, engine.connect() as writer:
        lock(guard, f"destination {name}")
        destination = by_name(writer, name)
        run_id = start_run(writer, "reconcile")
        try:
            found = _forget_all(writer, destination) if everything else _ask(writer, settings, destination)
        except ActivationError as error:
            writer.rollback()
            finish_run(writer, run_id, "failed", {"destination": name}, str(error))
            writer.commit()
            raise
        finish_run(writer, run_id, "done", asdict(found))
        writer.commit()
    return found


def _forget_all(connection: Connection, destination: Destination) -> Reconciled:
    query = text("delete from audience_member where destination_id = :id")
    return Reconciled(destination.name, forgotten=connection.execute(query, {"id": destination.id}).rowcount)


def _ask(connection: Connection, settings: Settings, destination: Destination) -> Reconciled:
    way = channel(Way(connection, settings, destination, delivery=0, full=False))
    try:
        if isinstance(way, Listing):
            return _listed(connection, destination, way)
        if isinstance(way, Settling):
            found = settle(connection, destination, way)
            return Reconciled(
                destination.name, forgotten=found.again, waiting=found.waiting, failed=found.failed, refused=dict(found.refused)
            )
    finally:
        way.abandon()
    raise ActivationError(
        f"a destination of the kind {destination.place[0]} cannot say whom it has; "
        f"where it has forgotten everybody: cdp destinations reconcile {destination.name} --everything"
    )


def _listed(connection: Connection, destination: Destination, way: Listing) -> Reconciled:
    connection.execute(text("create temp table there (known text) on commit drop"))
    there = 0
    for portion in _portions(way.there()):
        copy_table(connection, pa.table({"known": portion}), "there")
        there += len(portion)
    connection.execute(text("create index on there (known)"))
    known = "a.profile_id::text" if destination.by_person else "lower(split_part(a.identity, :divider, 1))"
    parameters = {"id": destination.id, "divider": DIVIDER}
    foreign = text(
        f"select count(*) from there t where not exists (select from audience_member a where a.destination_id = :id and {known} = t.known)"
    )
    counted = connection.execute(foreign, parameters).scalar_one()
    missing = text(
        f"""delete from audience_member a where a.destination_id = :id
            and not exists (select from there t where t.known = {known})"""
    )
    return Reconciled(destination.name, there, connection.execute(missing, parameters).rowcount, counted)


def _portions(values: Iterator[str]) -> Iterator[list[str]]:
    held: list[str] = []
    for value in values:
        held.append(value)
        if len(held) == _PORTION:
            yield held
            held = []
    if held:
        yield held
