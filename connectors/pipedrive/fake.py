"""A fake of Pipedrive's API v2: lists by cursor, `updated_since`, and deleted deals by their status."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.testing.fake import FakeVendor, Row, reply


class Fake(FakeVendor):
    """Rows sorted by `update_time`."""

    streams = ("persons", "organizations", "deals", "activities")
    can = frozenset({"delete", "empty_page", "repeat", "zones"})

    def able(self, stream: str) -> frozenset[str]:
        return self.can if stream == "deals" else self.can - {"delete"}

    def show(self, stream: str, row: Row) -> Any:
        own: dict[str, dict[str, Any]] = {
            "persons": {"emails": [{"value": row.data.get("email"), "primary": True, "label": "work"}], "phones": [], "org_id": None},
            "organizations": {"address": None},
            "deals": {
                "title": row.data.get("name"),
                "person_id": 1,
                "value": 12.5,
                "currency": "EUR",
                "status": "deleted" if row.deleted else "open",
            },
            "activities": {"subject": row.data.get("name"), "person_id": 1, "type": "call", "done": True},
        }
        more = {name: value for name, value in row.data.items() if name != "email"}
        times = {"add_time": self.stamp(row.created or row.changed), "update_time": self.stamp(row.changed, ord(row.key[-1:] or "0"))}
        return {"id": row.key, **more, **own[stream], **times}

    def answer(self, request: Request) -> Response:
        stream = request.path.removeprefix("/api/v2/")
        if stream not in self.tables:
            return reply({"success": False, "error": "Not found"}, 404)
        asked, deleted = request.args.get("updated_since"), request.args.get("status") == "deleted"
        rows = [
            row for row in self.listed(stream, datetime.fromisoformat(asked) if asked else None, deleted=True) if row.deleted == deleted
        ]
        rows.sort(key=lambda row: (row.changed, row.key))
        found, following = self.paged(rows, request.args.get("cursor"), int(request.args.get("limit", "100")))
        return reply({"success": True, "data": [self.show(stream, row) for row in found], "additional_data": {"next_cursor": following}})
