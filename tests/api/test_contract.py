"""The inventory: every route declares who may call it, REST routes are in a valid OpenAPI document, and roles get what the table says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask
from openapi_spec_validator import validate
from sqlalchemy.engine import URL
from werkzeug.routing import Rule

import api
from api import UndeclaredRoute, create_app, openapi
from api.operations import Operation, Page, Public, requirement_of
from cdp.access import ACTIONS, Role
from tests.company_fixtures import Company, new_company
from tests.small_company import ANNA

PUBLIC = {
    "static",
    "assets.plotly",
    "reference.openapi",
    "reference.page",
    "sign_in.enter",
    "sign_in.form",
    "sign_in.leave",
    "system.health",
}
"""Routes that need nobody. A route that joins them does so here, in sight."""


@pytest.fixture(scope="module")
def company(server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company of its own: every operation is called here, those too that resolve, refresh and send."""
    with new_company(server, tmp_path_factory) as made:
        yield made


def test_openapi_document_is_valid(app: Flask) -> None:
    validate(openapi.document(app))


def test_every_rest_route_is_in_the_document(app: Flask) -> None:
    paths = app.test_client().get("/openapi.json").json["paths"]
    missing = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1/") and not isinstance(requirement_of(app.view_functions[rule.endpoint]), Public)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if method.lower() not in paths.get(openapi.path_of(rule), {})
    ]
    assert missing == []


def test_public_routes_are_these_and_no_others(app: Flask) -> None:
    found = {name for name, view in app.view_functions.items() if isinstance(requirement_of(view), Public)}
    assert {name for name in found if not name.startswith("tracking.")} == PUBLIC


def test_declared_actions_exist(app: Flask) -> None:
    used = {found.action for view in app.view_functions.values() if isinstance(found := requirement_of(view), Operation | Page)}
    assert used - {None} <= set(ACTIONS)


def test_application_does_not_start_with_a_route_that_says_nothing(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless:
        blueprint = Blueprint("careless", __name__)

    Careless.blueprint.add_url_rule("/v1/everything", "everything", lambda: {})
    monkeypatch.setattr(api, "BLUEPRINTS", (*api.BLUEPRINTS, "careless"))
    real = api.importlib.import_module
    monkeypatch.setattr(api.importlib, "import_module", lambda name: Careless if name == "careless" else real(name))
    with pytest.raises(UndeclaredRoute, match=r"careless\.everything"):
        create_app(company.settings, company.engine)


def _example(rule: Rule) -> str:
    """A path that the rule matches."""
    values = {"uuid": str(ANNA), "int": "1"}
    return re.sub(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>", lambda match: values.get(match[1] or "", "x"), rule.rule)


def _paths(app: Flask) -> list[tuple[str, str, str]]:
    return [
        (_example(rule), method.upper(), declared.action or "")
        for rule, method, declared, _ in openapi.operations(app)
        if declared.action is not None
    ]


@pytest.mark.parametrize("role", Role)
def test_role_gets_what_the_table_says(app: Flask, keyed: Any, role: Role) -> None:
    """Default deny: 403 exactly where ACTIONS does not name the role."""
    client = keyed(role)
    for path, method, action in _paths(app):
        status = client.open(path, method=method).status_code
        assert (status == 403) == (role not in ACTIONS[action]), (path, role, status)


def test_without_a_key_everything_is_a_401(app: Flask) -> None:
    client = app.test_client()
    for path, method, _ in _paths(app):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer nonsense"}, {"X-API-Key": "nonsense"}, {"Authorization": "Basic YTpi"}])
def test_wrong_credentials_are_a_401(app: Flask, headers: dict[str, str]) -> None:
    assert app.test_client().get("/v1/status", headers=headers).status_code == 401


def test_key_may_come_in_a_header_of_its_own(app: Flask, keyed: Any) -> None:
    key = keyed().environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    assert app.test_client().get("/v1/status", headers={"X-API-Key": key}).status_code == 200
