"""The published clients, unmodified: what they send arrives whole, once, also where the first answers are errors.

`tests/foreign.py` installs them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.foreign import node_with, python_with
from tests.tracking.conftest import World

pytestmark = [pytest.mark.clients, pytest.mark.long]

DRIVERS = Path(__file__).parent / "drivers"
PYTHON = ("segment-analytics-python==2.4.0", "rudder-sdk-python==2.1.9")
NODE = ("@segment/analytics-node@3.1.0", "@rudderstack/rudder-sdk-node@3.0.13", "@segment/analytics-next@1.84.3")
BROWSER_SCRIPT = "node_modules/@segment/analytics-next/dist/umd/index.js"


@pytest.fixture(scope="session")
def python_clients() -> Path:
    """A Python of its own that has the clients: they want an older dateutil than the platform."""
    return python_with("python", *PYTHON)


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """A folder whose node_modules has the clients."""
    return node_with("node", *NODE)


class Falters:
    """The application, which answers the first requests to batch 503, as it does while its database is away."""

    def __init__(self, app: Flask, times: int) -> None:
        self.app, self.left, self.requests = app, times, 0
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self.lock:
            self.requests += 1
            refuse = environ["REQUEST_METHOD"] == "POST" and self.left > 0
            self.left -= refuse
        if refuse:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            headers = [("Content-Type", "application/json"), ("Retry-After", "1"), ("Access-Control-Allow-Origin", "*")]
            start("503 Service Unavailable", headers)
            return [b'{"code": "unavailable", "message": "the event store does not answer; send the request again"}']
        return self.app(environ, start)


@pytest.fixture
def serve(world: World) -> Iterator[Callable[[int], tuple[str, Falters]]]:
    """Serves the tracking API on a port of its own; gives its address."""
    servers = []

    def start(falter: int = 0) -> tuple[str, Falters]:
        app = Falters(world.client.application, falter)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", app

    yield start
    for server in servers:
        server.shutdown()


def taken(world: World) -> dict[str, int]:
    """How many calls of each kind were processed: what people did, and what says who they are."""
    both = "select stream as call from interaction union all select type from profile_update"
    return {row.call: row.n for row in world.rows(f"select call, count(*) as n from ({both}) both_kinds group by 1")}


def check_everything_arrived(world: World) -> None:
    done = world.process()
    kinds = taken(world)
    assert kinds == {"identify": 1, "alias": 1, "group": 1, "page": 1, "screen": 1, "track": 250}
    assert done.held == 0
    numbers = [row.n for row in world.rows("select (canonical->'properties'->>'number')::int as n from interaction where stream = 'track'")]
    assert sorted(numbers) == list(range(250))
    (person,) = world.rows("select canonical from record where source_key = 'user:u-1'")
    assert (person.canonical["emails"], person.canonical["given_name"]) == (["ann@example.org"], "Ann")
    assert len({row.profile_id for row in world.rows("select profile_id from interaction")}) == 1
    late = world.rows("select at from interaction where at > landed_at or at < landed_at - interval '10 minutes'")
    assert not late


@pytest.mark.parametrize("falter", [0, 2])
@pytest.mark.parametrize("name", ["segment", "rudder"])
def test_python(world: World, serve: Callable[[int], tuple[str, Falters]], python_clients: Path, name: str, falter: int) -> None:
    url, app = serve(falter)
    subprocess.run([python_clients, DRIVERS / "python_client.py", name, url, world.key], check=True, timeout=180)
    check_everything_arrived(world)
    assert app.requests <= 12 + falter, "nothing that was taken is sent again"


@pytest.mark.parametrize("falter", [0, 2])
@pytest.mark.parametrize("name", ["segment", "rudder"])
def test_node(world: World, serve: Callable[[int], tuple[str, Falters]], node_clients: Path, name: str, falter: int) -> None:
    url, _ = serve(falter)
    subprocess.run(["node", DRIVERS / "node_client.js", name, url, world.key], cwd=node_clients, check=True, timeout=180)
    check_everything_arrived(world)


@pytest.mark.parametrize("strategy", ["single", "batching"])
def test_browser(world: World, serve: Callable[[int], tuple[str, Falters]], node_clients: Path, strategy: str) -> None:
    """In Chromium, from a page of another origin: settings request, preflight, and Basic authentication with text/plain."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not on PATH; CI must install it (apt-get install chromium)")
        pytest.skip("chromium is not on PATH (apt-get install chromium)")
    url, _ = serve(0)
    site = Flask("shop")
    site.add_url_rule("/", "home", lambda: "<!doctype html><title>Shop</title><h1>Shop</h1>")
    server = make_server("127.0.0.1", 0, site, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    delivery = {"strategy": "batching", "config": {"size": 10, "timeout": 200}} if strategy == "batching" else {}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
            page = browser.new_page()
            methods: list[str] = []
            page.on("request", lambda request: methods.append(f"{request.method} {request.url.removeprefix(url)}"))
            page.goto(f"http://localhost:{server.server_port}/")
            page.add_script_tag(path=node_clients / BROWSER_SCRIPT)
            page.evaluate(BROWSER, {"url": url, "key": world.key, "delivery": delivery})
            until = time.monotonic() + 120
            while time.monotonic() < until and world.rows("select count(*) as n from event_receipt")[0].n < 6:
                page.wait_for_timeout(200)
            browser.close()
    finally:
        server.shutdown()
    world.process()
    kinds = taken(world)
    assert kinds == {"page": 1, "track": 3, "identify": 1, "group": 1}
    assert len({row.profile_id for row in world.rows("select profile_id from interaction")}) == 1, "the visitor became the person"
    (shown,) = world.rows("select name, channel, raw from interaction where stream = 'page'")
    assert (shown.name, shown.channel) == ("Home", "web")
    assert shown.raw["context"]["ip"] == "127.0.0.1"
    assert f"GET /v1/projects/{world.key}/settings" in methods


BROWSER = """async ({url, key, delivery}) => {
  const host = new URL(url).host;
  const {AnalyticsBrowser} = window.AnalyticsNext || window;
  const [client] = await AnalyticsBrowser.load(
    {writeKey: key, cdnURL: url},
    {integrations: {'Segment.io': {apiHost: `${host}/v1`, protocol: 'http', deliveryStrategy: delivery}}});
  await client.page('Home');
  for (let n = 0; n < 3; n++) await client.track('Looked', {n});
  await client.identify('u-1', {email: 'ann@example.org'});
  await client.group('g-1', {name: 'Acme'});
}"""
