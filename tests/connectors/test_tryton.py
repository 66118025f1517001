"""The connector to Tryton reads a real Tryton server, installed from PyPI in an environment of its own, through what happens in it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from environments import environment as made_for

from cdp.records.batch import map_batch
from cdp.records.mapping import Mapping
from connectors.contract import AuthError
from connectors.testing import mapping_of
from connectors.testing.clock import ManualClock
from connectors.testing.lab import Lab
from connectors.tryton import TrytonSource

pytestmark = [pytest.mark.clients, pytest.mark.long]
PACKAGES = ["trytond==8.2.1", "trytond-party==8.2.*", "trytond-sale==8.2.*", "trytond-sale-opportunity==8.2.*"]


class Server:
    """A running Tryton: its REST API, and what the laboratory asks of a fake."""

    def __init__(self, url: str, key: str, company: int, currency: int) -> None:
        self.url, self.key, self.company, self.currency = url, key, company, currency
        self.clock = ManualClock()
        self.client = httpx.Client(base_url=f"{url}/rest/model/", headers={"Authorization": f"bearer {key}"}, timeout=60)

    def config(self) -> dict[str, Any]:
        return {"base_url": self.url, "key": self.key}

    def create(self, model: str, **values: Any) -> int:
        response = self.client.post(model, json=values)
        assert response.is_success, response.text
        return int(response.json()["id"])

    def write(self, model: str, key: int, **values: Any) -> None:
        assert self.client.put(f"{model}/{key}", json=values).is_success

    def delete(self, model: str, key: int) -> None:
        assert self.client.delete(f"{model}/{key}").is_success


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("tryton")
    python = made_for(home, *PACKAGES)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = home / "trytond.conf"
    memory = Path("/dev/shm")
    data = Path(tempfile.mkdtemp(prefix="tryton-", dir=memory if os.access(memory, os.W_OK) else None))
    settings.write_text(f"[database]\nuri = sqlite://\npath = {data}\n[web]\nlisten = 127.0.0.1:{port}\n")
    (data / "shop.sqlite").touch()
    (home / "password").write_text("a-long-passphrase-for-tests")
    environment = {**os.environ, "TRYTONPASSFILE": str(home / "password")}
    admin = ["-c", settings, "-d", "shop", "--email", "admin@example.com", "-u", "sale_opportunity", "sale", "--activate-dependencies"]
    script = Path(__file__).with_name("tryton_install.py")
    subprocess.run([python, script, *admin], env=environment, check=True, capture_output=True)
    script = Path(__file__).with_name("tryton_setup.py")
    setup = subprocess.run([python, script, settings], capture_output=True, text=True, check=True, env=environment)
    made = dict(line.split("=", 1) for line in setup.stdout.splitlines() if "=" in line)
    process = subprocess.Popen([python.with_name("trytond"), "-c", settings], stderr=subprocess.DEVNULL, env=environment)
    server = Server(f"http://127.0.0.1:{port}/shop", made["key"], int(made["company"]), int(made["currency"]))
    try:
        for _ in range(120):
            try:
                if server.client.get("party.party", params={"s": 1}).is_success:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        yield server
    finally:
        process.terminate()
        process.wait(20)
        for folder in (home, data):
            shutil.rmtree(folder, ignore_errors=True)


def test_parties_opportunities_and_sales_through_their_lives(tryton: Server) -> None:
    ann = tryton.create(
        "party.party",
        name="Ann Ähre",
        addresses=[["create", [{"street": "Main Street 1", "postal_code": "10115", "city": "Berlin"}]]],
        contact_mechanisms=[["create", [{"type": "email", "value": "ann@example.org"}, {"type": "phone", "value": "+4930123456"}]]],
    )
    bob = tryton.create("party.party", name="Bob")
    rooms = {name: Lab(TrytonSource, tryton, name) for name in ("parties", "opportunities", "sales")}
    people = rooms["parties"].sync().rows
    assert {"Ann Ähre", "Bob"} <= {row["name"] for row in people.values()}
    before = rooms["parties"].landed.changes
    assert rooms["parties"].sync().changes == before

    deal = tryton.create(
        "sale.opportunity",
        party=ann,
        company=tryton.company,
        currency=tryton.currency,
        description="Bulk order",
        amount={"__class__": "Decimal", "decimal": "99.50"},
    )
    sale = tryton.create("sale.sale", party=ann, company=tryton.company, currency=tryton.currency, description="First order")
    assert set(rooms["opportunities"].sync().rows) == {str(deal)}
    assert set(rooms["sales"].sync().rows) == {str(sale)}

    tryton.write("party.party", bob, name="Bob Changed")
    assert rooms["parties"].sync().rows[str(bob)]["name"] == "Bob Changed"
    tryton.delete("party.party", bob)
    tryton.delete("sale.sale", sale)
    assert str(bob) not in rooms["parties"].sync().rows
    assert rooms["sales"].sync().rows == {}

    mapping = Mapping.load(mapping_of(TrytonSource))
    mapped = {
        name: map_batch(list(room.landed.rows.values()), mapping.stream(name)).table.to_pylist()
        for name, room in rooms.items()
        if room.landed.rows
    }
    person = next(row for row in mapped["parties"] if row["source_key"] == str(ann))
    assert (person["emails"], person["phones"]) == (["ann@example.org"], ["+4930123456"])
    assert person["addresses"][0]["city"] == "Berlin"
    (opportunity,) = mapped["opportunities"]
    assert (opportunity["customer_key"], opportunity["kind"], opportunity["amount"]) == (str(ann), "opportunity", "99.50")


def test_pages_and_a_kill_lose_nothing(tryton: Server) -> None:
    for number in range(7):
        tryton.create("party.party", name=f"Person {number}")
    source = TrytonSource(tryton.config())
    spec = source.rest_streams()[0]
    object.__setattr__(spec.all.paging, "size", 3)
    try:
        pages = list(source.read("parties"))
    finally:
        object.__setattr__(spec.all.paging, "size", 500)
    keys = [row["id"] for page in pages for row in page.rows]
    assert len(pages) >= 3
    assert keys == sorted(set(keys))
    assert {f"Person {number}" for number in range(7)} <= {row["name"] for page in pages for row in page.rows}


def test_a_wrong_key_is_an_auth_error(tryton: Server) -> None:
    with pytest.raises(AuthError):
        TrytonSource({**tryton.config(), "key": "wrong"}).streams()
