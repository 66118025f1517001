"""Broken connectors: for each check one that breaks its rule and works otherwise. A check that does not catch its own is no check."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from connectors.auth import Fixed
from connectors.contract import AuthError, ContractError, Json, Page, Present, Stream
from connectors.http import Answer, Clock, HttpClient, Request
from connectors.paging import CursorPaging, Following, Token
from connectors.rest import Gone, RestStream
from connectors.testing.reference import ReferenceSource


def _streams(**changed: Any) -> tuple[RestStream, ...]:
    return tuple(replace(stream, **changed) for stream in ReferenceSource.declared)


def _paged(paging: CursorPaging) -> tuple[RestStream, ...]:
    return tuple(replace(stream, all=replace(stream.all, paging=paging)) for stream in ReferenceSource.declared)


class _Lax(ReferenceSource):
    """Takes any configuration."""


_Lax.config_schema = {"type": "object"}


class _Trusting(ReferenceSource):
    """Never asks whether the credentials are right."""

    def streams(self) -> Sequence[Stream]:
        return [stream.stream() for stream in self.declared]


class _DropsOne(ReferenceSource):
    """Loses the last row of a page."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            yield replace(page, rows=page.rows[:-1])


class _Twice(ReferenceSource):
    """Gives each page twice."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            yield page
            yield page


@dataclass(frozen=True)
class _ShortPageEnds(CursorPaging):
    """Takes a page shorter than it asked for as the last one."""

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following:
        found = super().following(token, answer, rows)
        return replace(found, more=found.more and len(rows) >= self.size)


@dataclass(frozen=True)
class _EmptyPageEnds(CursorPaging):
    """Takes a page without rows as the last one."""

    def following(self, token: Token | None, answer: Answer, rows: Sequence[Any]) -> Following:
        found = super().following(token, answer, rows)
        return replace(found, more=found.more and bool(rows))


class _Lenient(ReferenceSource):
    """Gives what it should refuse."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            yield replace(page, rows=[*page.rows, *(refused.raw for refused in page.refused)], refused=())


class _Discreet(ReferenceSource):
    """Leaves out what it should refuse, without a word."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            yield replace(page, refused=())


class _ShortPages(ReferenceSource):
    declared = _paged(_ShortPageEnds("after", "next", size_param="limit"))


class _EmptyPages(ReferenceSource):
    declared = _paged(_EmptyPageEnds("after", "next", size_param="limit"))


class _Endless(ReferenceSource):
    """Follows tokens wherever they lead."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        token: Any = None
        while True:
            answer = self.client.send(Request(stream, params={"after": token} if token else {}))
            token = answer.data["next"]
            yield Page(answer.data["data"])
            if not token:
                return


class _Greedy(ReferenceSource):
    """Reads everything before it gives the first page."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        yield from list(super().read(stream, bookmark))


class _Picky(ReferenceSource):
    """Keeps the fields it knows."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            yield replace(page, rows=[{name: value for name, value in row.items() if "_field" not in name} for row in page.rows])


class _Restless(ReferenceSource):
    """Writes the time of the read into each row."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            yield replace(page, rows=[{**row, "read_at": self.client.clock.now().isoformat()} for row in page.rows])


class _Once(ReferenceSource):
    """Reads nothing where there is a bookmark."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        yield from () if bookmark else super().read(stream, bookmark)


class _AllAgain(ReferenceSource):
    """Reads everything each time, and says that it does not."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        yield from super().read(stream, None)


class _Exclusive(ReferenceSource):
    """Asks for what changed after the bookmark, not at it."""

    declared = _streams(overlap=-1.0)


class _NoOverlap(ReferenceSource):
    declared = _streams(overlap=0.0)


class _NoDeletions(ReferenceSource):
    declared = _streams(gone=Gone())


class _NoMerges(ReferenceSource):
    declared = _streams(gone=Gone(flag="deleted"))


class _ByText(ReferenceSource):
    """Compares times as text, and forgets their offset."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        greatest = bookmark["cursor"] if bookmark else ""
        for page in super().read(stream, bookmark):
            greatest = max([greatest, *(row["updated_at"][:19] + "+00:00" for row in page.rows)])
            yield replace(page, bookmark={"cursor": greatest})


