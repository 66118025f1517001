"""Every request of a connector passes here: budgets, retries, waits, token renewal and the choice of the error are nobody else's.

A wait that is longer than `patience` is not waited: `Throttled(until)` lets a scheduler come back. No message or log line carries a
body, a query, a header or a full address.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from connectors.auth import Credentials
from connectors.contract import AuthError, ConfigError, ContractError, Json, SourceError, Throttled, Unavailable
from connectors.json_text import loads
from connectors.paths import at, put

log = logging.getLogger(__name__)


class Refusal(ContractError):
    """The source refuses a request as such (400, 404, 410, 422): what it asks for is not there, or not any more."""


class Clock(Protocol):
    """The time, and how to let it pass."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Limits:
    """What a vendor allows: `requests` in any `seconds`; read on `read_on` (ISO date) in the words of `note`."""

    requests: int
    seconds: float
    read_on: str
    note: str = ""


@dataclass(frozen=True)
class Rules:
    """How a vendor says things that its status code does not.

    Attributes:
        codes_at: paths where an error code may be, in an answer of any status.
        throttled: codes that mean "later".
        expired: codes that mean "renew the token".
        denied: codes that mean "these credentials may not".
    """

    codes_at: tuple[str, ...] = ()
    throttled: frozenset[str] = frozenset()
    expired: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Request:
    """One request: a path under the base address (or a link that the source gave, on the same host), and what goes with it.

    `limits` are those of a request of this kind, where the vendor has others for it.
    """

    path: str
    method: str = "GET"
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    limits: Limits | None = None


@dataclass(frozen=True)
class Answer:
    """What came back: JSON and headers."""

    data: Json
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Wait:
    """Try again after `seconds`; `error` is raised when there is no patience or no attempt left."""

    seconds: float | None
    error: SourceError
    throttled: bool = False


