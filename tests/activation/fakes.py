"""Stateful stand-ins of vendors over HTTP: they refuse what the vendor's documentation refuses, and keep what they took.

The limits, shapes and hash forms that they check are the vendors' own; `faults` are answered before anything else.
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HASH = re.compile(r"^[0-9a-f]{64}$")
Json = dict[str, Any]
Said = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Fake:
    """A server that answers by `handle`. A fault is an answer, or a function of the call that may give one."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    faults: list[Said | Callable[[Call], Said | None] | None] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    def handle(self, call: Call) -> Said:
        raise NotImplementedError

    def answer(self, call: Call) -> Said:
        self.calls.append(call)
        fault = self.faults.pop(0) if self.faults else None
        said = fault(call) if callable(fault) else fault
        return said if said is not None else self.handle(call)

    def start(self) -> Fake:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                form = self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
                body: Any = {k: v[0] for k, v in parse_qs(content.decode()).items()} if form else json.loads(content) if content else None
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                call = Call(self.command, parts.path, query, {k.lower(): v for k, v in self.headers.items()}, body)
                status, said, *more = fake.answer(call)
                written = b"" if said is None else json.dumps(said).encode()
                self.send_response(status)
                for name, value in (more[0] if more else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(written)))
                self.end_headers()
                self.wfile.write(written)

            do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815  # names that http.server calls

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def stop(self) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()


# --- Google Data Manager ---------------------------------------------------------------------------------------------------------


