"""Every route says who may call it; the gate refuses a route that says nothing, and `create_app` does not start with one.

`@operation` marks a REST route, `@page` a page, `@public` a route that needs nobody. What `@operation` is told is also what
`/openapi.json` says, and what the query is checked against: the three cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from flask import Response, request

from api.problems import BadRequest, PlaceError

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Query:
    """A parameter of the query string.

    Attributes:
        kind: `str`, `int` or `bool`.
        many: may be given several times; arrives as a tuple.
    """

    name: str
    description: str
    kind: type = str
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    required: bool = False
    max_length: int = 500

    def parse(self, given: Sequence[str]) -> Any:
        """The value of what was given.

        Raises:
            PlaceError: at `query.NAME`, with the reason.
        """
        if not given:
            if self.required:
                raise PlaceError(f"query.{self.name}", "is required")
            return () if self.many else self.default
        if self.many:
            return tuple(self._one(text) for text in given)
        if len(given) > 1:
            raise PlaceError(f"query.{self.name}", "was given more than once")
        return self._one(given[0])

    def _one(self, text: str) -> Any:
        place = f"query.{self.name}"
        if "\x00" in text or len(text) > self.max_length:
            raise PlaceError(place, f"must be at most {self.max_length} characters, without NUL")
        if self.choices and text not in self.choices:
            raise PlaceError(place, f"must be one of {', '.join(self.choices)}")
        if self.kind is bool:
            if text not in ("true", "false"):
                raise PlaceError(place, "must be true or false")
            return text == "true"
        return self._whole(text, place) if self.kind is int else text

    def _whole(self, text: str, place: str) -> int:
        if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 18):
            raise PlaceError(place, "must be a whole number")
        value = int(text)
        if self.minimum is not None and value < self.minimum:
            raise PlaceError(place, f"must be at least {self.minimum}")
        if self.maximum is not None and value > self.maximum:
            raise PlaceError(place, f"must be at most {self.maximum}")
        return value

    def schema(self) -> dict[str, Any]:
        """As JSON Schema, for the OpenAPI document."""
        one: dict[str, Any] = {"type": {str: "string", int: "integer", bool: "boolean"}[self.kind]}
        limits = {"minimum": self.minimum, "maximum": self.maximum, "enum": list(self.choices) or None}
        one |= {name: value for name, value in limits.items() if value is not None}
        if self.kind is str and not self.choices:
            one["maxLength"] = self.max_length
        if self.many:
            return {"type": "array", "items": one}
        return one if self.default is None else one | {"default": self.default}


LIMIT = Query("limit", "How many items a page holds.", int, 20, 1, 200)
CURSOR = Query("cursor", "`next_cursor` of the page before; opaque.", max_length=1000)


@dataclass(frozen=True)
class Operation:
    """What a REST route does.

    Attributes:
        action: of `cdp.access.ACTIONS`; None for a route with credentials of its own (`security`).
        answer: schema of the answer, `FILE` or `FILE.DEFINITION` of `schemas/`; None where there is no body, or one that is no JSON.
        media: the media type of an answer that is no JSON.
        body: schema of the request's body, in the same notation.
        security: OpenAPI security schemes that open it, any of them.
    """

    action: str | None
    summary: str
    answer: str | None
    status: int = 200
    query: tuple[Query, ...] = ()
    media: str | None = None
    body: str | None = None
    description: str = ""
    tag: str = ""
    problems: tuple[int, ...] = ()
    security: tuple[str, ...] = ("bearer", "api_key", "session")


@dataclass(frozen=True)
class Page:
    """A page for people: a session opens it; who has none is sent to sign in."""

    action: str


@dataclass(frozen=True)
class Public:
    """A route for everybody. `csrf`: its forms carry a token."""

    csrf: bool = True


Requirement = Operation | Page | Public


def requirement_of(function: Callable[..., Any]) -> Requirement | None:
    """What the route's function declares, or None."""
    found: Requirement | None = getattr(function, "__requirement__", None)
    return found


def _declare(function: Callable[..., Any], requirement: Requirement) -> None:
    function.__requirement__ = requirement  # type: ignore[attr-defined]  # read back by requirement_of alone


def operation(
    action: str | None,
    summary: str,
    *,
    answer: str | None,
    query: Sequence[Query] = (),
    **more: Any,
) -> Callable[[View], View]:
    """Declare a REST route. The function gets each query parameter as a keyword argument; an undeclared one is refused."""
    declared = Operation(action, summary, answer, query=tuple(query), **more)

    def decorate(function: View) -> View:
        @wraps(function)
        def call(**path: Any) -> Any:
            return function(**path, **_parse(declared.query, _undeclared(declared.query)))

        _declare(call, declared)
        return call  # type: ignore[return-value]  # same signature, less the query

    return decorate


def parse_query(declared: Sequence[Query]) -> dict[str, Any]:
    """The values of all `declared` parameters of the request; others are left alone, as a page must with what mailers and trackers append.

    Raises:
        BadRequest: each place that is wrong, with its reason.
    """
    return _parse(declared, [])


def _parse(declared: Sequence[Query], wrong: list[PlaceError]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for query in declared:
        try:
            values[query.name] = query.parse(request.args.getlist(query.name))
        except PlaceError as error:
            wrong.append(error)
    if wrong:
        raise BadRequest("The query is not valid.", wrong)
    return values


def _undeclared(declared: Sequence[Query]) -> list[PlaceError]:
    known = {query.name for query in declared}
    reason = f"is unknown; known are: {', '.join(sorted(known)) or 'none'}"
    return [PlaceError(f"query.{name}", reason) for name in request.args if name not in known]


def page(action: str) -> Callable[[View], View]:
    """Declare a page that needs a session whose role may do `action`."""

    def decorate(function: View) -> View:
        _declare(function, Page(action))
        return function

    return decorate


def public(*, csrf: bool = True) -> Callable[[View], View]:
    """Declare a route that needs nobody."""

    def decorate(function: View) -> View:
        _declare(function, Public(csrf))
        return function

    return decorate


@dataclass(frozen=True)
class Answer:
    """A body with headers, where a plain body does not do."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Result = Response | Answer | dict[str, Any] | list[Any]