class _Ahead(ReferenceSource):
    """Gives with the first page the bookmark of the whole read."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            yield replace(page, bookmark={"cursor": self.client.clock.now().isoformat()})


class _Sorted(ReferenceSource):
    """Believes that rows come in the order of their times."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        for page in super().read(stream, bookmark):
            mark = page.bookmark or {}
            yield replace(page, bookmark={"cursor": mark.get("high") or mark.get("cursor")})


class _Swallows(ReferenceSource):
    """Takes any error for the end."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        try:
            yield from super().read(stream, bookmark)
        except (AuthError, ContractError):
            return


class _Impatient(HttpClient):
    """Tries again at once."""

    def _pause(self, wait: Any, attempt: int) -> None:
        return super()._pause(wait, attempt) if (wait.seconds or 0) > 60 or attempt == 5 else None


class _Chatty(HttpClient):
    """Logs what it sends and receives."""

    def send(self, request: Request) -> Answer:
        answer = super().send(request)
        logging.getLogger("chatty").info("%s", answer.data)
        return answer


class _Source(ReferenceSource):
    """The right connector on a client of another kind."""

    client_class: type[HttpClient] = HttpClient
    options: Mapping[str, Any] = {}

    def __init__(self, config: Mapping[str, Any], *, clock: Clock | None = None) -> None:
        super().__init__(config, clock=clock)
        self.client = self.client_class(str(config["base_url"]), self.auth.credentials(config), clock=clock, **self.options)


class _Hammering(_Source):
    client_class = _Impatient


class _Telling(_Source):
    client_class = _Chatty


class _Waiting(_Source):
    options = {"patience": 1e9}  # noqa: RUF012  # read only, like its parent


class _GivesUp(_Source):
    options = {"attempts": 1}  # noqa: RUF012  # read only, like its parent


class _Stubborn(_Source):
    options = {"attempts": 60}  # noqa: RUF012  # read only, like its parent


class _NeverRenews(_Source):
    """Takes one token and keeps it."""

    def __init__(self, config: Mapping[str, Any], *, clock: Clock | None = None) -> None:
        super().__init__(config, clock=clock)
        held = self.auth.credentials(config)
        held.prepare(self.client._token, self.client.clock.now())
        self.client._credentials = Fixed(held.headers())


class _Hoarding(ReferenceSource):
    """Keeps every page that it gave."""

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        given = []
        for page in super().read(stream, bookmark):
            given.append(page)
            yield page


class _HalfOfTheKeys(ReferenceSource):
    """Lists the keys of the first page."""

    def keys(self, stream: str) -> Present | None:
        present = super().keys(stream)
        return None if present is None else replace(present, pages=islice(present.pages, 1))


MUTANTS: Mapping[str, type[ReferenceSource]] = {
    "configuration": _Lax,
    "credentials": _Trusting,
    "full_read": _DropsOne,
    "keys": _Twice,
    "rows_without_key": _Lenient,
    "broken_rows": _Discreet,
    "page_sizes": _ShortPages,
    "empty_middle_page": _EmptyPages,
    "repeated_cursor": _Endless,
    "lazy": _Greedy,
    "flat_memory": _Hoarding,
    "odd_values": _Picky,
    "idle": _Restless,
    "updates_and_inserts": _Once,
    "asks_for_changes": _AllAgain,
    "ties": _Exclusive,
    "late_commits": _NoOverlap,
    "deletions": _NoDeletions,
    "sweep": _HalfOfTheKeys,
    "merges": _NoMerges,
    "time_zones": _ByText,
    "kill_and_resume": _Ahead,
    "kill_in_a_later_run": _Sorted,
    "throttling": _Hammering,
    "long_throttling": _Waiting,
    "expired_token": _NeverRenews,
    "revoked_token": _Swallows,
    "failure_once": _GivesUp,
    "failure_for_ever": _Stubborn,
    "malformed_for_ever": _Swallows,
    "error_inside_success": _Swallows,
    "silence": _Telling,
}
"""Check -> the connector that it must catch."""
