"""A call that a destination took and refused afterwards is made again: who was to be there is forgotten, who was to leave is there still.

Each call is asked about until the destination has worked it off, but not for longer than two weeks; what became of it is remembered in
the report of its delivery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from cdp.activation.channels import Settling
from cdp.activation.definition import Destination
from cdp.activation.errors import ActivationError
from cdp.activation.ways import Way, channel
from cdp.settings import Settings


@dataclass
class Settled:
    """What became of calls that were not worked off yet when they were asked about last.

    Attributes:
        again: people of failed calls, whom the next delivery adds or removes again.
        refused: reason -> rows of calls that were taken, and refused afterwards.
    """

    waiting: int = 0
    failed: int = 0
    again: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def notes(self) -> Sequence[str]:
        """What a marketer should know of earlier deliveries."""
        failed = f"{self.failed} calls of earlier deliveries failed afterwards: {self.again} people of theirs are sent again"
        refused = [f"{count} rows of earlier deliveries were refused afterwards: {reason}" for reason, count in self.refused.most_common()]
        return [*([failed] if self.failed else []), *refused]


_OPEN = """select id, report from delivery where destination_id = :id and started_at > now() - interval '14 days'
    and jsonb_array_length(coalesce(report -> 'receipts', '[]')) > jsonb_array_length(coalesce(report -> 'settled', '[]')) order by id"""
_REMEMBER = """update delivery set report = report || jsonb_build_object('settled', coalesce(report -> 'settled', '[]') ||
    to_jsonb(cast(:receipts as text[]))) where id = :delivery"""
_FORGET = """delete from audience_member where destination_id = :id and profile_id in (
    select profile_id from export_ledger where delivery_id = :delivery and change <> 'removed')
    returning profile_id"""
_STILL_THERE = """insert into audience_member (destination_id, profile_id, fingerprint, identity)
    select destination_id, profile_id, '', identity from audience_leaving where destination_id = :id and delivery_id = :delivery
    on conflict do nothing returning profile_id"""
_LEFT = "delete from audience_leaving where destination_id = :id and delivery_id = :delivery"
_TOO_LATE = """delete from audience_leaving l using delivery d
    where l.destination_id = :id and d.id = l.delivery_id and d.started_at <= now() - interval '14 days'"""


def catch_up(connection: Connection, settings: Settings, destination: Destination) -> Settled:
    """Ask about the calls of earlier deliveries, where there are any; a destination that does not say now is asked the next time."""
    if connection.execute(text(_OPEN), {"id": destination.id}).first() is None:
        return Settled()
    try:
        way = channel(Way(connection, settings, destination, delivery=0, full=False))
        try:
            return settle(connection, destination, way) if isinstance(way, Settling) else Settled()
        finally:
            way.abandon()
    except ActivationError:
        connection.rollback()
        return Settled()


def settle(connection: Connection, destination: Destination, way: Settling) -> Settled:
    """Ask about every call that is not known to be worked off, and commit what became of it, delivery by delivery.

    Raises:
        Undelivered, Throttled: the destination does not say now.
    """
    found = Settled()
    connection.execute(text(_TOO_LATE), {"id": destination.id})
    for row in connection.execute(text(_OPEN), {"id": destination.id}).all():
        known = set(row.report.get("settled", ()))
        outcomes = way.settled([receipt for receipt in row.report["receipts"] if receipt not in known])
        over = [outcome for outcome in outcomes if outcome.state != "waiting"]
        failed = sum(outcome.state == "failed" for outcome in over)
        for outcome in over:
            found.refused.update(outcome.refused)
        found.waiting += len(outcomes) - len(over)
        found.failed += failed
        parameters = {"id": destination.id, "delivery": row.id}
        if failed:
            forgotten = connection.execute(text(_FORGET), parameters).scalars().all()
            staying = connection.execute(text(_STILL_THERE), parameters).scalars().all()
            found.again += len({*forgotten, *staying})
        if failed or len(over) == len(outcomes):
            connection.execute(text(_LEFT), parameters)
        connection.execute(text(_REMEMBER), {"receipts": [outcome.receipt for outcome in over], "delivery": row.id})
        connection.commit()
    return found
