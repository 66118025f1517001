"""The application over a small company, and a client for each role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from cdp.access import Role
from tests.company_fixtures import Company, company

__all__ = ["company"]

Client = Callable[..., FlaskClient]


@pytest.fixture(scope="module")
def app(company: Company) -> Flask:
    """One for the tests of a file: none of them changes it, and each would read the templates anew."""
    return create_app(company.settings, company.engine)


@pytest.fixture
def keyed(app: Flask, company: Company) -> Client:
    """A client that sends the key of a new user of this role and department."""

    def make(role: Role = Role.STEWARD, department: str | None = None) -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {company.key(role, department)}"
        return client

    return make


@pytest.fixture
def steward(keyed: Client) -> FlaskClient:
    return keyed()
