"""The connector to Tryton reads a real Tryton server, installed from PyPI in an environment of its own, through what happens in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cdp.records.batch import map_batch
from cdp.records.mapping import Mapping
from connectors.contract import AuthError
from connectors.testing import mapping_of
from connectors.testing.lab import Lab
from connectors.testing.system import System
from connectors.tryton import TrytonSource
from tests.bench.sending import free_port
from tests.foreign import alone, python_with
from tests.waiting import eventually

pytestmark = [pytest.mark.clients, pytest.mark.long]
PACKAGES = ["trytond==8.2.1", "trytond-party==8.2.*", "trytond-sale==8.2.*", "trytond-sale-opportunity==8.2.*"]


class Server(System):
    """A running Tryton: its REST API, and what the laboratory asks of a fake."""

    def __init__(self, url: str, key: str, company: int, currency: int) -> None:
        super().__init__()
        self.url, self.key, self.company, self.currency = url, key, company, currency
        self.client = httpx.Client(base_url=f"{url}/rest/model/", headers={"Authorization": f"bearer {key}"}, timeout=60)

    def config(self) -> dict[str, Any]:
        return {"base_url": self.url, "key": self.key}

    def open(self, kind: Any, config: dict[str, Any]) -> Any:
        return kind(config, clock=self.clock)

    def create(self, model: str, **values: Any) -> int:
        response = self.client.post(model, json=values)
        assert response.is_success, response.text
        return int(response.json()["id"])

    def write(self, model: str, key: int, **values: Any) -> None:
        assert self.client.put(f"{model}/{key}", json=values).is_success

    def answers(self) -> bool:
        try:
            return self.client.get("party.party", params={"s": 1}).is_success
        except httpx.TransportError:
            return False

    def delete(self, model: str, key: int) -> None:
        assert self.client.delete(f"{model}/{key}").is_success


def installed(python: Path, home: Path) -> Path:
    """A folder with Tryton's database and `made`, what the installation printed: made once for each version of its script."""
    script = Path(__file__).with_name("tryton_install.py")
    kept = python.parents[1] / f"shop-{zlib.crc32(script.read_bytes())}"
    with alone():
        if not (kept / "made").exists():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir()
            (kept / "shop.sqlite").touch()
            (home / "password").write_text("a-long-passphrase-for-tests")
            environment = {**os.environ, "TRYTONPASSFILE": str(home / "password")}
            command = [python, script, "-c", configured(home, kept), "-d", "shop", "--email", "admin@example.com"]
            command += ["-u", "sale_opportunity", "sale", "--activate-dependencies"]
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr[-3000:]
            (kept / "made").write_text(ran.stdout)
    return kept


def configured(home: Path, data: Path, port: int = 0) -> Path:
    """Tryton's configuration: its database in `data`, its address at `port`."""
    path = home / "trytond.conf"
    path.write_text(f"[database]\nuri = sqlite://\npath = {data}\n[web]\nlisten = 127.0.0.1:{port}\n")
    return path


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("tryton")
    python = python_with("tryton", *PACKAGES)
    kept = installed(python, home)
    made = dict(line.split("=", 1) for line in (kept / "made").read_text().splitlines() if "=" in line)
    shutil.copy(kept / "shop.sqlite", home)
    port = free_port()
    process = subprocess.Popen([python.with_name("trytond"), "-c", configured(home, home, port)], stderr=subprocess.DEVNULL)
    server = Server(f"http://127.0.0.1:{port}/shop", made["key"], int(made["company"]), int(made["currency"]))
    try:
        assert eventually(server.answers)
        yield server
    finally:
        process.kill()
        process.wait()


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
