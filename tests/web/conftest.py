"""The application served over a socket, and Debian's Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from werkzeug.serving import make_server

from api import create_app
from tests.company_fixtures import Company, company

__all__ = ["company"]


PATIENCE = 60_000
"""Milliseconds that a page may take to become what is expected; nothing is lost where it is quick."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium from PATH. Where it is missing the tests are skipped, in CI they fail."""
    expect.set_options(timeout=PATIENCE)
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not on PATH; CI must install it (apt-get install chromium)")
        pytest.skip("chromium is not on PATH (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(company: Company) -> Iterator[str]:
    """Address of the running application."""
    server = make_server("127.0.0.1", 0, create_app(company.settings, company.engine), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