class _Budget:
    """Lets `limits.requests` through in any `limits.seconds`, and makes the next one wait."""

    def __init__(self, limits: Limits | None, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._sent: deque[datetime] = deque()

    def take(self) -> None:
        if self._limits is None:
            return
        now = self._clock.now()
        if len(self._sent) >= self._limits.requests:
            free = self._sent.popleft() + timedelta(seconds=self._limits.seconds)
            if free > now:
                self._clock.sleep((free - now).total_seconds())
                now = self._clock.now()
        self._sent.append(now)


@cache
def _trust() -> ssl.SSLContext:
    """Certificates are loaded once in a process: it takes longer than a request."""
    return httpx.create_ssl_context()


class HttpClient:
    """Sends requests to one source, one after the other.

    Args:
        base_url: what paths are under.
        attempts: how often one request is sent at most.
        patience: seconds that are waited at most before one attempt.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        limits: Limits | None = None,
        rules: Rules | None = None,
        clock: Clock | None = None,
        timeout: float = 30.0,
        attempts: int = 5,
        patience: float = 60.0,
    ) -> None:
        for noisy in ("httpx", "httpcore"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self._base = base_url.rstrip("/")
        self._host = urlsplit(self._base).netloc.rpartition("@")[2]
        if not self._host:
            raise ConfigError("base_url: no address of a server. Write https://host/path")
        self._credentials = credentials
        self._rules = rules or Rules()
        self.clock: Clock = clock or SystemClock()
        self._limits = limits
        self._budgets: dict[Limits | None, _Budget] = {}
        self._client = httpx.Client(timeout=timeout, follow_redirects=False, verify=_trust())
        self._attempts = attempts
        self._patience = patience

    def send(self, request: Request) -> Answer:
        """The answer to a request.

        Raises:
            AuthError: the source refuses the credentials, also renewed.
            Throttled: it wants a longer pause than there is patience for.
            Unavailable: it does not answer, or fails, at every attempt.
            ContractError: its answer is no JSON, or an error that no retry cures (`Refusal` where it refuses the request as such).
        """
        renewed = False
        for attempt in range(1, self._attempts + 1):
            self._credentials.prepare(self._token, self.clock.now())
            verdict = self._attempt(request, self._credentials.headers())
            if isinstance(verdict, Answer):
                return verdict
            if isinstance(verdict, AuthError):
                if renewed or not self._credentials.renew(self._token, self.clock.now()):
                    raise verdict
                renewed = True
                continue
            self._pause(verdict, attempt)
        raise Unavailable(f"{self._host} {request.label}: no usable answer after {self._attempts} attempts")

    def _token(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Ask for a token, with the same patience as for anything else."""
        target = url if "://" in url else f"{self._base}/{url.lstrip('/')}"
        for attempt in range(1, self._attempts + 1):
            try:
                response = self._client.post(target, data=dict(form), headers={"Accept": "application/json"})
                if response.is_success:
                    answer: Mapping[str, Any] = response.json()
                    return answer
                if response.status_code in (400, 401, 403):
                    raise AuthError(f"{self._host}: no token for these credentials ({response.status_code}). Renew client and secret")
                wait = _Wait(_retry_after(response, self.clock.now()), Unavailable(f"{self._host}: no token ({response.status_code})"))
            except (httpx.TransportError, ValueError) as error:
                wait = _Wait(None, Unavailable(f"{self._host}: no token ({type(error).__name__})"))
            self._pause(wait, attempt)
        raise Unavailable(f"{self._host}: no token after {self._attempts} attempts")

    def _pause(self, wait: _Wait, attempt: int) -> None:
        seconds = wait.seconds if wait.seconds is not None else min(2.0 ** (attempt - 1), self._patience)
        if seconds > self._patience or (wait.throttled and attempt == self._attempts):
            until = self.clock.now() + timedelta(seconds=seconds)
            raise Throttled(f"{wait.error} The source wants no request before {until:%Y-%m-%d %H:%M:%S} UTC", until)
        if attempt == self._attempts:
            raise wait.error
        self.clock.sleep(seconds)

    def _attempt(self, request: Request, credentials: Mapping[str, str]) -> Answer | AuthError | _Wait:
        limits = request.limits or self._limits
        self._budgets.setdefault(limits, _Budget(limits, self.clock)).take()
        where = f"{self._host} {request.label}"
        try:
            response = self._client.request(
                request.method,
                self._address(request, where),
                params=dict(request.params) or None,
                json=request.body,
                headers={"Accept": "application/json", **request.headers, **credentials},
            )
        except httpx.TransportError as error:
            return _Wait(None, Unavailable(f"{where}: no answer ({type(error).__name__}). Check that the address is right and reachable"))
        log.debug("%s %s -> %s in %d ms", request.method, where, response.status_code, response.elapsed.total_seconds() * 1000)
        return self._judge(response, where)

    def _address(self, request: Request, where: str) -> str:
        if "://" not in request.path:
            return f"{self._base}/{request.path.lstrip('/')}"
        if urlsplit(request.path).netloc != urlsplit(self._base).netloc:
            raise ContractError(f"{where}: the next page lies on another host, so it is not asked with these credentials")
        return request.path

    def _judge(self, response: httpx.Response, where: str) -> Answer | AuthError | _Wait:
        status, (data, valid) = response.status_code, _json(response)
        code = next((str(found) for path in self._rules.codes_at if (found := at(data, path)) not in (None, "")), None)
        said = f"({status}{f', {code}' if code and code.replace('_', '').isalnum() else ''})"
        now = self.clock.now()
        if status == 429 or code in self._rules.throttled:
            return _Wait(_retry_after(response, now), Unavailable(f"{where}: too many requests {said}."), throttled=True)
        if status == 401 or code in self._rules.expired:
            return AuthError(f"{where}: the source refuses the credentials {said}. Renew them in the configuration of the source")
        if status == 403 or code in self._rules.denied:
            raise AuthError(f"{where}: the credentials do not allow this {said}. Give them the right to read it")
        if status >= 500 or status == 408:
            return _Wait(_retry_after(response, now), Unavailable(f"{where}: the source fails on its side {said}. Try again later"))
        if status in (400, 404, 410, 422):
            raise Refusal(f"{where}: the source refuses the request {said}. Check the configuration and what the account can see")
        if not response.is_success:
            raise ContractError(f"{where}: unexpected answer {said}. Check `base_url`")
        if not valid:
            return _Wait(None, ContractError(f"{where}: the answer is no JSON {said}. Check `base_url`; a proxy may stand between"))
        if code is not None:
            raise ContractError(f"{where}: an error inside a successful answer {said}. Nothing of it was taken")
        return Answer(data, {name.lower(): value for name, value in response.headers.items()})


def _json(response: httpx.Response) -> tuple[Json, bool]:
    try:
        return loads(response.content.decode(json.detect_encoding(response.content)) or "null"), True
    except (ValueError, RecursionError):
        return None, False


def _retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Seconds until the source wants the next request: it may say so as a number, with a fraction, or as a date."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value).astimezone(UTC) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def with_params(request: Request, values: Mapping[str, Any]) -> Request:
    """The request with more parameters: in the body of a POST (a dotted name reaches inside), else in the query."""
    if request.method == "GET":
        return replace(request, params={**request.params, **values})
    body = json.loads(json.dumps(request.body or {}))
    for path, value in values.items():
        put(body, path, value)
    return replace(request, body=body)
