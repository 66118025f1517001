"""The fake of HubSpot is what HubSpot publishes, and an unmodified Singer tap reads from it what the connector reads."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from jsonschema import Draft4Validator
from tls_proxy import tls_proxy

from connectors.hubspot import HubSpotSource
from connectors.hubspot.fake import Fake
from connectors.singer import SingerSource
from connectors.testing.lab import lab
from tests.foreign import python_with

ORACLES = Path(__file__).parents[3] / "shared" / "oracles" / "hubspot"


def _schema(stream: str, path: str, method: str, part: str) -> dict[str, Any]:
    file = ORACLES / f"{stream}.v3.openapi.json"
    if not file.exists():
        pytest.skip("HubSpot's OpenAPI documents are not beside this checkout")
    document = json.loads(file.read_text("utf-8"))
    operation = document["paths"][path][method]
    body = operation["requestBody"] if part == "request" else operation["responses"]["200"]
    return {"components": document["components"], **body["content"]["application/json"]["schema"]}


@pytest.mark.parametrize("stream", ["contacts", "tickets"])
def test_fake_answers_as_published(stream: str) -> None:
    listed = Draft4Validator(_schema(stream, f"/crm/v3/objects/{stream}", "get", "answer"))
    asked = Draft4Validator(_schema(stream, f"/crm/v3/objects/{stream}/search", "post", "request"))
    found = Draft4Validator(_schema(stream, f"/crm/v3/objects/{stream}/search", "post", "answer"))
    seen: list[str] = []

    class Checked(Fake):
        def answer(self, request: Any) -> Any:
            response = super().answer(request)
            if request.path.endswith("/search"):
                seen.append("search")
                assert [error.message for error in asked.iter_errors(request.get_json())] == []
                assert [error.message for error in found.iter_errors(response.get_json())] == []
            elif request.path.endswith(stream):
                seen.append("list")
                assert [error.message for error in listed.iter_errors(response.get_json())] == []
            return response

    with lab(HubSpotSource, Checked, stream) as room:
        room.fill(5)
        room.fake.page_size = 2
        room.sync()
        room.fake.clock.advance(60)
        room.fake.put(stream, "2", name="Changed Name")
        room.sync()
        assert room.agrees()
    assert set(seen) == {"list", "search"}


def test_own_properties_are_asked_for() -> None:
    with lab(HubSpotSource, Fake, "contacts") as room:
        source = HubSpotSource({**room.fake.config(), "properties": {"contacts": ["shoe_size"]}}, clock=room.fake.clock)
        assert "shoe_size" in source.rest_streams()[0].all.params["properties"]


def test_more_changes_than_a_search_lists_are_all_read() -> None:
    with lab(HubSpotSource, Fake, "contacts") as room:
        room.fill(1)
        room.sync()
        room.fake.clock.advance(100_000)
        room.fill(150, first=10)
        source = HubSpotSource(room.fake.config(), clock=room.fake.clock)
        spec = source.rest_streams()[0]
        assert spec.changes is not None
        object.__setattr__(spec.changes, "window", 40)
        object.__setattr__(source, "rest_streams", lambda: [spec])
        room.fake.page_size = 20
        keys = {row["id"] for page in source.read("contacts", room.landed.bookmark) for row in page.rows}
        assert keys == {"1", *(str(number) for number in range(10, 160))} or keys == {str(number) for number in range(10, 160)}


@pytest.mark.long
@pytest.mark.clients
def test_unmodified_tap_reads_the_same_contacts() -> None:
    python = python_with("tap_hubspot", "meltano-tap-hubspot==0.10.1")
    authority = trustme.CA()
    bundle = Path(subprocess.run([python, "-m", "certifi"], capture_output=True, text=True, check=True).stdout.strip())
    bundle.unlink()  # it may be one with the file that uv keeps
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.hubapi.com").configure_cert(context)
    with lab(HubSpotSource, Fake, "contacts") as room:
        room.fill(7)
        room.fake.page_size = 3
        room.sync()
        port = urlsplit(room.fake.base_url).port or 0
        with tls_proxy(context, port) as proxy:
            source = SingerSource(
                {
                    "tap": str(python.with_name("tap-hubspot")),
                    "streams": ["contacts"],
                    "config": {"access_token": room.fake.secret, "start_date": "2020-01-01T00:00:00Z"},
                    "environment": {"HTTPS_PROXY": proxy, "NO_PROXY": ""},
                }
            )
            (stream,) = source.streams()
            pages = list(source.read("contacts"))
    tapped = {row["id"]: row["properties"]["email"] for page in pages for row in page.rows}
    assert stream.key == "id"
    assert tapped == {key: row["properties"]["email"] for key, row in room.landed.rows.items()}
    assert len(tapped) == 7
