"""The pages without a browser: who gets in, what a form must carry, where a link may lead, and that the field policy holds here too."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.gate import local_path
from cdp.access import Role
from tests.company_fixtures import Company
from tests.small_company import ANNA, OLD_ANNA

PASSWORD = "correct horse battery"
HTML = {"Accept": "text/html"}
PROFILE = [f"/profiles/{ANNA}{part}" for part in ("", "/records", "/timeline", "/history")]
PAGES = ["/", "/?q=berg", *PROFILE, "/matches", "/system", "/docs"]


def token(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found
    return found[1]


def sign_in(client: FlaskClient, name: str, password: str = PASSWORD, target: str = "/") -> int:
    form = client.get("/sign-in").text
    answer = client.post("/sign-in", data={"csrf": token(form), "name": name, "password": password, "next": target})
    return answer.status_code


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def steward_page(client: FlaskClient, company: Company) -> FlaskClient:
    assert sign_in(client, company.user(Role.STEWARD, password=PASSWORD)) == 303
    return client


@pytest.mark.parametrize("path", PAGES[:-1])
def test_stranger_is_sent_to_sign_in_and_back(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in?next=")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens(steward_page: FlaskClient, path: str) -> None:
    answer = steward_page.get(path, headers=HTML)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert " style=" not in answer.text
    assert "http://" not in answer.text.replace("http://localhost/", "").replace("http://www.w3.org/", "")


def test_wrong_password_is_told_and_not_what_was_wrong(client: FlaskClient, company: Company) -> None:
    name = company.user(Role.VIEWER, password=PASSWORD)
    form = client.get("/sign-in").text
    answer = client.post("/sign-in", data={"csrf": token(form), "name": name, "password": "wrong"})
    assert answer.status_code == 401
    assert "name or the password is wrong" in answer.text


def test_form_without_its_token_is_refused(client: FlaskClient, company: Company) -> None:
    name = company.user(Role.VIEWER, password=PASSWORD)
    client.get("/sign-in")
    for data in ({}, {"csrf": ""}, {"csrf": "made-up"}):
        assert client.post("/sign-in", data={"name": name, "password": PASSWORD, **data}).status_code == 403


def test_signing_out_needs_the_token_and_ends_the_session(steward_page: FlaskClient) -> None:
    assert steward_page.post("/sign-out").status_code == 403
    cookie = steward_page.get_cookie("cdp_session")
    assert cookie is not None
    steward_page.post("/sign-out", data={"csrf": token(steward_page.get("/").text)})
    steward_page.set_cookie("cdp_session", cookie.value)
    assert steward_page.get("/", headers=HTML).status_code == 302


def test_cookie_is_out_of_reach_of_scripts_and_secure_over_https(client: FlaskClient) -> None:
    plain = client.get("/sign-in").headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax"} <= set(plain.split("; "))
    client.delete_cookie("cdp_session")
    assert "Secure" in client.get("/sign-in", base_url="https://localhost").headers["Set-Cookie"].split("; ")


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", None, "/a\nb", "evil.example"]
)
def test_link_after_signing_in_stays_here(target: str | None) -> None:
    assert local_path(target) == "/"


def test_session_opens_the_api_for_reading(steward_page: FlaskClient) -> None:
    assert steward_page.get(f"/v1/profiles/{ANNA}").status_code == 200


def test_merged_id_leads_to_the_living_profile(steward_page: FlaskClient) -> None:
    answer = steward_page.get(f"/profiles/{OLD_ANNA}/timeline", headers=HTML, follow_redirects=True)
    assert answer.request.path == f"/profiles/{ANNA}/timeline"
    assert "was merged into this one" in answer.text


def test_who_has_looked_at_nobody_is_shown_whom_many_sources_know(steward_page: FlaskClient) -> None:
    first = steward_page.get("/", headers=HTML).text
    assert "Known in many places" in first
    shown = re.findall(r"(\d+) sources?<", first)
    assert len(shown) > 1
    assert shown == sorted(shown, key=int, reverse=True)
    steward_page.get(f"/profiles/{ANNA}", headers=HTML)
    again = steward_page.get("/", headers=HTML).text
    assert "Looked at last" in again
    assert "Known in many places" not in again


def test_what_is_typed_is_written_as_text(steward_page: FlaskClient) -> None:
    text = steward_page.get("/", query_string={"q": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_pages_hold_to_the_field_policy(client: FlaskClient, company: Company) -> None:
    assert sign_in(client, company.user(Role.ENGINEER, password=PASSWORD)) == 303
    text = "".join(client.get(path, headers=HTML).text for path in PAGES if "q=" not in path)
    for secret in ("Anna", "anna.berg@", "+493012345678", "Lindenweg", "1984-03-09", "long scratch"):
        assert secret not in text, secret


def test_viewer_sees_no_quarantine(client: FlaskClient, company: Company) -> None:
    sign_in(client, company.user(Role.VIEWER, password=PASSWORD))
    assert 'id="quarantine"' not in client.get("/system").text


def test_fragment_is_the_list_alone(steward_page: FlaskClient) -> None:
    text = steward_page.get("/?q=berg", headers={"X-Fragment": "1"}).text
    assert "<html" not in text
    assert "Anna" in text


def test_chart_library_comes_from_the_wheel_and_is_kept(steward_page: FlaskClient) -> None:
    path = re.search(r'data-plotly="([^"]+)"', steward_page.get("/system").text)
    assert path
    answer = steward_page.get(path[1], headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")
    assert "immutable" in answer.headers["Cache-Control"]
    assert steward_page.get("/assets/plotly-0.0.js").status_code == 404


def test_page_leaves_alone_what_trackers_append(steward_page: FlaskClient) -> None:
    assert steward_page.get("/?q=berg&utm_source=mail", headers=HTML).status_code == 200
