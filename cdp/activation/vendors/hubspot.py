"""HubSpot: contacts by e-mail address, 100 a call, and their membership of a list that is kept by hand (MANUAL or SNAPSHOT).

HubSpot refuses a call as a whole for one value that is not valid: such a call is halved until that row is alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cdp.activation.calls import Answer, Caller, told
from cdp.activation.channels import Change, Rows
from cdp.activation.errors import DestinationConfig, Undelivered

API = "https://api.hubapi.com"
CONTACTS = 100
PER_MINUTE = 600
PROPERTIES = {
    "First Name": "firstname",
    "Last Name": "lastname",
    "Phone Number": "phone",
    "Company Name": "company",
    "Street Address": "address",
    "City": "city",
    "State/Region": "state",
    "Postal Code": "zip",
    "Country/Region": "country",
}
_PAGE = 250
_DAY = 3600.0
_CODE = re.compile(r'"error"\s*:\s*"([A-Z_]+)"')
Json = dict[str, Any]


@dataclass
class HubSpotChannel:
    """One list."""

    settings: Mapping[str, Any]
    token: str
    caller: Caller
    whole: bool = False
    batch: int = CONTACTS

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """Make or change contacts and put them on the list, or take them off it; a contact itself is never deleted.

        Raises:
            Undelivered, Throttled: not taken, later.
            DestinationConfig: the token or the list cannot be used.
        """
        emails = [email.lower() if email else None for email in rows.one("Email")]
        reasons: dict[str, str] = {}
        if rows.change is Change.REMOVED:
            ids = self._known(sorted({email for email in emails if email}))
            self._members("remove", ids)
        else:
            properties = {email: found for email, found in zip(emails, _properties(rows), strict=True) if email}
            ids, reasons = self._upsert(properties)
            missing = self._members("add", ids)
            reasons |= {email: "HubSpot made the contact and could not put it on the list" for email in missing}
        return {number: reasons[email] for number, email in enumerate(emails) if email in reasons}

    def _upsert(self, contacts: Mapping[str, Json]) -> tuple[dict[str, str], dict[str, str]]:
        """(e-mail -> record id, e-mail -> why it was refused)."""
        if not contacts:
            return {}, {}
        inputs = [{"idProperty": "email", "id": email, "properties": properties} for email, properties in contacts.items()]
        answer = self._call("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": inputs})
        if answer.status == 400 and (code := _value_error(answer)):
            if len(contacts) == 1:
                return {}, dict.fromkeys(contacts, code)
            emails = list(contacts)
            halves = (emails[: len(emails) // 2], emails[len(emails) // 2 :])
            (one, bad), (other, worse) = (self._upsert({email: contacts[email] for email in half}) for half in halves)
            return one | other, bad | worse
        self._fail(answer)
        said = answer.json()
        ids = {_email_of(result): str(result["id"]) for result in said.get("results", ())}
        reasons = {email.lower(): told(error.get("category")) for error in said.get("errors", ()) for email in _about(error)}
        silent = {email: "HubSpot did not say what became of it" for email in contacts if email not in ids and email not in reasons}
        return ids, silent | reasons

    def _known(self, emails: Sequence[str]) -> dict[str, str]:
        """The record ids of contacts that HubSpot has."""
        if not emails:
            return {}
        body = {
            "idProperty": "email",
            "inputs": [{"id": email} for email in emails],
            "properties": ["email"],
            "propertiesWithHistory": [],
        }
        answer = self._call("POST", "/crm/v3/objects/contacts/batch/read", body)
        self._fail(answer)
        return {_email_of(result): str(result["id"]) for result in answer.json().get("results", ())}

    def _members(self, change: str, ids: Mapping[str, str]) -> list[str]:
        """The e-mails of contacts that HubSpot does not have (any more)."""
        if not ids:
            return []
        answer = self._call("PUT", f"/crm/v3/lists/{self.settings['list']}/memberships/{change}", list(ids.values()))
        self._fail(answer)
        missing = {str(record) for record in answer.json().get("recordIdsMissing", ())}
        return [email for email, record in ids.items() if record in missing]

    def there(self) -> Iterator[str]:
        """The addresses of the contacts on the list."""
        after = ""
        while True:
            path = f"/crm/v3/lists/{self.settings['list']}/memberships?limit={_PAGE}{after}"
            answer = self._call("GET", path, None)
            self._fail(answer)
            said = answer.json()
            ids = [str(entry["recordId"]) for entry in said.get("results", ())]
            for start in range(0, len(ids), CONTACTS):
                yield from self._emails(ids[start : start + CONTACTS])
            token = said.get("paging", {}).get("next", {}).get("after")
            if not token:
                return
            after = f"&after={token}"

    def _emails(self, ids: Sequence[str]) -> Iterator[str]:
        body = {"inputs": [{"id": record} for record in ids], "properties": ["email"], "propertiesWithHistory": []}
        answer = self._call("POST", "/crm/v3/objects/contacts/batch/read", body)
        self._fail(answer)
        for result in answer.json().get("results", ()):
            yield _email_of(result)

    def _call(self, method: str, path: str, body: Any) -> Answer:
        url = f"{self.settings.get('url', API)}{path}"
        return self.caller.call(method, url, body=None if body is None else orjson.dumps(body), headers=self._headers, busy=_busy)

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    def _fail(self, answer: Answer) -> None:
        if answer.ok:
            return
        category = told(answer.json().get("category", answer.status))
        if answer.status in (400, 401, 403, 404):
            raise DestinationConfig(f"HubSpot refuses the call for the list {self.settings['list']} ({answer.status}, {category})")
        raise Undelivered(f"HubSpot answers {answer.status} ({category})")

    def finish(self) -> Sequence[str]:
        """Everything is there already."""
        self.caller.close()
        return [f"list {self.settings['list']}: {self.caller.calls} calls"]

    def abandon(self) -> None:
        """What was taken was taken."""
        self.caller.close()


def _properties(rows: Rows) -> list[Json]:
    columns = {name: rows.one(header) for header, name in PROPERTIES.items()}
    return [{name: values[n] for name, values in columns.items() if values[n]} for n in range(len(rows.profiles))]


def _email_of(result: Json) -> str:
    return str(result.get("properties", {}).get("email", "")).lower()


def _about(error: Json) -> list[str]:
    """Whom an error of a call that was taken in part is about."""
    context = error.get("context", {})
    return [str(value) for name in ("ids", "id", "email") for value in context.get(name, ())]


def _value_error(answer: Answer) -> str | None:
    """The code of a value that is not valid; None: the call itself is not."""
    said = answer.json()
    if said.get("category") != "VALIDATION_ERROR":
        return None
    found = _CODE.search(str(said.get("message", "")))
    return found[1] if found and found[1] != "PROPERTY_DOESNT_EXIST" else None


def _busy(answer: Answer) -> float | None:
    """The limit of ten seconds passes by itself, that of a day does not."""
    if answer.status != 429 or "retry-after" in answer.headers:
        return None
    return _DAY if answer.json().get("policyName") == "DAILY" else 10.0
