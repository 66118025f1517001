"""A marketer's way out in a real browser: from a segment to a destination, its preflight, sending, and the answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import text

from cdp import segments
from cdp.access import Role
from cdp.activation import register
from tests.company_fixtures import Company
from tests.web.conftest import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.long]
PASSWORD = "correct horse battery"


@pytest.mark.parametrize("width", [360, 1280])
def test_from_a_segment_to_the_answers(chromium: Browser, site: str, company: Company, tmp_path: Path, width: int) -> None:
    with company.engine.begin() as connection:
        for name in ("all_of_them", "some_of_them"):
            segments.save(connection, name, "everyone", "test")
        document = {"name": "mart", "segment": "all_of_them", "legal_basis": "contract: our own mart", "format": "fields"}
        register(connection, {**document, "to": {"files": {"path": str(tmp_path / "out")}}}, "test")
    segments.refresh(company.engine, names=["all_of_them", "some_of_them"])
    context = chromium.new_context(base_url=site, viewport={"width": width, "height": 780})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto("/sign-in")
    page.get_by_label("Name").fill(company.user(Role.MARKETER, password=PASSWORD))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site + "/")

    page.goto("/segments/all_of_them")
    page.get_by_role("link", name="Send it somewhere").click()
    page.get_by_role("link", name="mart").click()
    expect(page.locator("#preflight")).to_contain_text("Would be added")
    expect(page.locator("#preflight dd").first).to_have_text("2")
    assert not (tmp_path / "out").exists()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    send = page.get_by_role("button", name="Send")
    expect(send).to_have_class("primary")
    send.click()
    expect(page.get_by_role("heading", name="Rows and their answers")).to_be_visible()
    expect(page.locator("#preflight")).to_contain_text("nothing would be sent")
    expect(send).to_be_disabled()
    expect(send).not_to_have_class("primary")
    expect(page.get_by_text("what changes goes as soon as segments are fresh")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert len(list((tmp_path / "out").iterdir())) == 1
    page.goto("/destinations/mart?segment=some_of_them")
    expect(page.get_by_text("it carries “some_of_them” from then on")).to_be_visible()
    expect(send).to_be_enabled()
    expect(send).not_to_have_class("primary")
    page.goto("/destinations")
    expect(page.get_by_role("link", name="mart")).to_contain_text("sent")
    context.close()
    with company.engine.begin() as connection:
        for table in ("export_ledger", "audience_member", "delivery", "destination"):
            connection.execute(text(f"delete from {table}"))
