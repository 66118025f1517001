"""A person's way through the pages, driven in a real browser: with and without JavaScript, at a desk and on a phone, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from api import create_app
from cdp.access import Role
from tests.api.test_pages import PASSWORD, sign_in
from tests.company_fixtures import Company
from tests.small_company import ANNA
from tests.web.conftest import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.long]
PROFILE = [f"/profiles/{ANNA}{part}" for part in ("", "/records", "/timeline", "/history")]
WIDTHS = [360, 768, 1280]
PAGES = ["/", "/?q=berg", "/?q=nobodyhere", *PROFILE, "/system", "/docs"]
Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, site: str, company: Company) -> Iterator[Open]:
    """Opens the first page in a browser context of its own, signed in unless told otherwise."""
    contexts = []

    def make(known: bool = True, **context: Any) -> Page:
        made = chromium.new_context(base_url=site, **context)
        made.set_default_timeout(PATIENCE)
        contexts.append(made)
        if known:
            made.add_cookies([{"name": "cdp_session", "value": session_of(company), "url": site}])
        page = made.new_page()
        page.goto("/")
        return page

    yield make
    for context in contexts:
        context.close()


def session_of(company: Company) -> str:
    """The cookie of a new steward who signed in."""
    client = create_app(company.settings, company.engine).test_client()
    assert sign_in(client, company.user(Role.STEWARD, password=PASSWORD)) == 303
    cookie = client.get_cookie("cdp_session")
    assert cookie is not None
    return cookie.value


def test_the_way_from_the_door_and_a_name_to_everything_about_the_customer(open_page: Open, site: str, company: Company) -> None:
    page = open_page(known=False)
    page.get_by_label("Name").fill(company.user(Role.STEWARD, password=PASSWORD))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site + "/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("ann ber")
    result = page.locator("#results").get_by_role("link", name="Anna Berg")
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


@dataclass
class Seen:
    """What a walk through all pages met."""

    widths: dict[tuple[str, int], int] = field(default_factory=dict)
    nameless: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


NAMELESS = """[...document.querySelectorAll('input:not([type=hidden]), button, a, summary, select')]
    .filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.outerHTML)"""


@pytest.fixture(scope="module")
def seen(chromium: Browser, site: str, company: Company) -> Seen:
    """Every page is opened once, on a phone that grows to a desk."""
    found = Seen()
    context = chromium.new_context(base_url=site)
    context.set_default_timeout(PATIENCE)
    context.add_cookies([{"name": "cdp_session", "value": session_of(company), "url": site}])
    page = context.new_page()
    page.on("request", lambda request: found.hosts.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: found.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    for path in PAGES:
        page.set_viewport_size({"width": WIDTHS[0], "height": 780})
        page.goto(path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 780})
            found.widths[path, width] = page.evaluate("document.documentElement.scrollWidth")
        found.nameless += page.evaluate(NAMELESS)
    page.goto("/system")
    page.locator(".plot").scroll_into_view_if_needed()
    expect(page.locator(".plot .bars path").first).to_be_attached()
    context.close()
    return found


def test_no_page_is_wider_than_the_screen(seen: Seen) -> None:
    assert len(seen.widths) == len(PAGES) * len(WIDTHS)
    assert [place for place, width in seen.widths.items() if width > place[1]] == []


def test_nothing_comes_from_elsewhere_and_nothing_is_blocked(seen: Seen, site: str) -> None:
    assert seen.hosts == {urlsplit(site).netloc}
    assert [text for text in seen.complaints if not _maps(text)] == []


def _maps(text: str) -> bool:
    """Plotly puts the style sheet of its maps there; no map is drawn, and the policy rightly keeps it out."""
    return "Applying inline style violates" in text


def test_every_control_has_a_name(seen: Seen) -> None:
    assert seen.nameless == []
