"""A vendor under test, whichever it is: its fake, what the fake was told, and a world with one destination there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine

from cdp.activation import Report, register, send
from cdp.activation.calls import Caller
from cdp.activation.values import sha256
from cdp.settings import Settings
from tests.activation.fakes import Fake, GoogleFake, HubSpotFake, MailchimpFake, MetaFake

if TYPE_CHECKING:  # conftest imports the fixtures of this module
    from tests.activation.conftest import Definition, World


@dataclass
class Vendor:
    """One vendor, its fake, and who is there by the fake's own account (as e-mails before hashing)."""

    name: str
    fake: Any
    to: dict[str, Any]
    there: Callable[[], set[str]]
    taken: Callable[[], int]

    def names(self, *emails: str) -> set[str]:
        return {sha256(email) if self.name in ("google_ads", "meta") else email for email in emails}


def _google(fake: GoogleFake) -> Vendor:
    to = {"account": "123-456-7890", "audience": "77", "credentials": "env:SECRET", "terms": "accepted", "url": fake.url}

    def there() -> set[str]:
        return {found["emailAddress"] for found in map(json.loads, fake.members) if "emailAddress" in found}

    def taken() -> int:
        return sum(len(call.body["audienceMembers"]) for call in fake.calls if call.path.endswith(":ingest"))

    return Vendor("google_ads", fake, to, there, taken)


def _meta(fake: MetaFake) -> Vendor:
    def taken() -> int:
        return sum(len(call.body["payload"]["data"]) for call in fake.calls if call.method == "POST")

    return Vendor(
        "meta", fake, {"audience": "55", "token": "env:SECRET", "url": fake.url}, lambda: {email for email, _ in fake.entries}, taken
    )


def _mailchimp(fake: MailchimpFake) -> Vendor:
    def there() -> set[str]:
        return {email for _, tagged in fake.segments.values() for email in tagged}

    def taken() -> int:
        return sum(len(call.body["members"]) for call in fake.calls if call.path == "/3.0/lists/abc" and not call.body["update_existing"])

    return Vendor("mailchimp", fake, {"list": "abc", "key": "env:SECRET", "url": fake.url}, there, taken)


def _hubspot(fake: HubSpotFake) -> Vendor:
    def taken() -> int:
        return sum(len(call.body["inputs"]) for call in fake.calls if call.path.endswith("/upsert"))

    return Vendor("hubspot", fake, {"list": "9", "token": "env:SECRET", "url": fake.url}, lambda: fake.emails, taken)


MAKERS: dict[str, tuple[type[Fake], Callable[[Any], Vendor]]] = {
    "google_ads": (GoogleFake, _google),
    "meta": (MetaFake, _meta),
    "mailchimp": (MailchimpFake, _mailchimp),
    "hubspot": (HubSpotFake, _hubspot),
}
SECRETS = {"meta": "meta-token", "mailchimp": "key-us6", "hubspot": "hub-token"}


@dataclass
class Company:
    """A world with one destination, that is sent to."""

    engine: Engine
    settings: Settings
    world: World
    vendor: Vendor

    def send(self) -> Report:
        return send(self.engine, self.settings, "ads")

    def people(self, *numbers: int, **more: Any) -> None:
        for number in numbers:
            self.world.person(number, **{"email": f"p{number}@example.org", **more})


@pytest.fixture(params=MAKERS)
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    kind, make = MAKERS[request.param]
    fake = kind().start()
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r", "token_uri": f"{fake.url}/token"}
    monkeypatch.setenv("SECRET", SECRETS.get(request.param) or json.dumps(user))
    yield make(fake)
    fake.stop()


@pytest.fixture
def company(
    engine: Engine, settings: Settings, world: World, definition: Definition, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> Company:
    monkeypatch.setattr(Caller, "sleep", lambda self, seconds: None, raising=False)
    monkeypatch.setattr("cdp.activation.ways.Caller", lambda hosts, per_minute: Caller(hosts, None, sleep=lambda seconds: None))
    with engine.begin() as connection:
        register(connection, definition({vendor.name: vendor.to}, format=vendor.name), "test")
    return Company(engine, replace(settings, webhook_private_hosts="127.0.0.1"), world, vendor)


def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    from cdp.activation import ways

    real = ways.channel

    def small(way: ways.Way) -> Any:
        made = real(way)
        made.batch = 2
        return made

    monkeypatch.setattr("cdp.activation.deliver.channel_to", small)
