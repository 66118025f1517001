"""A fake of Bitrix24's list methods: fifty rows a page, every value a string, the secret in the path."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.testing.fake import FakeVendor, Row, reply

_METHODS = {"contact": "contacts", "company": "companies", "lead": "leads", "deal": "deals", "activity": "activities"}


class Fake(FakeVendor):
    """Rows sorted by the time of their last change, with the portal's own offset."""

    streams = tuple(_METHODS.values())
    can = frozenset({"repeat", "zones"})

    def config(self) -> dict[str, Any]:
        return {"base_url": f"{self.base_url}/rest/1/{self.secret}"}

    def let_in(self, request: Request) -> bool:
        return f"/{self.secret}/" in request.path and not self.revoked

    def show(self, stream: str, row: Row) -> Any:
        stamp, created = ("LAST_UPDATED", "CREATED") if stream == "activities" else ("DATE_MODIFY", "DATE_CREATE")
        name = str(row.data.get("name", ""))
        person = {"NAME": name.partition(" ")[0], "LAST_NAME": name.partition(" ")[2], "PHONE": [], "HAS_EMAIL": "Y"}
        mail = {"EMAIL": [{"ID": "1", "VALUE_TYPE": "WORK", "VALUE": row.data.get("email"), "TYPE_ID": "EMAIL"}]}
        own: dict[str, dict[str, Any]] = {
            "contacts": {**person, **mail},
            "leads": {**person, **mail, "TITLE": name},
            "companies": {"TITLE": name, **mail},
            "deals": {"TITLE": name, "CONTACT_ID": "1", "OPPORTUNITY": "12.50", "CURRENCY_ID": "EUR", "STAGE_ID": "NEW"},
            "activities": {"SUBJECT": name, "OWNER_ID": "1", "OWNER_TYPE_ID": "3", "TYPE_ID": "2", "DIRECTION": "1"},
        }
        more = {key: value for key, value in row.data.items() if key not in ("name", "email")}
        times = {created: self.stamp(row.created or row.changed), stamp: self.stamp(row.changed, ord(row.key[-1:] or "0"))}
        return {"ID": row.key, **own[stream], **times, **more}

    def answer(self, request: Request) -> Response:
        parts = request.path.rpartition("/")[2].split(".")
        stream = _METHODS.get(parts[1]) if len(parts) == 4 else None
        if stream is None:
            return reply({"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}, 404)
        body = request.get_json()
        asked = next(iter(body["filter"].values()), None)
        rows = self.listed(stream, datetime.fromisoformat(asked) if asked else None)
        rows.sort(key=lambda row: (row.changed, row.key))
        found, following = self.paged(rows, str(body["start"]), 50)
        more = {"next": int(following)} if following else {}
        return reply({"result": [self.show(stream, row) for row in found], **more, "total": len(rows)})
