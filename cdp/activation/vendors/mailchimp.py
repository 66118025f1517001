"""Mailchimp: contacts of a list, at most 500 a call, and a tag (a static segment) that marks who is in the audience.

A contact that is there keeps its status: whoever unsubscribed is never subscribed again.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from cdp.activation.calls import Answer, Caller, told
from cdp.activation.channels import Change, Rows
from cdp.activation.errors import DestinationConfig, Undelivered
from cdp.activation.values import mailchimp_member

MEMBERS = 500
_PAGE = 1000
_THERE = "ERROR_CONTACT_EXISTS"
_FIELDS = {"First Name": "FNAME", "Last Name": "LNAME", "Phone": "PHONE", "Birthday": "BIRTHDAY"}
Json = dict[str, Any]


def api(key: str) -> str:
    """The address that belongs to a key, which ends in the name of its data centre.

    Raises:
        DestinationConfig: the key does not.
    """
    _, _, centre = key.rpartition("-")
    if not (centre.isalnum() and centre.isascii() and "-" in key):
        raise DestinationConfig("a Mailchimp key ends in a hyphen and the name of its data centre (…-us6)")
    return f"https://{centre}.api.mailchimp.com"


@dataclass
class MailchimpChannel:
    """One tag of one list."""

    settings: Mapping[str, Any]
    key: str
    tag: str
    caller: Caller
    whole: bool = False
    batch: int = MEMBERS
    _tag_id: int | None = field(default=None, init=False)

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """New contacts are made, those that are there are changed without their status, then all of them are tagged.

        Raises:
            Undelivered, Throttled: not taken, later.
            DestinationConfig: the key or the list cannot be used.
        """
        emails = rows.one("Email Address")
        if rows.change is Change.REMOVED:
            return self._remove(emails)
        contacts = {email.lower(): contact for email, contact in zip(emails, _contacts(rows), strict=True) if email}
        reasons = self._upsert(contacts)
        reasons |= self._tag("members_to_add", [email for email in contacts if email not in reasons])
        return _by_row(emails, reasons)

    def _upsert(self, contacts: Mapping[str, Json]) -> dict[str, str]:
        status = self.settings.get("status", "subscribed")
        members = [contact | {"status": status, "email_type": "html"} for contact in contacts.values()]
        said = self._call("POST", "", {"members": members, "update_existing": False, "sync_tags": False})
        reasons: dict[str, str] = {}
        for error in said.get("errors", ()):
            email = str(error.get("email_address", "")).lower()
            if error.get("error_code") == _THERE:
                reasons |= self._change(email, contacts[email], status) if email in contacts else {}
            else:
                reasons[email] = told(error.get("error_code") or error.get("error"))
        return reasons

    def _change(self, email: str, contact: Json, status: str) -> dict[str, str]:
        answer = self._answer("PUT", f"/members/{mailchimp_member(email)}", contact | {"status_if_new": status})
        if answer.status == 400:
            return {email: told(answer.json().get("title", "refused"))}
        self._fail(answer)
        return {}

    def _remove(self, emails: Sequence[str | None]) -> Mapping[int, str]:
        known = sorted({email.lower() for email in emails if email})
        reasons = {email: why for email, why in self._tag("members_to_remove", known).items() if not _gone(why)}
        if self.settings.get("removal") == "unsubscribe":
            members = [{"email_address": email, "status": "unsubscribed"} for email in known if email not in reasons]
            said = self._call("POST", "", {"members": members, "update_existing": True, "sync_tags": False})
            for error in said.get("errors", ()):
                reasons[str(error.get("email_address", "")).lower()] = told(error.get("error_code") or error.get("error"))
        return _by_row(emails, reasons)

    def _tag(self, change: str, emails: Sequence[str]) -> dict[str, str]:
        if not emails:
            return {}
        said = self._call("POST", f"/segments/{self._segment()}", {change: list(emails)})
        return {
            str(email).lower(): told(error.get("error")) for error in said.get("errors", ()) for email in error.get("email_addresses", ())
        }

    def _segment(self) -> int:
        """The id of the tag, which is made where it is not there."""
        if self._tag_id is None:
            for entry in self._pages("/segments?type=static", "segments"):
                if entry.get("name") == self.tag:
                    self._tag_id = int(entry["id"])
                    return self._tag_id
            self._tag_id = int(self._call("POST", "/segments", {"name": self.tag, "static_segment": []})["id"])
        return self._tag_id

    def there(self) -> Iterator[str]:
        """The addresses that carry the tag."""
        everyone = "include_unsubscribed=true&include_cleaned=true&include_transactional=true"
        for entry in self._pages(f"/segments/{self._segment()}/members?{everyone}", "members"):
            yield str(entry["email_address"]).lower()

    def _pages(self, path: str, member: str) -> Iterator[Json]:
        offset = 0
        while True:
            said = self._call("GET", f"{path}&count={_PAGE}&offset={offset}", None)
            found = said.get(member, [])
            yield from found
            offset += len(found)
            if not found or offset >= int(said.get("total_items", 0)):
                return

    def _call(self, method: str, path: str, body: Json | None) -> Json:
        answer = self._answer(method, path, body)
        self._fail(answer)
        said = answer.json()
        return said if isinstance(said, dict) else {}

    def _answer(self, method: str, path: str, body: Json | None) -> Answer:
        base = self.settings.get("url") or api(self.key)
        url = f"{base}/3.0/lists/{self.settings['list']}{path}"
        return self.caller.call(method, url, body=None if body is None else orjson.dumps(body), headers=self._headers)

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": "Basic " + b64encode(f"cdp:{self.key}".encode()).decode(), "Content-Type": "application/json"}

    def _fail(self, answer: Answer) -> None:
        if answer.ok:
            return
        reason = told(answer.json().get("title", answer.status))
        if answer.status in (401, 403, 404):
            raise DestinationConfig(f"Mailchimp refuses the call for the list {self.settings['list']} ({answer.status}, {reason})")
        raise Undelivered(f"Mailchimp answers {answer.status} ({reason})")

    def finish(self) -> Sequence[str]:
        """Everything is there already."""
        self.caller.close()
        return [f"list {self.settings['list']}, tag {self.tag}: {self.caller.calls} calls"]

    def abandon(self) -> None:
        """What was taken was taken."""
        self.caller.close()


def _contacts(rows: Rows) -> list[Json]:
    emails = rows.one("Email Address")
    columns = {tag: rows.one(header) for header, tag in _FIELDS.items()}
    return [
        {"email_address": email, "merge_fields": {tag: values[number] for tag, values in columns.items() if values[number]}}
        for number, email in enumerate(emails)
    ]


def _by_row(emails: Sequence[str | None], reasons: Mapping[str, str]) -> Mapping[int, str]:
    return {number: reasons[email.lower()] for number, email in enumerate(emails) if email and email.lower() in reasons}


def _gone(reason: str) -> bool:
    """Whether a removal failed because there was nothing to remove."""
    return "not" in reason.lower() and any(word in reason.lower() for word in ("exist", "member", "subscribed", "found"))
