"""A definition says by which way people get to a place; here is the channel for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cdp.access import load_policy
from cdp.activation import mail
from cdp.activation.calls import Caller
from cdp.activation.channels import Channel
from cdp.activation.definition import Destination, secret
from cdp.activation.files import FileChannel
from cdp.activation.sql_table import SqlChannel
from cdp.activation.vendors import google, hubspot
from cdp.activation.vendors.google import GoogleChannel
from cdp.activation.vendors.hubspot import HubSpotChannel
from cdp.activation.vendors.mailchimp import MailchimpChannel
from cdp.activation.vendors.meta import MetaChannel
from cdp.activation.webhook import WebhookChannel
from cdp.settings import Settings


@dataclass(frozen=True)
class Way:
    """What a channel is made from.

    Attributes:
        full: nobody is there yet.
    """

    connection: Connection
    settings: Settings
    destination: Destination
    delivery: int
    full: bool

    @property
    def place(self) -> Mapping[str, Any]:
        """Settings of the place."""
        return self.destination.place[1]

    @property
    def where(self) -> str:
        """What a message calls it."""
        return f"destination {self.destination.name}"

    def secret(self, name: str) -> str:
        """A secret of the place."""
        return secret(self.place[name], self.where)

    def caller(self, per_minute: int | None = None) -> Caller:
        """Calls as fast as the definition, or else the vendor, allows."""
        return Caller(self.settings.private_hosts, self.place.get("per_minute", per_minute))


def channel(way: Way) -> Channel:
    """The channel to the destination.

    Raises:
        DestinationConfig: a secret is not set, or the place cannot be used.
    """
    return _WAYS[way.destination.place[0]](way)


def _files(way: Way) -> Channel:
    return FileChannel(way.place, way.destination.name, way.delivery, way.full)


def _sql(way: Way) -> Channel:
    return SqlChannel(way.secret("url"), way.place["table"], way.destination.headers)


def _webhook(way: Way) -> Channel:
    batch = int(way.place.get("batch", way.destination.format.batch))
    return WebhookChannel(way.place["url"], way.secret("secret"), way.destination.name, way.delivery, batch, way.caller())


def _google(way: Way) -> Channel:
    caller = way.caller(google.PER_MINUTE)
    token = google.bearer(way.secret("credentials"), caller, way.where)
    return GoogleChannel(way.place, token, caller, consented=way.destination.purpose is not None)


def _meta(way: Way) -> Channel:
    return MetaChannel(way.place, way.secret("token"), way.caller(), hashed=way.destination.options.get("hash", True))


def _mailchimp(way: Way) -> Channel:
    return MailchimpChannel(way.place, way.secret("key"), way.place.get("tag", way.destination.title), way.caller())


def _hubspot(way: Way) -> Channel:
    return HubSpotChannel(way.place, way.secret("token"), way.caller(hubspot.PER_MINUTE))


def _email(way: Way) -> Channel:
    place = way.place
    kept = mail.withheld(load_policy(way.settings.access_policy), place.get("department"), way.destination.document)
    return mail.MailChannel(
        place,
        way.destination.title,
        way.secret("password") if "password" in place else None,
        mail.summary(way.connection, way.destination.id),
        kept if place.get("attach") else None,
        way.settings.private_hosts,
    )


_WAYS: Mapping[str, Callable[[Way], Channel]] = {
    "files": _files,
    "sql": _sql,
    "webhook": _webhook,
    "google_ads": _google,
    "meta": _meta,
    "mailchimp": _mailchimp,
    "hubspot": _hubspot,
    "email": _email,
}
