"""A fake of a vendor keeps rows, serves them over HTTP as the vendor would, and does on demand what vendors do at their worst.

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
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, ClassVar, Self

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from connectors.contract import Source
from connectors.testing.clock import ManualClock
from connectors.testing.system import Row as Row
from connectors.testing.system import System


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


class FakeVendor(System):
    """Base of fakes of vendors, which are served over HTTP."""

    nature: ClassVar[frozenset[str]] = frozenset({"http", "credentials", "tokens", "requests", "spoil", "break", "keyless"})

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self.token_number = 1
        self.faults: deque[Fault] = deque()
        self.too_early = 0
        self.base_url = ""
        self._blocked_until: datetime | None = None
        self._lock = threading.Lock()

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "token": self.secret}

    def open(self, kind: Any, config: Mapping[str, Any]) -> Source:
        source: Source = kind(config, clock=self.clock)
        return source

    def spoil(self, stream: str) -> None:
        self.faults.append(Fault(200, "<html>maintenance</html>", times=10**6, after=1))

    def break_off(self, stream: str) -> None:
        self.faults.append(Fault(502, times=10**6, after=2))

    def mend(self) -> None:
        self.faults.clear()

    def troubles(self, stream: str) -> Iterator[None]:
        body = f'{{"message": "no entry for person1@example.org with {self.secret}"}}'
        for status in (400, 401, 403, 404, 418, 429, 500, 200):
            self.faults.append(Fault(status, body if status != 200 else body[:-3], {"Retry-After": "7200"}, times=8, after=1))
            yield
            self.mend()

    # --- what the vendor does ---

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
        if headers.pop("block", None):
            self._blocked_until = self._named_by(headers["Retry-After"])
        return Response(fault.body, fault.status, headers, content_type="application/json")

    def _named_by(self, value: str) -> datetime:
        """The time that a `Retry-After` names; a date names a whole second."""
        return parsedate_to_datetime(value) if value.endswith("GMT") else self.clock.now() + timedelta(seconds=float(value))

    @contextmanager
    def serve(self) -> Iterator[Self]:
        """Serve on a free port of the loopback."""
        server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
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
    return Fault(429, '{"message": "slow down"}', {"Retry-After": value, "block": "yes"}, after=after)


def reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as an answer."""
    return Response(json.dumps(data, ensure_ascii=False), status, dict(headers or {}), content_type="application/json; charset=utf-8")
