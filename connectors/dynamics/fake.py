"""A fake of Dataverse's Web API with change tracking: a delta link is a place in the list of changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.dynamics import ENTITIES
from connectors.testing.clock import ManualClock
from connectors.testing.fake import FakeVendor, Row, reply


class Fake(FakeVendor):
    """Pages by `@odata.nextLink`; the last one holds `@odata.deltaLink`; what was deleted comes only through a delta link."""

    streams = tuple(ENTITIES)
    can = frozenset({"delete", "empty_page", "repeat", "zones", "renew"})

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self._order: dict[tuple[str, str], int] = {}
        self._count = 0

    def config(self) -> dict[str, Any]:
        login = {"tenant_id": "t", "token_url": f"{self.base_url}/oauth2/v2.0/token"}
        return {"base_url": self.base_url, "client_id": "fake-client", "client_secret": self.secret, **login}

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
        name = str(row.data.get("name", ""))
        own: dict[str, dict[str, Any]] = {
            "contacts": {"firstname": name.partition(" ")[0], "lastname": name.partition(" ")[2], "emailaddress1": row.data.get("email")},
            "accounts": {"name": name, "emailaddress1": row.data.get("email")},
            "incidents": {"title": name, "_customerid_value": "1", "caseorigincode": 2},
            "salesorders": {"name": name, "_customerid_value": "1", "totalamount": 12.5},
        }
        more = {key: value for key, value in row.data.items() if key not in ("name", "email")}
        times = {"createdon": self.stamp(row.created or row.changed), "modifiedon": self.stamp(row.changed, ord(row.key[-1:] or "0"))}
        return {"@odata.etag": f'W/"{row.changed:%s}"', ENTITIES[stream][0]: row.key, **own[stream], **times, **more}

    def answer(self, request: Request) -> Response:
        stream = request.path.removeprefix("/api/data/v9.2/")
        if stream not in self.tables:
            return reply({"error": {"code": "0x8006088a", "message": "Resource not found for the segment"}}, 404)
        base = f"{self.base_url}/api/data/v9.2/{stream}"
        since = int(request.args.get("$deltatoken", "0"))
        rows = [row for row in self.tables[stream].values() if self._order[stream, row.key] > since and (since or not row.deleted)]
        rows.sort(key=lambda row: self._order[stream, row.key])
        upto = request.args.get("upto", str(self._count))
        found, following = self.paged(rows, request.args.get("$skiptoken"), 500)
        gone = f"{self.base_url}/api/data/v9.2/$metadata#{stream}/$deletedEntity"
        value = [{"@odata.context": gone, "id": row.key, "reason": "deleted"} if row.deleted else self.show(stream, row) for row in found]
        if following:
            return reply({"value": value, "@odata.nextLink": f"{base}?$deltatoken={since}&upto={upto}&$skiptoken={following}"})
        return reply({"value": value, "@odata.deltaLink": f"{base}?$deltatoken={upto}"})
