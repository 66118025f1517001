"""Whatever goes wrong is answered with one document, `schemas/problem.schema.json` (RFC 9457), or with a page for who asked for HTML.

The text of an error never carries a person's data: it names places and reasons. What nobody foresaw is logged under the number that the
answer gives as `instance`, and says nothing else.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, current_app, render_template, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from cdp.access import Forbidden, NotAuthenticated, TooManyAttempts
from cdp.db import DatabaseUnavailable
from cdp.errors import PlatformError

MEDIA_TYPE = "application/problem+json"


class PlaceError(PlatformError):
    """One place of a request and what is wrong with it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place} {reason}")
        self.place, self.reason = place, reason


class BadRequest(PlatformError):
    """The request is not what the route takes: correct it."""

    status = 400

    def __init__(self, message: str, errors: Sequence[PlaceError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class NotFound(PlatformError):
    """There is nothing of this name, or nothing that the principal may see."""


class Conflict(PlatformError):
    """What is asked for contradicts what is there."""


@dataclass(frozen=True)
class Problem:
    """A problem document before it is written."""

    status: int
    detail: str
    kind: str = "about:blank"
    title: str = ""
    errors: tuple[PlaceError, ...] = ()
    instance: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        body: dict[str, Any] = {"type": self.kind, "title": self.title or HTTPStatus(self.status).phrase, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [{"place": error.place, "reason": error.reason} for error in self.errors]
        if self.instance:
            body["instance"] = self.instance
        return body


def problem_of(error: Exception) -> Problem:
    """What to answer to `error`."""
    match error:
        case BadRequest():
            return Problem(error.status, str(error), errors=error.errors)
        case PlaceError():
            return Problem(400, "The request is not valid.", errors=(error,))
        case TooManyAttempts():
            return Problem(429, str(error), headers=(("Retry-After", str(error.retry_after)),))
        case NotAuthenticated():
            return Problem(401, str(error), headers=(("WWW-Authenticate", 'Bearer realm="customer data platform"'),))
        case Forbidden():
            return Problem(403, str(error))
        case Conflict():
            return Problem(409, str(error))
        case DatabaseUnavailable() | OperationalError() | PoolTimeout():
            current_app.logger.error("the database does not answer: %s", type(error).__name__)
            return Problem(503, "The database does not answer. Try again in a few seconds.", headers=(("Retry-After", "5"),))
        case HTTPException():
            return _http(error)
        case PlatformError():
            return Problem(404 if _means_not_found(error) else 400, str(error))
        case _:
            return _unforeseen(error)


def _means_not_found(error: PlatformError) -> bool:
    """Rooms name their own error for what is not there; by name, so that the API need not import every room."""
    return any("NotFound" in kind.__name__ or kind.__name__.startswith("Unknown") for kind in type(error).__mro__)


def _http(error: HTTPException) -> Problem:
    status = error.code or 500
    headers = tuple((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    if status == 404:
        return Problem(404, "There is nothing at this address.", headers=headers)
    if status == 405:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return Problem(405, f"This address does not take {request.method}; it takes {allowed}.", headers=headers)
    return Problem(status, error.description or "", headers=headers)


def _unforeseen(error: Exception) -> Problem:
    number = uuid.uuid4()
    current_app.logger.error("problem %s at %s %s", number, request.method, request.url_rule, exc_info=error)
    return Problem(500, "Something went wrong on this side; the log has it under the number in `instance`.", instance=f"urn:uuid:{number}")


def wants_page() -> bool:
    """Whether who asks is a browser looking for a page."""
    if request.path.startswith("/v1/") or request.path == "/openapi.json":
        return False
    return "text/html" in request.headers.get("Accept", "")


def respond(problem: Problem) -> Response:
    """The problem as a document or as a page."""
    if wants_page():
        response = current_app.make_response(render_template("problem.html", problem=problem))
    else:
        response = current_app.response_class(orjson.dumps(problem.document()), mimetype=MEDIA_TYPE)
    response.status_code = problem.status
    response.headers.extend(problem.headers)
    return response


def init_app(app: Flask) -> None:
    """Answer every error of `app` so."""
    app.register_error_handler(Exception, lambda error: respond(problem_of(error)))
