"""How a source cuts its rows into pages: given a page, each kind says how to ask for the next one, and whether there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.contract import ContractError
from connectors.http import Answer, HttpClient, Request, with_params
from connectors.paths import at

Token = str | int
"""Where a page begins, in the words of the source."""


@dataclass(frozen=True)
class Following:
    """Where to go on: `token` asks for it, `more` tells that there is something now. A token without more stands for the next run."""

    token: Token | None
    more: bool


class Paging(Protocol):
    """A kind of paging, as data. `resumable`: a token is still right after rows came and went."""

    @property
    def resumable(self) -> bool: ...

    def ask(self, request: Request, token: Token | None) -> Request:
        """The request for the page at `token`; for the first one where it is None."""
        ...

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following: ...


@dataclass(frozen=True)
class SinglePage:
    """All rows in one answer."""

    resumable: bool = False

    def ask(self, request: Request, token: Token | None) -> Request:
        return request

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following:
        return Following(None, False)


@dataclass(frozen=True)
class CursorPaging:
    """The answer holds a token, at `at`, that goes into `param` for the next page; there is none on the last.

    Attributes:
        more_at: where the answer says whether there is more, if the token does not say it by its absence.
        ends_at: where the answer says that this was the last one.
        standing: the token of the last page asks, at the next run, for what changed since.
        first: parameters that go with the first page only.
    """

    param: str
    at: str
    size_param: str | None = None
    size: int = 100
    more_at: str | None = None
    ends_at: str | None = None
    standing: bool = False
    first: Mapping[str, Any] = field(default_factory=dict)
    resumable: bool = True

    def ask(self, request: Request, token: Token | None) -> Request:
        values: dict[str, Any] = {self.size_param: self.size} if self.size_param else {}
        return with_params(request, {**values, **(self.first if token is None else {self.param: token})})

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following:
        found = at(answer.data, self.at)
        more = found not in (None, "", False)
        if self.more_at is not None:
            more = more and bool(at(answer.data, self.more_at))
        if self.ends_at is not None:
            more = more and not at(answer.data, self.ends_at)
        return Following((found if more or self.standing else None), more)


@dataclass(frozen=True)
class LinkPaging:
    """The answer holds the address of the next page, at `at`, or in the header `Link` with rel=next where `at` is empty.

    Attributes:
        standing_at: where the last page holds an address that asks, at the next run, for what changed since.
    """

    at: str = ""
    standing_at: str | None = None
    size_param: str | None = None
    size: int = 100
    resumable: bool = True

    def ask(self, request: Request, token: Token | None) -> Request:
        if token is None:
            return with_params(request, {self.size_param: self.size} if self.size_param else {})
        return Request(str(token), headers=request.headers, label=request.label, limits=request.limits)

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following:
        found = at(answer.data, self.at) if self.at else _link(answer.headers.get("link", ""))
        if found:
            return Following(found, True)
        return Following(at(answer.data, self.standing_at) if self.standing_at else None, False)


def _link(header: str) -> str | None:
    match = re.search(r'<([^>]+)>\s*;[^,]*\brel="?next"?', header)
    return match.group(1) if match else None


@dataclass(frozen=True)
class NumberPaging:
    """Pages, or rows, are counted: `param` is `first`, and then more by `step` (1: pages; 0: the rows that came) each time.

    Attributes:
        total_at: where the answer says how many rows there are; else a page without rows ends it.
        next_at: where the answer says the number of the next page; none on the last.
    """

    param: str
    first: int = 1
    step: int = 1
    size_param: str | None = None
    size: int = 100
    total_at: str | None = None
    next_at: str | None = None
    resumable: bool = False

    def ask(self, request: Request, token: Token | None) -> Request:
        values: dict[str, Any] = {self.size_param: self.size} if self.size_param else {}
        return with_params(request, {**values, self.param: self.first if token is None else token})

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following:
        now = self.first if token is None else int(token)
        if self.next_at is not None:
            found = at(answer.data, self.next_at)
            more = found not in (None, "", False)
            return Following(found if more else None, more)
        following = now + (self.step or len(rows))
        total = at(answer.data, self.total_at) if self.total_at else None
        if isinstance(total, int):
            done = (now - self.first) * (self.size if self.step else 1) + len(rows)
            more = bool(rows) and done < total
        else:
            more = bool(rows)
        return Following(following if more else None, more)


@dataclass(frozen=True)
class AfterKeyPaging:
    """The key of the last row goes into `param`; `more_at` says whether there is more."""

    param: str
    key: str = "id"
    more_at: str = "has_more"
    size_param: str | None = "limit"
    size: int = 100
    resumable: bool = True

    def ask(self, request: Request, token: Token | None) -> Request:
        values: dict[str, Any] = {self.size_param: self.size} if self.size_param else {}
        return with_params(request, values if token is None else {**values, self.param: token})

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following:
        last = at(rows[-1], self.key) if rows and at(answer.data, self.more_at) else None
        return Following(last, last is not None)


def _tells_error(data: Any) -> bool:
    """Whether an answer says, at its top, that something went wrong."""
    if not isinstance(data, dict):
        return False
    told = any(data.get(name) for name in ("error", "errors", "error_code", "errorCode"))
    return told or data.get("success") is False or data.get("ok") is False or data.get("status") == "error"


def walk(client: HttpClient, paging: Paging, request: Request, records: str, token: Token | None) -> Iterator[tuple[list[Any], Following]]:
    """The pages of a request from `token` on: the rows of each, and where to go on after it.

    Raises:
        ContractError: a token repeats, or there is no list at `records`.
    """
    seen: set[int] = {hash(token)}
    while True:
        answer = client.send(paging.ask(request, token))
        rows = at(answer.data, records)
        if not rows and _tells_error(answer.data):
            raise ContractError(f"{request.label}: an error inside a successful answer. Nothing of it was taken; sync again later")
        if not isinstance(rows, list):
            raise ContractError(
                f"{request.label}: no list of rows at {records!r} in the answer. The source has changed, or `records` is wrong"
            )
        following = paging.following(token, answer, rows)
        if following.more and hash(following.token) in seen:
            raise ContractError(f"{request.label}: the source gives the same page token again and again, so the walk was stopped")
        yield rows, following
        if not following.more:
            return
        token = following.token
        seen.add(hash(token))
