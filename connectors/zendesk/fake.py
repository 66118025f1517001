"""A fake of Zendesk's cursor exports, organisations and ticket comments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.testing.clock import ManualClock
from connectors.testing.fake import FakeVendor, Row, reply


class Fake(FakeVendor):
    """An export is the list of changes in the order in which they were committed; its cursor is a place in it."""

    streams = ("users", "organizations", "tickets", "ticket_comments")
    can = frozenset({"delete", "empty_page", "repeat", "zones"})

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self._order: dict[tuple[str, str], int] = {}
        self._count = 0

    def able(self, stream: str) -> frozenset[str]:
        return self.can - {"empty_page", "delete"} if stream == "ticket_comments" else self.can

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "email": "agent@example.com", "token": self.secret}

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        super().put(stream, key, changed, **data)
        self._moved(stream, key)

    def delete(self, stream: str, key: str) -> None:
        super().delete(stream, key)
        self._moved(stream, key)

    def _moved(self, stream: str, key: str) -> None:
        self._count += 1
        self._order[stream, key] = self._count

    def show(self, stream: str, row: Row) -> Any:
        if stream == "ticket_comments":
            return {**self._comment(row), "parent_key": row.key}
        times = {"created_at": self.stamp(row.created or row.changed), "updated_at": self.stamp(row.changed, ord(row.key[-1:] or "0"))}
        own: dict[str, dict[str, Any]] = {
            "users": {"active": not row.deleted, "phone": None, "role": "end-user"},
            "organizations": {"domain_names": []},
            "tickets": {
                "subject": row.data.get("name"),
                "requester_id": 1,
                "status": "deleted" if row.deleted else "open",
                "via": {"channel": "email"},
            },
        }
        return {"id": row.key, **row.data, **own[stream], **times}

    def _comment(self, row: Row) -> dict[str, Any]:
        """Each ticket has one comment, whose key is that of the ticket."""
        return {
            "id": row.key,
            "author_id": 1,
            "created_at": self.stamp(row.changed),
            "body": row.data.get("name"),
            "public": True,
            **row.data,
        }

    def answer(self, request: Request) -> Response:
        parts = request.path.removesuffix(".json").strip("/").split("/")[2:]
        if parts[0] == "incremental":
            return self._export(request, parts[1])
        if parts[0] == "tickets" and parts[2:] == ["comments"]:
            row = self.tables["ticket_comments"].get(parts[1])
            return reply({"comments": [self._comment(row)] if row else [], "meta": {"has_more": False}, "links": {"next": None}})
        if parts[0] == "organizations":
            found, following = self.paged(
                self.listed("organizations"), request.args.get("page[after]"), int(request.args.get("page[size]", "100"))
            )
            link = f"{self.base_url}/api/v2/organizations.json?page[size]=100&page[after]={following}" if following else None
            shown = [self.show("organizations", row) for row in found]
            return reply({"organizations": shown, "meta": {"has_more": bool(link)}, "links": {"next": link}})
        return reply({"error": "InvalidEndpoint", "description": "Not found"}, 404)

    def _export(self, request: Request, name: str) -> Response:
        """The tickets of both streams; a check fills one of them."""
        kinds = [name] if name == "users" else ["tickets", "ticket_comments"]
        after = int(request.args.get("cursor", "0").removeprefix("e"))
        changed = self._changes(kinds, after)
        size = min(int(request.args.get("per_page", "1000")), self.page_size)
        found, ends = changed[:size], len(changed) <= size
        if self.repeat:
            ends, after = False, 1
        elif self.empty_page and after == 0 and not request.args.get("cursor") and not ends:
            return reply({name: [], "after_cursor": "e0", "end_of_stream": False})
        else:
            after = found[-1][0] if found else after
        shown = [self.show("tickets" if kind == "ticket_comments" else kind, row) for _, row, kind in found]
        return reply({name: shown, "after_cursor": str(after), "end_of_stream": ends})

    def _changes(self, kinds: list[str], after: int) -> list[tuple[int, Row, str]]:
        found = [(self._order[kind, key], row, kind) for kind in kinds for key, row in self.tables[kind].items()]
        return sorted((each for each in found if each[0] > after), key=lambda each: each[0])
