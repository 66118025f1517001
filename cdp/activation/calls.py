"""A call leaves only for a public address, which is looked up once and dialled as looked up: no name can point inside meanwhile.

A call that a busy or failing destination did not take is repeated with growing pauses. A pause longer than `LONGEST_WAIT` is not waited
for: `Throttled` names its end. No message carries a body, a secret or a person's data.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from cdp.activation.errors import DestinationConfig, Forbidden, Throttled, Undelivered

ATTEMPTS = 5
LONGEST_WAIT = 60.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_ANSWER_BYTES = 16 << 20
_WITHIN = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""Addresses that stand for the IPv4 address in their last 32 bits (RFC 6052, RFC 4291 2.5.5.1)."""
_GROWING = wait_exponential(multiplier=0.5, max=LONGEST_WAIT / 2) + wait_random(0, 0.5)
_PERSONAL = re.compile(r"\S*@\S*|\+?\d[\d\s().-]{6,}|\b[0-9a-f]{32,}\b", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What a destination said to a call that it did not ask to repeat."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it took the call."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body; an empty object where it is no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}


Busy = Callable[[Answer], float | None]
"""For an answer that means "later" in a vendor's own words: seconds to wait; None: it means something else."""


class _Again(Undelivered):
    def __init__(self, message: str, wait: float | None) -> None:
        super().__init__(message)
        self.wait = wait


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, _Again) else None
    return _GROWING(state) if asked is None else asked


@dataclass
class Caller:
    """Calls one destination, no faster than `per_minute`."""

    private_hosts: Collection[str] = ()
    per_minute: int | None = None
    sleep: Callable[[float], None] = time.sleep
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, follow_redirects=False, trust_env=False))
    calls: int = 0
    _next: float = 0.0

    def call(
        self, method: str, url: str, *, body: bytes | None = None, headers: Callable[[], Mapping[str, str]] = dict, busy: Busy | None = None
    ) -> Answer:
        """The answer, whatever its status, once the destination is neither busy nor failing.

        Args:
            headers: made anew for each attempt.

        Raises:
            Undelivered: it kept failing.
            Throttled: it wants a longer pause than one that is waited for.
            Forbidden: the address must not be called.
        """
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS), wait=_pause, retry=retry_if_exception_type(_Again), sleep=self.sleep, reraise=True
        )
        host = _parsed(url).host
        try:
            return retrying(self._once, method, url, body, headers, busy)
        except _Again as error:
            raise Undelivered(f"{host} did not take the call in {ATTEMPTS} attempts ({error}); the next delivery goes on here") from None

    def _once(self, method: str, url: str, body: bytes | None, headers: Callable[[], Mapping[str, str]], busy: Busy | None) -> Answer:
        self._pace()
        dialled, host = resolved(url, self.private_hosts)
        port = f":{dialled.port}" if dialled.port else ""
        given = {"Host": f"{host}{port}", "User-Agent": "customer-data-platform", "Accept": "application/json", **headers()}
        try:
            with self.client.stream(method, dialled, content=body, headers=given, extensions={"sni_hostname": host}) as response:
                answer = Answer(response.status_code, dict(response.headers), _read(response))
        except httpx.TransportError as error:
            raise _Again(type(error).__name__, None) from None
        wait = busy(answer) if busy else None
        if wait is None and answer.status in _AGAIN:
            wait = _retry_after(answer.headers.get("retry-after"))
            if wait is None:
                raise _Again(f"status {answer.status}", None)
        if wait is None:
            return answer
        if wait > LONGEST_WAIT:
            until = datetime.now(UTC) + timedelta(seconds=wait)
            raise Throttled(f"{host} wants no call before {until:%Y-%m-%d %H:%M:%S} UTC; the next delivery goes on here", until)
        raise _Again(f"status {answer.status}", wait)

    def _pace(self) -> None:
        self.calls += 1
        if self.per_minute:
            now = time.monotonic()
            if now < self._next:
                self.sleep(self._next - now)
            self._next = max(now, self._next) + 60 / self.per_minute

    def close(self) -> None:
        """Let the connections go."""
        self.client.close()


def _read(response: httpx.Response) -> bytes:
    found = bytearray()
    for chunk in response.iter_bytes():
        found += chunk
        if len(found) > _ANSWER_BYTES:
            return b""
    return bytes(found)


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value) if value.isdigit() else parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError):
        return None
    return max(seconds, 0.0)


def told(text: object) -> str:
    """What a destination says, at most 200 characters, with what may be a person's address, number or hash taken out."""
    return _PERSONAL.sub("…", " ".join(str(text).split()))[:200] or "no reason given"


def resolved(url: str, private_hosts: Collection[str] = ()) -> tuple[httpx.URL, str]:
    """`url` with its host replaced by the address to dial, and the host's name.

    Args:
        private_hosts: names that the operator allows to lie inside (setting webhook_private_hosts); only these may use plain http.

    Raises:
        DestinationConfig: this is no URL.
        Forbidden: not https, or any of the host's addresses is not public.
        Undelivered: the name has no address.
    """
    parsed = _parsed(url)
    host, allowed = parsed.host, parsed.host in private_hosts
    if parsed.userinfo:
        raise Forbidden("the URL of a destination carries no user name or password")
    if parsed.scheme != "https" and not allowed:
        raise Forbidden(f"the destination at {host} must use https")
    try:
        found = socket.getaddrinfo(host, parsed.port or 443, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise Undelivered(f"the name {host} has no address now") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not allowed and not all(_public(address) for address in addresses):
        raise Forbidden(f"{host} is an address inside a private network; an operator can allow it: CDP_WEBHOOK_PRIVATE_HOSTS")
    return parsed.copy_with(host=addresses[0]), host


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise DestinationConfig(f"the URL of the destination is none ({error}); correct it in the definition") from None
    if not parsed.host:
        raise DestinationConfig("the URL of the destination names no host; correct it in the definition")
    return parsed


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = (
            ip.ipv4_mapped
            or ip.sixtofour
            or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if any(ip in network for network in _WITHIN) else None)
        )
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast
