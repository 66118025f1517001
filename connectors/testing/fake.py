"""A fake of a source keeps rows, serves them over HTTP as the vendor would, and does on demand what vendors do at their worst.

A fake of a vendor is a subclass that says how a row is shown (`show`), and answers requests (`answer`) with the help of `listed` and
`paged`. Everything else is here: who is let in, faults, throttling, tokens that expire, pages that are empty or repeat.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, ClassVar

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from connectors.testing.clock import ManualClock


@dataclass
class Row:
    """One row of the fake: `data` is `name`, `email` and whatever a check adds."""

    key: str
    changed: datetime
    data: dict[str, Any] = field(default_factory=dict)
    created: datetime | None = None
    deleted: bool = False
    merged_into: str | None = None
    swallowed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fault:
    """An answer instead of the right one: the first time after `after` good answers, `times` times."""

    status: int
    body: str = "{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    after: int = 0


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        return None


class FakeVendor:
    """Base of fakes. A subclass names its `streams`, and which of the behaviours in `can` the vendor has.

    `can` may hold: delete, merge, empty_page, repeat (tokens can be made to repeat), zones (times carry an offset), renew (tokens
    expire and can be renewed).
    """

    streams: ClassVar[Sequence[str]] = ()
    can: ClassVar[frozenset[str]] = frozenset()
    lag: ClassVar[float] = 60.0
    """Seconds that a row may commit late."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in self.streams}
        self.secret = "fake-secret-7f3a9c"  # noqa: S105  of the fake only
        self.page_size = 100
        self.empty_page = False
        self.repeat = False
        self.zones = False
        self.revoked = False
        self.token_number = 1
        self.faults: deque[Fault] = deque()
        self.requests: list[str] = []
        self.too_early = 0
        self.base_url = ""
        self._blocked_until: datetime | None = None
        self._lock = threading.Lock()

    # --- what a check does in the source ---

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        """Write a row, now or at `changed`."""
        table, time = self.tables[stream], changed or self.clock.now()
        known = table.get(key)
        defaults = {"name": f"Name {key}", "email": f"person{key}@example.org"}
        table[key] = Row(key, time, {**(known.data if known else defaults), **data}, known.created if known else time)

    def delete(self, stream: str, key: str) -> None:
        """Delete a row, as the vendor does."""
        row = self.tables[stream][key]
        row.deleted, row.changed = True, self.clock.now()

    def merge(self, stream: str, loser: str, winner: str) -> None:
        """Merge one row into another, as the vendor does."""
        self.delete(stream, loser)
        self.tables[stream][loser].merged_into = winner
        kept = self.tables[stream][winner]
        kept.swallowed.append(loser)
        kept.changed = self.clock.now()

    def able(self, stream: str) -> frozenset[str]:
        """What the vendor has of `can`, for one stream."""
        return self.can

    def truth(self, stream: str) -> dict[str, Any]:
        """Key -> row, as a perfect reader would have them now."""
        return {key: self.show(stream, row) for key, row in self.tables[stream].items() if not row.deleted and key}

    def config(self) -> dict[str, Any]:
        """A configuration that lets in."""
        return {"base_url": self.base_url, "token": self.secret}

    # --- what the vendor does ---

    def show(self, stream: str, row: Row) -> Any:
        """A row as the vendor writes it."""
        raise NotImplementedError

    def answer(self, request: Request) -> Response:
        """The right answer to a request that was let in."""
        raise NotImplementedError

    def let_in(self, request: Request) -> bool:
        """Whether the request carries the secret, as a bearer token, an own header, or the password of basic authentication."""
        values = [value for name, value in request.headers.items() if name.lower() not in ("host", "accept")]
        plain = [value.removeprefix("Bearer ") for value in values]
        plain.extend(base64.b64decode(value[6:]).decode().partition(":")[2] for value in values if value.startswith("Basic "))
        wanted = f"{self.secret}-{self.token_number}" if "renew" in self.can else self.secret
        return wanted in plain and not self.revoked

    def token(self, request: Request) -> Response:
        """The token endpoint of OAuth."""
        if request.form.get("client_secret") != self.secret or self.revoked:
            return reply({"error": "invalid_client"}, 401)
        return reply({"access_token": f"{self.secret}-{self.token_number}", "expires_in": 3600, "token_type": "bearer"})

    def expire(self) -> None:
        """Make every token given so far invalid."""
        self.token_number += 1

    # --- help for `answer` ---

    def stamp(self, time: datetime, index: int = 0) -> str:
        """A time as text; with `zones`, in an offset that differs from row to row."""
        zone = timezone(timedelta(hours=(14, -10, 0)[index % 3])) if self.zones else UTC
        return time.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")

    def listed(self, stream: str, since: datetime | None = None, deleted: bool = False) -> list[Row]:
        """Rows that changed at or after `since`, in the order of their keys; those deleted only on demand."""
        found = [row for row in self.tables[stream].values() if (since is None or row.changed >= since) and (deleted or not row.deleted)]
        return sorted(found, key=lambda row: (len(row.key), row.key))

    def paged(self, rows: Sequence[Any], token: str | None, size: int) -> tuple[Sequence[Any], str | None]:
        """The page that begins at `token`, and the token of the next one."""
        size = min(size, self.page_size)
        if self.repeat:
            return rows[:size], "1"
        start = int((token or "0").removeprefix("e"))
        if token and token.startswith("e"):
            return [], str(start)
        following = start + size
        if following >= len(rows):
            return rows[start:], None
        return rows[start:following], f"e{following}" if self.empty_page and start == 0 else str(following)

    # --- the server ---

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        with self._lock:
            return self._response(request)(environ, start_response)

    def _response(self, request: Request) -> Response:
        self.requests.append(f"{request.method} {request.path}")
        if self._blocked_until is not None and self.clock.now() < self._blocked_until:
            self.too_early += 1
            return reply({"message": "slow down"}, 429)
        if request.path.endswith("/token"):
            return self.token(request)
        if self.faults and self.faults[0].after <= 0:
            return self._fail()
        if self.faults:
            fault = self.faults.popleft()
            self.faults.appendleft(Fault(fault.status, fault.body, fault.headers, fault.times, fault.after - 1))
        if not self.let_in(request):
            return reply({"message": "unauthorized"}, 401)
        return self.answer(request)

    def _fail(self) -> Response:
        fault = self.faults.popleft()
        if fault.times > 1:
            self.faults.appendleft(Fault(fault.status, fault.body, fault.headers, fault.times - 1, 0))
        headers = dict(fault.headers)
        if seconds := headers.pop("block", None):
            self._blocked_until = self.clock.now() + timedelta(seconds=float(seconds))
        return Response(fault.body, fault.status, headers, content_type="application/json")

    @contextmanager
    def serve(self) -> Iterator[FakeVendor]:
        """Serve on a free port of the loopback."""
        server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.base_url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def throttle(clock: ManualClock, form: str, seconds: float = 2.0, after: int = 1) -> Fault:
    """429 with `Retry-After` as `seconds`, `float` or `date`; who comes back before that is too early."""
    date = format_datetime(clock.now() + timedelta(seconds=seconds), usegmt=True)
    value = {"seconds": str(int(seconds)), "float": f"{seconds:.1f}", "date": date}[form]
    return Fault(429, '{"message": "slow down"}', {"Retry-After": value, "block": str(seconds)}, after=after)


def reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as an answer."""
    return Response(json.dumps(data, ensure_ascii=False), status, dict(headers or {}), content_type="application/json; charset=utf-8")
