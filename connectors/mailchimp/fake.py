"""A fake of Mailchimp's audience members, campaigns and e-mail activity reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.testing.clock import ManualClock
from connectors.testing.fake import FakeVendor, Row, reply


class Fake(FakeVendor):
    """Members are archived, not deleted; a row of `campaign_activity` is a campaign that one member opens whenever it changes."""

    streams = ("members", "campaign_activity")
    can = frozenset({"delete", "zones"})

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self.acts: dict[str, list[Row]] = {}

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        super().put(stream, key, changed, **data)
        if stream == "campaign_activity":
            row = self.tables[stream][key]
            self.acts.setdefault(key, []).append(Row(key, row.changed, dict(row.data)))

    def able(self, stream: str) -> frozenset[str]:
        return self.can if stream == "members" else frozenset({"zones"})

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "api_key": self.secret, "audience_id": "a1"}

    def show(self, stream: str, row: Row) -> Any:
        time = self.stamp(row.changed, ord(row.key[-1:] or "0"))
        if stream == "campaign_activity":
            shown = {"campaign_id": row.key, "list_id": "a1", "email_id": "1", "parent_key": row.key, **self._extra(row)}
            return {**shown, "action": "open", "timestamp": time, "activity_key": f"{row.key}:1:open:{time}"}
        status = "archived" if row.deleted else "subscribed"
        own: dict[str, Any] = {
            "full_name": row.data.get("name"),
            "email_address": row.data.get("email"),
            "status": status,
            "merge_fields": {},
        }
        return {"id": row.key, **self._extra(row), **own, "last_changed": time, "timestamp_opt": self.stamp(row.created or row.changed)}

    def _reported(self, act: Row) -> dict[str, Any]:
        shown = self.show("campaign_activity", act)
        done = {"action": shown.pop("action"), "timestamp": shown.pop("timestamp")}
        return {**{name: value for name, value in shown.items() if name not in ("parent_key", "activity_key")}, "activity": [done]}

    @staticmethod
    def _extra(row: Row) -> dict[str, Any]:
        return {name: value for name, value in row.data.items() if name != "email"}

    def truth(self, stream: str) -> dict[str, Any]:
        if stream == "members":
            return super().truth(stream)
        shown = [self.show(stream, act) for key, acts in self.acts.items() for act in acts if key]
        return {row["activity_key"]: row for row in shown}

    def answer(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")[1:]
        if parts[0] == "reports":
            emails = [self._reported(act) for act in self.acts[parts[1]]]
            start = int(request.args["offset"])
            return reply({"emails": emails[start : start + self.page_size], "total_items": len(emails)})
        name, stream, param = ("campaigns", "campaign_activity", "since_send_time")
        if parts == ["lists", "a1", "members"]:
            name, stream, param = "members", "members", "since_last_changed"
        elif parts != ["campaigns"]:
            return reply({"title": "Resource Not Found", "status": 404}, 404)
        asked = request.args.get(param)
        rows = self.listed(stream, datetime.fromisoformat(asked) if asked else None, deleted=True)
        rows.sort(key=lambda row: (row.changed, row.key))
        found, _ = self.paged(rows, request.args["offset"], int(request.args["count"]))
        campaigns = [{"id": row.key, "send_time": self.stamp(row.changed, ord(row.key[-1:] or "0"))} for row in found]
        return reply({name: campaigns if name == "campaigns" else [self.show(stream, row) for row in found], "total_items": len(rows)})
