"""A person's way through the pages, driven in a real browser: with and without JavaScript, at a desk and on a phone, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from cdp.access import Role
from tests.company_fixtures import Company
from tests.small_company import ANNA

pytestmark = [pytest.mark.browser, pytest.mark.long]
PASSWORD = "correct horse battery"
PROFILE = [f"/profiles/{ANNA}{part}" for part in ("", "/records", "/timeline", "/history")]
PAGES = ["/", "/?q=berg", "/?q=nobodyhere", *PROFILE, "/system", "/docs"]
Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, site: str, company: Company) -> Iterator[Open]:
    """Opens a signed-in page in a browser context of its own."""
    contexts = []

    def make(**context: Any) -> Page:
        made = chromium.new_context(base_url=site, **context)
        made.set_default_timeout(15_000)
        contexts.append(made)
        page = made.new_page()
        page.goto("/sign-in")
        page.get_by_label("Name").fill(company.user(Role.STEWARD, password=PASSWORD))
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(site + "/")
        return page

    yield make
    for context in contexts:
        context.close()


def test_the_way_from_a_name_to_everything_about_the_customer(open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("ann ber")
    result = page.get_by_role("link", name="Anna Berg")
    expect(result).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=ann%20ber$"))
    page.keyboard.press("ArrowDown")
    expect(result).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Anna")
    page.locator("summary", has_text="Family name").click()
    expect(page.locator("details[open]")).to_contain_text("Chosen because")
    expect(page.locator("details[open]")).to_contain_text("Berg-Koch")
    expect(page.get_by_role("region", name="Household")).to_contain_text("Boris Berg")

    page.get_by_role("link", name="Records").click()
    expect(page.locator(".differs", has_text="1984-09-03")).to_be_visible()
    expect(page.get_by_role("heading", name="Why these are one customer")).to_be_visible()
    page.locator("summary", has_text="shop").click()
    expect(page.locator("details[open] .raw")).to_contain_text("88")

    page.get_by_role("link", name="Timeline").click()
    page.get_by_label("Ticket").check()
    expect(page).to_have_url(re.compile(r"kind=ticket"))
    expect(page.locator(".events > li")).to_have_count(1)
    expect(page.locator(".events")).to_contain_text("Shelf arrived scratched")

    page.get_by_role("link", name="History").click()
    expect(page.locator(".events")).to_contain_text("came from another profile")

    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_everything_works_without_javascript(open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    page.get_by_role("searchbox").fill("anna")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="Anna Berg").click()
    page.get_by_role("link", name="Timeline").click()
    page.get_by_label("Order").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".events > li")).to_have_count(30)
    page.goto("/system")
    page.get_by_text("The figures").click()
    expect(page.get_by_role("rowheader", name="web")).to_be_visible()


def test_late_answers_do_not_overtake(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("searchbox").press_sequentially("boris", delay=30)
    page.get_by_role("searchbox").fill("anna")
    expect(page.get_by_role("link", name="Anna Berg")).to_be_visible()
    expect(page.get_by_role("link", name="Boris Berg")).to_have_count(0)


def test_slash_goes_to_the_search_and_digits_to_the_tabs(open_page: Open) -> None:
    page = open_page()
    page.goto(f"/profiles/{ANNA}")
    page.keyboard.press("3")
    expect(page).to_have_url(re.compile("/timeline$"))
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("boris")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Boris Berg")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_the_screen(open_page: Open, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 780})
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_nothing_comes_from_elsewhere_and_nothing_is_blocked(open_page: Open, site: str) -> None:
    page = open_page()
    hosts: set[str] = set()
    complaints: list[str] = []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in PAGES:
        page.goto(path)
    page.goto("/system")
    page.locator(".plot").scroll_into_view_if_needed()
    expect(page.locator(".plot .bars path").first).to_be_attached(timeout=30_000)
    assert hosts == {urlsplit(site).netloc}
    assert [text for text in complaints if not _maps(text)] == []


def _maps(text: str) -> bool:
    """Plotly puts the style sheet of its maps there; no map is drawn, and the policy rightly keeps it out."""
    return "Applying inline style violates" in text


def test_every_control_has_a_name(open_page: Open) -> None:
    page = open_page()
    nameless = """[...document.querySelectorAll('input:not([type=hidden]), button, a, summary, select')]
        .filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.outerHTML)"""
    for path in PAGES:
        page.goto(path)
        assert page.evaluate(nameless) == [], path
