"""Google Ads Customer Match through the Data Manager API: at most 10,000 members a call, at most 10 identifiers a member.

Google answers with the id of a request and works it off afterwards: `settled` asks what became of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from cdp.activation.calls import Answer, Caller, told
from cdp.activation.channels import Change, Outcome, Rows
from cdp.activation.errors import DestinationConfig, Undelivered

API = "https://datamanager.googleapis.com"
TOKENS = "https://oauth2.googleapis.com/token"
MEMBERS = 10_000
PER_MINUTE = 300
SCOPE = "https://www.googleapis.com/auth/datamanager"
_MEMBER = re.compile(r"audience_?members(?:\.audience_?members)?\[(\d+)\]", re.IGNORECASE)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_STATES = {"SUCCESS": "done", "PARTIAL_SUCCESS": "done", "FAILED": "failed"}


@dataclass
class GoogleChannel:
    """One customer list of one Google Ads account.

    Attributes:
        consented: everybody who is sent agreed to it.
        bearer: an access token, good for the next call.
    """

    settings: Mapping[str, Any]
    bearer: Callable[[], str]
    caller: Caller
    consented: bool
    whole: bool = False
    batch: int = MEMBERS
    receipts: list[str] = field(default_factory=list)

    def deliver(self, rows: Rows) -> Mapping[int, str]:
        """Add or remove people; members that Google names as invalid are refused, and the others sent again without them.

        Raises:
            Undelivered, Throttled: not taken, later.
            DestinationConfig: the credentials or the list cannot be used.
        """
        members = _members(rows)
        left = [number for number, member in enumerate(members) if member]
        refused: dict[int, str] = {}
        while left:
            answer = self._call(rows.change, [members[number] for number in left])
            if answer.ok:
                self.receipts.append(str(answer.json().get("requestId", "")))
                return refused
            named = _violations(answer)
            bad = {left[place]: reason for place, reason in named.items() if place < len(left)}
            if not bad:
                self._raise(answer)
            refused |= bad
            left = [number for number in left if number not in bad]
        return refused

    def _call(self, change: Change, members: list[Any]) -> Answer:
        verb = "remove" if change is Change.REMOVED else "ingest"
        body: dict[str, Any] = {"destinations": [self._destination()], "audienceMembers": members, "encoding": "HEX"}
        if verb == "ingest":
            body["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
            if self.consented:
                body["consent"] = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
        return self.caller.call("POST", self._url(f"audienceMembers:{verb}"), body=orjson.dumps(body), headers=self._headers, busy=_busy)

    def _destination(self) -> dict[str, Any]:
        account = {"accountType": "GOOGLE_ADS", "accountId": self.settings["account"].replace("-", "")}
        login = self.settings.get("login_account")
        through = {"loginAccount": {"accountType": "GOOGLE_ADS", "accountId": login.replace("-", "")}} if login else {}
        return {"operatingAccount": account, **through, "productDestinationId": self.settings["audience"]}

    def _url(self, path: str) -> str:
        return f"{self.settings.get('url', API)}/v1/{path}"

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.bearer()}", "Content-Type": "application/json"}

    def _raise(self, answer: Answer) -> None:
        error = answer.json().get("error", {})
        reason = told(error.get("message", answer.status))
        if answer.status in (401, 403, 404) or answer.status == 400:
            raise DestinationConfig(f"Google refuses the call for the list {self.settings['audience']}: {reason}")
        raise Undelivered(f"Google answers {answer.status}: {reason}")

    def settled(self, receipts: Sequence[str]) -> Sequence[Outcome]:
        """What became of requests.

        Raises:
            Undelivered, Throttled: it does not say now.
        """
        return [self._settled(receipt) for receipt in receipts]

    def _settled(self, receipt: str) -> Outcome:
        answer = self.caller.call("GET", self._url(f"requestStatus:retrieve?requestId={receipt}"), headers=self._headers, busy=_busy)
        if not answer.ok:
            self._raise(answer)
        refused: dict[str, int] = {}
        state = "waiting"
        for each in answer.json().get("requestStatusPerDestination", ()):
            state = _STATES.get(each.get("requestStatus", ""), "waiting")
            for count in each.get("errorInfo", {}).get("errorCounts", ()):
                refused[told(count.get("reason"))] = refused.get(told(count.get("reason")), 0) + int(count.get("recordCount", 0))
        return Outcome(receipt, state, refused)

    def finish(self) -> Sequence[str]:
        """Google works it off within hours."""
        self.caller.close()
        return [f"list {self.settings['audience']}: {len(self.receipts)} requests"]

    def abandon(self) -> None:
        """What was taken was taken."""
        self.caller.close()


def _members(rows: Rows) -> list[dict[str, Any] | None]:
    """Each row as a member; None where it has no identifier."""
    emails, phones = rows.named("Email"), rows.named("Phone")
    names = ("First Name", "Last Name", "Country", "Zip")
    address = list(zip(*(rows.one(name) for name in names), strict=True))
    found: list[dict[str, Any] | None] = []
    for mails, numbers, parts in zip(emails, phones, address, strict=True):
        identifiers: list[dict[str, Any]] = [{"emailAddress": value} for value in mails]
        identifiers += [{"phoneNumber": value} for value in numbers]
        if all(parts):
            given, family, country, postal = parts
            identifiers.append({"address": {"givenName": given, "familyName": family, "regionCode": country, "postalCode": postal}})
        found.append({"userData": {"userIdentifiers": identifiers}} if identifiers else None)
    return found


def _violations(answer: Answer) -> dict[int, str]:
    """Place in the call -> why Google does not take it; nothing was taken of a call that has any."""
    if answer.status != 400:
        return {}
    found: dict[int, str] = {}
    for detail in answer.json().get("error", {}).get("details", ()):
        for violation in detail.get("fieldViolations", ()):
            if named := _MEMBER.search(violation.get("field", "")):
                found[int(named[1])] = told(violation.get("reason") or violation.get("description"))
    return found


def _busy(answer: Answer) -> float | None:
    """Google says in the body how long to wait."""
    if answer.status not in (429, 503):
        return None
    for detail in answer.json().get("error", {}).get("details", ()):
        if named := _DELAY.fullmatch(str(detail.get("retryDelay", ""))):
            return float(named[1])
    return None


def bearer(credentials: str, caller: Caller, where: str) -> Callable[[], str]:
    """Access tokens for credentials in the form that Google's tools write: a service account or an authorised user.

    Raises:
        DestinationConfig: these are no such credentials, or google-auth is not installed.
    """
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.oauth2 import credentials as user
        from google.oauth2 import service_account as service
    except ImportError:
        raise DestinationConfig(f"{where} needs google-auth: pip install 'customer-data-platform[google]'") from None
    kinds: Mapping[str, Callable[..., Any]] = {
        "service_account": service.Credentials.from_service_account_info,
        "authorized_user": _authorised(user.Credentials),
    }
    try:
        info = json.loads(credentials)
        found = kinds[info["type"]](info, scopes=[SCOPE])
    except (ValueError, KeyError, TypeError):
        raise DestinationConfig(
            f"{where}: the credentials are not the JSON of a service account or an authorised user, as Google's tools write it"
        ) from None

    def request(url: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> Any:
        content = body.encode() if isinstance(body, str) else body
        answer = caller.call(method, url, body=content, headers=lambda: headers or {})
        return _Response(answer.status, answer.headers, answer.body)

    def token() -> str:
        if not found.valid:
            try:
                found.refresh(request)
            except GoogleAuthError as error:
                raise DestinationConfig(f"{where}: Google gives no access token for these credentials ({type(error).__name__})") from None
        return str(found.token)

    return token


def _authorised(kind: Callable[..., Any]) -> Callable[..., Any]:
    """A maker of credentials that heeds the document's token address, as that of service accounts does."""

    def make(info: Mapping[str, str], scopes: Sequence[str]) -> Any:
        parts = {name: info[name] for name in ("refresh_token", "client_id", "client_secret")}
        return kind(None, token_uri=info.get("token_uri", TOKENS), scopes=scopes, **parts)

    return make


@dataclass(frozen=True)
class _Response:
    """What google-auth reads of an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes
