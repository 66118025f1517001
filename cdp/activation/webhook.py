"""A webhook's body is signed: `X-CDP-Signature: t=SECONDS,v1=HEX`, HEX being HMAC-SHA-256 of `SECONDS.BODY` under the shared secret.

A receiver refuses old times. A call that is repeated carries the same `Idempotency-Key`.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from cdp.activation.calls import Caller, told
from cdp.activation.channels import Rows
from cdp.activation.errors import Undelivered
from cdp.activation.formats import Columns


def signature(secret: str, body: bytes, at: int) -> str:
    """The header that proves who sent `body`, and when."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@dataclass
class WebhookChannel:
    """Calls with a batch of rows each; answered 2xx they were taken, but for rows that `{"refused": [{"profile_id", "reason"}]}` names."""

    url: str
    secret: str
    destination: str
    delivery: int
    batch: int
    caller: Caller
    whole: bool = False

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

        def headers() -> Mapping[str, str]:
            signed = signature(self.secret, body, int(time.time()))
            return {"Content-Type": "application/json", "Idempotency-Key": key, "X-CDP-Signature": signed}

        answer = self.caller.call("POST", self.url, body=body, headers=headers)
        if not answer.ok:
            host = httpx.URL(self.url).host
            raise Undelivered(f"{host} answers {answer.status} to the call: check its address and the secret")
        return _refused(answer.json(), rows.profiles)

    def finish(self) -> Sequence[str]:
        """Everything is there already."""
        self.caller.close()
        return [f"{self.caller.calls} calls"]

    def abandon(self) -> None:
        """What was taken was taken."""
        self.caller.close()


def _refused(answer: Any, profiles: Sequence[str]) -> Mapping[int, str]:
    try:
        reasons = {str(row["profile_id"]): told(row.get("reason", "no reason given")) for row in answer.get("refused", ())}
    except (AttributeError, KeyError, TypeError):
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
