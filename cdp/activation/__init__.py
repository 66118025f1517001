"""Destinations: an audience is brought there as each platform wants it, without those who did not agree, and kept up to date.

register(connection, document, by)        # schemas/destination.schema.json
preflight(engine, name)                   # how many rows would fail, and why, before anything leaves
send(engine, settings, name)              # everybody once, then only who joins, changes or leaves
reconcile(engine, settings, name)         # whom the destination has, against whom it was told
shared_with(connection, profile_id)       # where a person's data went
"""

from cdp.activation.definition import Destination, by_name, destinations, disable, load, register
from cdp.activation.deliver import Report, preflight, send, status, under_way
from cdp.activation.errors import ActivationError, DestinationConfig, Forbidden, Throttled, Undelivered, UnknownDestination
from cdp.activation.ledger import AnswerRow, Shared, answers, of_destination, shared_with
from cdp.activation.reconcile import Reconciled, reconcile
from cdp.activation.schedule import due

__all__ = [
    "ActivationError",
    "AnswerRow",
    "Destination",
    "DestinationConfig",
    "Forbidden",
    "Reconciled",
    "Report",
    "Shared",
    "Throttled",
    "Undelivered",
    "UnknownDestination",
    "answers",
    "by_name",
    "destinations",
    "disable",
    "due",
    "load",
    "of_destination",
    "preflight",
    "reconcile",
    "register",
    "send",
    "shared_with",
    "status",
    "under_way",
]