def google_error(status: int, message: str, *details: Json) -> Said:
    return status, {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT", "details": list(details)}}


@dataclass
class GoogleFake(Fake):
    """Audience members by their identifiers; `bad` are hashes that it calls invalid."""

    members: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)
    requests: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[Json]] = field(default_factory=dict)

    def handle(self, call: Call) -> Said:
        if call.path == "/token":
            assert call.body["grant_type"] in ("refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            return 200, {"access_token": "access-1", "expires_in": 3600, "token_type": "Bearer"}
        if call.headers.get("authorization") != "Bearer access-1":
            return google_error(401, "Request had invalid authentication credentials.")
        if call.path == "/v1/requestStatus:retrieve":
            state = self.requests[call.query["requestId"]]
            errors = {"errorInfo": {"errorCounts": self.errors.get(call.query["requestId"], [])}}
            return 200, {"requestStatusPerDestination": [{"requestStatus": state, **errors}]}
        return self.members_call(call)

    def members_call(self, call: Call) -> Said:
        body, adding = call.body, call.path == "/v1/audienceMembers:ingest"
        assert adding or call.path == "/v1/audienceMembers:remove"
        (destination,) = body["destinations"]
        if destination["operatingAccount"] != {"accountType": "GOOGLE_ADS", "accountId": "1234567890"}:
            return google_error(403, "The caller does not have permission")
        if destination["productDestinationId"] != "77" or body["encoding"] != "HEX":
            return google_error(400, "Request contains an invalid argument.")
        if len(body["audienceMembers"]) > 10_000:
            return google_error(400, "Too many audience members.")
        if adding and body["termsOfService"] != {"customerMatchTermsOfServiceStatus": "ACCEPTED"}:
            return google_error(400, "Terms of service not accepted.")
        violations = []
        found: set[str] = set()
        for number, member in enumerate(body["audienceMembers"]):
            identifiers = member["userData"]["userIdentifiers"]
            problem = self.problem(identifiers)
            if problem:
                violations.append(
                    {"field": f"audience_members[{number}].{problem}", "reason": "INVALID_HEX_ENCODING", "description": "bad"}
                )
            found |= {json.dumps(identifier, sort_keys=True) for identifier in identifiers}
        if violations:
            return google_error(
                400, "There was a problem.", {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
            )
        self.members = self.members | found if adding else self.members - found
        request = f"r{len(self.requests)}"
        self.requests[request] = "PROCESSING"
        return 200, {"requestId": request}

    def problem(self, identifiers: list[Json]) -> str | None:
        if not 1 <= len(identifiers) <= 10:
            return "user_data.user_identifiers"
        for place, identifier in enumerate(identifiers):
            ((kind, value),) = identifier.items()
            hashes = [value["givenName"], value["familyName"]] if kind == "address" else [value]
            if kind == "address" and not (re.fullmatch("[A-Z]{2}", value["regionCode"]) and value["postalCode"]):
                return f"user_data.user_identifiers[{place}].address"
            if not all(HASH.match(one) for one in hashes) or self.bad & set(hashes):
                return f"user_data.user_identifiers[{place}].{kind}"
        return None


# --- Meta -------------------------------------------------------------------------------------------------------------------------


def meta_error(code: int, message: str, status: int = 400, **more: Any) -> Said:
    return status, {"error": {"message": message, "type": "OAuthException", "code": code, **more}}


META_KEYS = {"EXTERN_ID", "EMAIL", "PHONE", "GEN", "DOBY", "DOBM", "DOBD", "LN", "FN", "FI", "CT", "ST", "ZIP", "COUNTRY", "MADID"}


@dataclass
class MetaFake(Fake):
    """Entries of the audience 55 as (e-mail, phone); `bad` are hashes that it calls invalid."""

    entries: set[tuple[str, str]] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)
    sessions: dict[int, list[tuple[int, bool]]] = field(default_factory=dict)

    def handle(self, call: Call) -> Said:
        if call.headers.get("authorization") != "Bearer meta-token":
            return meta_error(190, "Invalid OAuth access token.", 401)
        if call.path != "/v25.0/55/users" or call.method not in ("POST", "DELETE"):
            return meta_error(100, "Unsupported request.")
        session, payload = call.body["session"], call.body["payload"]
        batches = self.sessions.setdefault(session["session_id"], [])
        if not 0 < session["session_id"] < 2**63 or (batches and batches[-1][1]) or session["batch_seq"] != len(batches) + 1:
            return meta_error(100, "Invalid session.")
        batches.append((session["batch_seq"], session["last_batch_flag"]))
        keys, data = payload["schema"], payload["data"]
        if not set(keys) <= META_KEYS or len(set(keys)) != len(keys) or payload.get("is_raw"):
            return meta_error(100, "Invalid parameter: schema")
        if len(data) > 10_000:
            return meta_error(105, "The number of parameters exceeded the maximum for this operation")
        samples = {}
        for row in data:
            values = dict(zip(keys, row, strict=True))
            hashed = [value for key, value in values.items() if key not in ("EXTERN_ID", "MADID") and value]
            if not all(HASH.match(value) for value in hashed) or self.bad & set(hashed):
                samples[json.dumps(row)] = "Invalid hash"
                continue
            entry = (values["EMAIL"], values["PHONE"])
            self.entries = self.entries - {entry} if call.method == "DELETE" else self.entries | {entry}
        return 200, {
            "audience_id": "55",
            "session_id": str(session["session_id"]),
            "num_received": len(data),
            "num_invalid_entries": len(samples),
            "invalid_entry_samples": samples,
        }


# --- Mailchimp ----------------------------------------------------------------------------------------------------------------------


def mailchimp_error(status: int, title: str) -> Said:
    return status, {"type": "https://mailchimp.com/developer/marketing/docs/errors/", "title": title, "status": status, "detail": title}


@dataclass
class MailchimpFake(Fake):
    """Contacts of the list `abc` by address, and static segments."""

    contacts: dict[str, Json] = field(default_factory=dict)
    segments: dict[int, tuple[str, set[str]]] = field(default_factory=dict)

    def handle(self, call: Call) -> Said:
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        if scheme != "Basic" or b64decode(value).decode().partition(":")[2] != "key-us6":
            return mailchimp_error(401, "API Key Invalid")
        path = call.path.removeprefix("/3.0/lists/abc")
        if path == call.path:
            return mailchimp_error(404, "Resource Not Found")
        if path == "":
            return self.batch(call.body)
        if named := re.fullmatch(r"/members/([0-9a-f]{32})", path):
            return self.put(named[1], call.body)
        return self.segment(call, path)

    def batch(self, body: Json) -> Said:
        if len(body["members"]) > 500:
            return mailchimp_error(400, "Invalid Resource")
        errors = []
        for member in body["members"]:
            email = member["email_address"].lower()
            if email in self.contacts and not body["update_existing"]:
                errors.append({"email_address": email, "error": f"{email} is already a list member", "error_code": "ERROR_CONTACT_EXISTS"})
            elif email.endswith("@invalid.example"):
                errors.append({"email_address": email, "error": f"{email} looks fake or invalid", "error_code": "ERROR_GENERIC"})
            else:
                old = self.contacts.get(email, {})
                self.contacts[email] = {**old, **member, "merge_fields": {**old.get("merge_fields", {}), **member.get("merge_fields", {})}}
        return 200, {"new_members": [], "updated_members": [], "errors": errors, "error_count": len(errors)}

    def put(self, member: str, body: Json) -> Said:
        email = body["email_address"].lower()
        if md5(email.encode(), usedforsecurity=False).hexdigest() != member or "status_if_new" not in body or "status" in body:
            return mailchimp_error(400, "Invalid Resource")
        if self.contacts.get(email, {}).get("status") == "cleaned":
            return mailchimp_error(400, "Member In Compliance State")
        contact = self.contacts.setdefault(email, {"email_address": email, "status": body["status_if_new"], "merge_fields": {}})
        contact["merge_fields"] |= body["merge_fields"]
        return 200, contact

    def segment(self, call: Call, path: str) -> Said:
        if path == "/segments" and call.method == "GET":
            found = [{"id": id, "name": name} for id, (name, _) in self.segments.items()]
            return 200, {"segments": page(found, call), "total_items": len(found)}
        if path == "/segments":
            id = len(self.segments) + 100
            self.segments[id] = (call.body["name"], set())
            return 200, {"id": id, "name": call.body["name"]}
        id = int(path.split("/")[2])
        if id not in self.segments:
            return mailchimp_error(404, "Resource Not Found")
        tagged = self.segments[id][1]
        if call.method == "GET":
            hidden = {status for status in ("unsubscribed", "cleaned", "transactional") if call.query.get(f"include_{status}") != "true"}
            found = [{"email_address": email} for email in sorted(tagged) if self.contacts.get(email, {}).get("status") not in hidden]
            return 200, {"members": page(found, call), "total_items": len(found)}
        add, remove = ({email.lower() for email in call.body.get(name, ())} for name in ("members_to_add", "members_to_remove"))
        if len(add) > 500 or len(remove) > 500:
            return mailchimp_error(400, "Invalid Resource")
        unknown, absent = add - set(self.contacts), remove - tagged
        tagged |= add - unknown
        tagged -= remove
        errors = [{"email_addresses": sorted(unknown), "error": "Email addresses do not exist in list"}] if unknown else []
        errors += [{"email_addresses": sorted(absent), "error": "Email addresses are not members of the segment"}] if absent else []
        return 200, {"errors": errors, "total_added": len(add - unknown), "total_removed": len(remove - absent), "error_count": len(errors)}


def page(found: list[Any], call: Call) -> list[Any]:
    offset, count = int(call.query.get("offset", 0)), int(call.query.get("count", 10))
    assert count <= 1000
    return found[offset : offset + count]


# --- HubSpot ---------------------------------------------------------------------------------------------------------------------------


def hubspot_error(status: int, category: str, message: str = "", **more: Any) -> Said:
    said = {"status": "error", "message": message, "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf", "category": category, **more}
    return status, said


@dataclass
class HubSpotFake(Fake):
    """Contacts by record id, and the list 9; `conflicts` are addresses that it refuses one by one."""

    contacts: dict[str, Json] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    conflicts: set[str] = field(default_factory=set)
    check: Callable[[Call], None] = lambda call: None

    def handle(self, call: Call) -> Said:
        if call.headers.get("authorization") != "Bearer hub-token":
            return hubspot_error(401, "INVALID_AUTHENTICATION")
        self.check(call)
        if call.path.startswith("/crm/v3/lists/9/memberships"):
            return self.memberships(call)
        if call.path == "/crm/v3/objects/contacts/batch/upsert":
            return self.upsert(call.body["inputs"])
        if call.path == "/crm/v3/objects/contacts/batch/read":
            return self.read(call.body)
        return hubspot_error(404, "OBJECT_NOT_FOUND")

    def upsert(self, inputs: list[Json]) -> Said:
        emails = [one["id"] for one in inputs]
        if len(inputs) > 100 or len(set(emails)) != len(emails):
            return hubspot_error(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")
        for one in inputs:
            if one["id"].endswith("@invalid.example"):
                detail = json.dumps(
                    [{"isValid": False, "message": f"Email address {one['id']} is invalid", "error": "INVALID_EMAIL", "name": "email"}]
                )
                return hubspot_error(400, "VALIDATION_ERROR", f"Property values were not valid: {detail}")
        results, errors = [], []
        for one in inputs:
            if one["id"] in self.conflicts:
                errors.append(
                    {
                        "status": "error",
                        "category": "CONFLICT",
                        "message": "conflict",
                        "context": {"ids": [one["id"]]},
                        "errors": [],
                        "links": {},
                    }
                )
                continue
            record = next((id for id, known in self.contacts.items() if known["email"] == one["id"]), None) or str(len(self.contacts) + 501)
            new = record not in self.contacts
            self.contacts[record] = {**self.contacts.get(record, {}), **one["properties"], "email": one["id"]}
            results.append(self.object(record) | {"new": new})
        return (207 if errors else 200), {
            **_times(),
            "status": "COMPLETE",
            "results": results,
            **({"errors": errors, "numErrors": len(errors)} if errors else {}),
        }

    def object(self, record: str) -> Json:
        return {
            "id": record,
            "properties": self.contacts[record],
            "archived": False,
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
        }

    def read(self, body: Json) -> Said:
        assert len(body["inputs"]) <= 100
        wanted = {one["id"] for one in body["inputs"]}
        by = body.get("idProperty")
        found = [self.object(id) for id, known in self.contacts.items() if (known["email"] if by == "email" else id) in wanted]
        return (200 if len(found) == len(wanted) else 207), {**_times(), "status": "COMPLETE", "results": found}

    def memberships(self, call: Call) -> Said:
        if call.method == "GET":
            ids = sorted(self.members)
            start, limit = int(call.query.get("after", 0)), int(call.query["limit"])
            assert limit <= 250
            more = {"paging": {"next": {"after": str(start + limit)}}} if start + limit < len(ids) else {}
            return 200, {"results": [{"recordId": id} for id in ids[start : start + limit]], **more}
        assert call.method == "PUT"
        assert isinstance(call.body, list)
        ids = {str(id) for id in call.body}
        missing = sorted(ids - set(self.contacts))
        if call.path.endswith("/add"):
            self.members |= ids & set(self.contacts)
        else:
            self.members -= ids
        return 200, {"recordIdsMissing": missing, "recordIdsRemoved": [], "recordsIdsAdded": sorted(ids - set(missing))}

    @property
    def emails(self) -> set[str]:
        return {self.contacts[id]["email"] for id in self.members}


def _times() -> Json:
    return {"startedAt": "2026-01-01T00:00:00Z", "completedAt": "2026-01-01T00:00:00Z"}
