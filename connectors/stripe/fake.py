"""A fake of Stripe's lists and events, in the shapes of its published fixtures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.testing.clock import ManualClock
from connectors.testing.fake import FakeVendor, Row, reply


class Fake(FakeVendor):
    """Lists newest first; every change is an event with the object as it became, and a deleted object is in no list."""

    streams = ("customers", "charges", "invoices")
    can = frozenset({"delete", "repeat"})

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self.events: list[tuple[float, str, Any]] = []

    def able(self, stream: str) -> frozenset[str]:
        return self.can if stream != "charges" else self.can - {"delete"}

    def put(self, stream: str, key: str, changed: datetime | None = None, **data: Any) -> None:
        known = key in self.tables[stream]
        super().put(stream, key, changed, **data)
        row = self.tables[stream][key]
        self._tell(stream, row, "updated" if known or stream != "customers" else "created")

    def delete(self, stream: str, key: str) -> None:
        super().delete(stream, key)
        self._tell(stream, self.tables[stream][key], "deleted")

    def _tell(self, stream: str, row: Row, what: str) -> None:
        self.events.append((row.changed.timestamp(), f"{stream.removesuffix('s')}.{what}", self.show(stream, row)))

    def show(self, stream: str, row: Row) -> Any:
        kind, customer = stream.removesuffix("s"), row.data.get("customer", "1")
        own: dict[str, dict[str, Any]] = {
            "customers": {"address": None, "phone": None, "metadata": {}, "preferred_locales": []},
            "charges": {"amount": 1250, "currency": "eur", "customer": customer, "status": "succeeded", "description": None},
            "invoices": {"amount_due": 1250, "currency": "eur", "customer": customer, "status": "open", "number": None},
        }
        return {"id": row.key, "object": kind, "created": int((row.created or row.changed).timestamp()), **own[stream], **row.data}

    def truth(self, stream: str) -> dict[str, Any]:
        money = {} if stream == "customers" else {"decimal": {"amount" if stream == "charges" else "amount_due": "12.50"}}
        return {key: {**row, **money} for key, row in super().truth(stream).items()}

    def answer(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        size = int(request.args.get("limit", "10"))
        after = request.args.get("starting_after")
        if name == "events":
            listed = self._events(request)
        elif name in self.tables:
            rows = sorted(self.listed(name), key=lambda row: (row.created or row.changed, row.key), reverse=True)
            listed = [self.show(name, row) for row in rows]
        else:
            return reply({"error": {"type": "invalid_request_error", "message": "Unrecognized request URL"}}, 404)
        start = next((i + 1 for i, each in enumerate(listed) if each["id"] == after), 0)
        size = min(size, self.page_size)
        found = listed[:size] if self.repeat else listed[start : start + size]
        more = self.repeat or start + size < len(listed)
        return reply({"object": "list", "url": request.path, "data": found, "has_more": more})

    def _events(self, request: Request) -> list[dict[str, Any]]:
        since, types = float(request.args.get("created[gte]", "0")), set(request.args.getlist("types[]"))
        told = [(time, number, kind, shown) for number, (time, kind, shown) in enumerate(self.events) if kind in types and time >= since]
        told.sort(key=lambda event: event[:2], reverse=True)
        return [
            {"id": f"evt_{number}", "object": "event", "type": kind, "created": int(time), "data": {"object": shown}}
            for time, number, kind, shown in told
        ]
