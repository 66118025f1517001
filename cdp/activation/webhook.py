"""A call leaves only for a public address, which is looked up once and dialled as looked up: no name can point inside meanwhile.

Each body is signed: `X-CDP-Signature: t=SECONDS,v1=HEX`, HEX being HMAC-SHA-256 of `SECONDS.BODY` under the shared secret; a receiver
refuses old times. A call that is repeated carries the same `Idempotency-Key`.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import random
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from cdp.activation.channels import Rows
from cdp.activation.errors import Forbidden, Undelivered
from cdp.activation.formats import Columns

ATTEMPTS = 5
LONGEST_WAIT = 60.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_ANSWER_BYTES = 1 << 20
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Addresses that lead to the IPv4 address in their last 32 bits (RFC 6052)."""


def resolved(url: str, private_hosts: Collection[str] = ()) -> tuple[httpx.URL, str]:
    """`url` with its host replaced by the address to dial, and the host's name.

    Args:
        private_hosts: names that the operator allows to lie inside (setting webhook_private_hosts); only these may use plain http.

    Raises:
        Forbidden: not https, or any of the host's addresses is not public.
        Undelivered: the name has no address.
    """
    parsed = httpx.URL(url)
    host, allowed = parsed.host, parsed.host in private_hosts
    if parsed.userinfo:
        raise Forbidden("a webhook's URL carries no user name or password")
    if parsed.scheme != "https" and not allowed:
        raise Forbidden(f"the webhook at {host} must use https")
    try:
        found = socket.getaddrinfo(host, parsed.port or 443, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise Undelivered(f"the name {host} has no address now") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not allowed and not all(_public(address) for address in addresses):
        raise Forbidden(f"{host} is an address inside a private network; an operator can allow it: CDP_WEBHOOK_PRIVATE_HOSTS")
    return parsed.copy_with(host=addresses[0]), host


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast


def signature(secret: str, body: bytes, at: int) -> str:
    """The header that proves who sent `body`, and when."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@dataclass
class WebhookChannel:
    """Calls with a batch of rows each; answered 2xx they were taken, but for rows that `{"refused": [{"profile_id", "reason"}]}` names."""

    settings: Mapping[str, Any]
    secret: str
    destination: str
    delivery: int
    batch: int
    private_hosts: Collection[str] = ()
    sleep: Callable[[float], None] = time.sleep
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, follow_redirects=False, trust_env=False))
    whole: bool = False
    calls: int = 0
    _next: float = 0.0

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """Call, and again with growing pauses while the receiver is busy or fails.

        Raises:
            Undelivered: it kept failing, or refuses the call.
            Forbidden: it must not be called.
        """
        body = orjson.dumps(
            {"destination": self.destination, "delivery": self.delivery, "change": rows.change.value, "rows": _objects(rows)}
        )
        key = f"{self.delivery}-{hashlib.sha256(body).hexdigest()[:24]}"
        for attempt in range(ATTEMPTS):
            wait, why = self._call(body, key, attempt)
            if wait is None:
                return _refused(why, rows.profiles)
            if attempt + 1 < ATTEMPTS:
                self.sleep(wait)
        host = httpx.URL(self.settings["url"]).host
        raise Undelivered(f"{host} did not take the call in {ATTEMPTS} attempts ({why.decode()}); the next delivery goes on here")

    def _call(self, body: bytes, key: str, attempt: int) -> tuple[float | None, bytes]:
        """(None, answer) where it was taken; else (seconds to wait, reason)."""
        self._pace()
        url, host = resolved(self.settings["url"], self.private_hosts)
        port = f":{url.port}" if url.port else ""
        headers = {
            "Host": f"{host}{port}",
            "Content-Type": "application/json",
            "User-Agent": "customer-data-platform",
            "Idempotency-Key": key,
            "X-CDP-Signature": signature(self.secret, body, int(time.time())),
        }
        backoff = min(2.0**attempt, LONGEST_WAIT) * (0.5 + random.random() / 2)  # noqa: S311 - spreads retries
        try:
            with self.client.stream("POST", url, content=body, headers=headers, extensions={"sni_hostname": host}) as response:
                if response.status_code in _AGAIN:
                    return _retry_after(response.headers.get("Retry-After"), backoff), f"status {response.status_code}".encode()
                if not response.is_success:
                    raise Undelivered(f"{host} answers {response.status_code} to the call: check its address and the secret")
                return None, _head(response)
        except httpx.TransportError as error:
            return backoff, type(error).__name__.encode()

    def _pace(self) -> None:
        self.calls += 1
        if per_minute := self.settings.get("per_minute"):
            now = time.monotonic()
            if now < self._next:
                self.sleep(self._next - now)
            self._next = max(now, self._next) + 60 / per_minute

    def finish(self) -> Sequence[str]:
        """Everything is there already."""
        self.client.close()
        return [f"{self.calls} calls"]

    def abandon(self) -> None:
        """What was taken was taken."""
        self.client.close()


def _head(response: httpx.Response) -> bytes:
    found = b""
    for chunk in response.iter_bytes():
        found += chunk
        if len(found) > _ANSWER_BYTES:
            return b""
    return found


def _retry_after(value: str | None, backoff: float) -> float:
    if value is None:
        return backoff
    try:
        seconds = float(value) if value.isdigit() else parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError):
        return backoff
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _refused(answer: bytes, profiles: Sequence[str]) -> Mapping[int, str]:
    try:
        said = orjson.loads(answer).get("refused", ())
        reasons = {str(row["profile_id"]): str(row.get("reason", "no reason given"))[:200] for row in said}
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return {}
    return {number: reasons[profile] for number, profile in enumerate(profiles) if profile in reasons}


def _objects(rows: Rows) -> list[dict[str, Any]]:
    """A row as an object; a repeated header is a list of its values."""
    headers = [header for header, _ in rows.columns]
    repeated = {header for header in headers if headers.count(header) > 1}
    made: list[dict[str, Any]] = [{"profile_id": profile} for profile in rows.profiles]
    for header, column in _pairs(rows.columns):
        for row, value in zip(made, column, strict=True):
            if value is not None and header in repeated:
                row.setdefault(header, []).append(value)
            elif value is not None:
                row[header] = value
    return made


def _pairs(columns: Columns) -> list[tuple[str, list[str | None]]]:
    return [(header, column.to_pylist()) for header, column in columns]
