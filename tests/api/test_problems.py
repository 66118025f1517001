"""Whatever goes wrong is a problem document (RFC 9457) that tells nothing about people or the inside."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from sqlalchemy.exc import OperationalError

import schemas
from api import profiles


def check(answer: object, status: int) -> None:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    Draft202012Validator(schemas.load("problem")).validate(answer.json)


def test_unknown_address(steward: FlaskClient) -> None:
    check(steward.get("/v1/nothing"), 404)
    check(steward.get("/v1/profiles/not-an-id"), 404)


def test_wrong_method_names_the_right_ones(steward: FlaskClient) -> None:
    answer = steward.delete("/v1/profiles")
    check(answer, 405)
    assert "GET" in answer.headers["Allow"]
    assert "it takes GET" in answer.json["detail"]


def test_unforeseen_error_tells_a_number_and_nothing_else(
    steward: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Anna Berg, anna.berg@mail.example")

    monkeypatch.setattr(profiles.customers, "find", broken)
    with caplog.at_level(logging.ERROR):
        answer = steward.get("/v1/profiles?q=anna")
    check(answer, 500)
    assert "Berg" not in answer.text
    assert answer.json["instance"].removeprefix("urn:uuid:") in caplog.text


def test_database_that_does_not_answer_is_a_503(steward: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("select secret", {}, Exception("gone"))

    monkeypatch.setattr(profiles.customers, "find", gone)
    answer = steward.get("/v1/profiles?q=anna")
    check(answer, 503)
    assert "secret" not in answer.text
    assert answer.headers["Retry-After"] == "5"


def test_too_large_a_body_is_a_413(app: Flask) -> None:
    answer = app.test_client().post("/sign-in", data={"name": "x" * (2 << 20)})
    assert answer.status_code == 413


def test_browser_gets_a_page(steward: FlaskClient) -> None:
    answer = steward.get("/nothing", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_every_answer_carries_the_defences(steward: FlaskClient) -> None:
    for path in ("/v1/status", "/v1/nothing", "/docs", "/sign-in"):
        headers = steward.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
