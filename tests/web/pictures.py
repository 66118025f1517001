"""The pictures of the README and the docs, taken of the demo company in Debian's Chromium.

cdp demo --home FOLDER                                       (in one terminal; it prints the password)
python -m tests.web.pictures http://127.0.0.1:8000 PASSWORD
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parents[2] / "docs" / "images"
SHOWN = "Fiona Glenby"
"""A customer of the demo whom five departments know."""
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def main(site: str, password: str) -> None:
    """Take all of them."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        desk = _signed_in(browser, site, password, DESK)
        profile = _customer(desk)
        _take(desk, "profile")
        desk.goto(f"{profile}/records")
        _take(desk, "records")
        _segment(desk)
        _take(desk, "segment")
        phone = _signed_in(browser, site, password, PHONE)
        phone.goto(profile)
        _take(phone, "phone")
        browser.close()


def _signed_in(browser: Browser, site: str, password: str, size: dict[str, int]) -> Page:
    page = browser.new_context(base_url=site, viewport=size).new_page()
    page.goto("/sign-in")
    page.get_by_label("Name").fill("demo")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site + "/")
    return page


def _customer(page: Page) -> str:
    page.goto(f"/?q={SHOWN}")
    page.get_by_role("link", name=SHOWN).first.click()
    page.wait_for_url("**/profiles/*")
    return page.url


def _segment(page: Page) -> None:
    page.goto("/segments/new?condition=orders.count in last 180 days >= 2 and consent(email) and city != Denver")
    page.get_by_text("Some of them").wait_for()


def _take(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main(*sys.argv[1:3])
