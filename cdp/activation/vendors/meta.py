"""Meta custom audiences: `POST` adds and `DELETE` removes at `/VERSION/AUDIENCE/users`, at most 10,000 rows a call.

A person is one row for each e-mail address and phone that is sent, all under one EXTERN_ID; calls with one change are one session.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from cdp.activation.calls import Answer, Caller, told
from cdp.activation.channels import Change, Rows
from cdp.activation.errors import DestinationConfig, Undelivered

API = "https://graph.facebook.com"
VERSION = "v25.0"
ENTRIES = 10_000
KEYS = ("EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY", "DOBY", "DOBM", "DOBD", "GEN", "EXTERN_ID")
_SLOTS = 3
_LIMITS = frozenset({4, 17, 32, 613, *range(80000, 80015)})
"""Error codes that mean: too many calls."""
_PASSING = frozenset({1, 2})
_ACCESS = frozenset({10, 102, 190, 200, 294})
_WITHOUT_HINT = 300.0


@dataclass
class MetaChannel:
    """One custom audience."""

    settings: Mapping[str, Any]
    token: str
    caller: Caller
    hashed: bool = True
    whole: bool = False
    batch: int = ENTRIES // _SLOTS
    notes: list[str] = field(default_factory=list)
    _session: int = 0

    @property
    def _url(self) -> str:
        base = self.settings.get("url", API)
        return f"{base}/{self.settings.get('version', VERSION)}/{self.settings['audience']}/users"

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """Add or remove people; those whose every entry is invalid were refused.

        Raises:
            Undelivered, Throttled: not taken, later.
            DestinationConfig: the token or the audience cannot be used.
        """
        if rows.part.number == 1:
            self._session = secrets.randbits(62) + 1
        keys, data, owner = _entries(rows)
        body = {
            "session": {
                "session_id": self._session,
                "batch_seq": rows.part.number,
                "last_batch_flag": rows.part.last,
                "estimated_num_total": rows.part.total or len(rows.profiles),
            },
            "payload": {"schema": keys, "data": data} | ({} if self.hashed else {"is_raw": True}),
        }
        method = "DELETE" if rows.change is Change.REMOVED else "POST"
        answer = self.caller.call(method, self._url, body=orjson.dumps(body), headers=self._headers, busy=_busy)
        if not answer.ok:
            _raise(answer, str(self.settings["audience"]))
        return self._invalid(answer.json(), data, owner)

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    def _invalid(self, said: Any, data: list[list[str]], owner: list[int]) -> Mapping[int, str]:
        """People of whom no entry is left once the invalid ones that Meta names are taken away."""
        samples = {_canonical(row): told(reason) for row, reason in _samples(said.get("invalid_entry_samples"))}
        bad: dict[int, str] = {}
        good: set[int] = set()
        named = 0
        for row, number in zip(data, owner, strict=True):
            reason = samples.get(tuple(row)) or next((samples[(value,)] for value in row if value and (value,) in samples), None)
            named += reason is not None
            if reason is None:
                good.add(number)
            else:
                bad[number] = reason
        if (unnamed := int(said.get("num_invalid_entries") or 0) - named) > 0:
            self.notes.append(f"Meta calls {unnamed} entries invalid without naming them")
        return {number: reason for number, reason in bad.items() if number not in good}

    def finish(self) -> Sequence[str]:
        """Meta applies what it took within 24 hours."""
        self.caller.close()
        return [f"audience {self.settings['audience']}: {self.caller.calls} calls"]

    def abandon(self) -> None:
        """What was taken was taken."""
        self.caller.close()


def _entries(rows: Rows) -> tuple[list[str], list[list[str]], list[int]]:
    """(keys, a row for each slot of a person that holds an e-mail or a phone, whose it is)."""
    emails, phones = (_slots(rows, name) for name in ("email", "phone"))
    others = {name.lower(): column.to_pylist() for name, column in rows.columns if name not in ("email", "phone")}
    keys = [key for key in KEYS if key in ("EMAIL", "PHONE") or key.lower() in others]
    data: list[list[str]] = []
    owner: list[int] = []
    for number in range(len(rows.profiles)):
        rest = [others[key.lower()][number] or "" for key in keys[2:]]
        for slot in range(_SLOTS):
            email, phone = emails[slot][number] or "", phones[slot][number] or ""
            if email or phone:
                data.append([email, phone, *rest])
                owner.append(number)
    return keys, data, owner


def _slots(rows: Rows, name: str) -> list[list[str | None]]:
    found = [column.to_pylist() for header, column in rows.columns if header == name]
    return [*found, *([[None] * len(rows.profiles)] * (_SLOTS - len(found)))]


def _samples(said: Any) -> list[tuple[str, Any]]:
    return list(said.items()) if isinstance(said, dict) else []


def _canonical(text: str) -> tuple[str, ...]:
    try:
        row = json.loads(text)
    except json.JSONDecodeError:
        return (text,)
    return tuple(str(value) for value in row) if isinstance(row, list) else (str(row),)


def _busy(answer: Answer) -> float | None:
    error = _error(answer)
    if error.get("code") in _LIMITS:
        return _regain(answer)
    if error.get("is_transient") or error.get("code") in _PASSING:
        return 2.0
    return None


def _regain(answer: Answer) -> float:
    """Seconds until calls are welcome again, as the header with the use of the business account says."""
    try:
        usage = json.loads(answer.headers.get("x-business-use-case-usage", "{}"))
        minutes = max(float(entry.get("estimated_time_to_regain_access", 0)) for entries in usage.values() for entry in entries)
    except (ValueError, AttributeError, TypeError):
        return _WITHOUT_HINT
    return minutes * 60 or _WITHOUT_HINT


def _error(answer: Answer) -> Mapping[str, Any]:
    said = answer.json()
    error = said.get("error") if isinstance(said, dict) and not answer.ok else None
    return error if isinstance(error, dict) else {}


def _raise(answer: Answer, audience: str) -> None:
    error = _error(answer)
    code = error.get("code")
    if error.get("error_subcode") == 1713230:
        raise DestinationConfig(
            f"Meta has flagged the audience {audience} and takes nothing: appeal in its audience manager, or use another one"
        )
    if code in _ACCESS:
        raise DestinationConfig(
            f"Meta does not let this token change the audience {audience} (code {code}): renew it, or grant ads_management"
        )
    if code == 100 or answer.status == 404:
        raise DestinationConfig(f"Meta refuses the call for the audience {audience}: {told(error.get('message', answer.status))}")
    raise Undelivered(f"Meta answers {answer.status} (code {code}): {told(error.get('message', ''))}")
