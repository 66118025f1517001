"""A fake of Salesforce's query resource: it answers the connector's SOQL, in pages by a locator."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.salesforce import OBJECTS
from connectors.testing.fake import FakeVendor, Row, reply

_STREAMS = {OBJECTS[name][0]: name for name in OBJECTS}


class Fake(FakeVendor):
    """Records sorted by SystemModstamp, deleted ones too; a locator holds its query and the place in it."""

    streams = tuple(OBJECTS)
    can = frozenset({"delete", "merge", "empty_page", "repeat", "zones", "renew"})

    def able(self, stream: str) -> frozenset[str]:
        return self.can if "MasterRecordId" in OBJECTS[stream][2] else self.can - {"merge"}

    def config(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "client_id": "fake-client", "client_secret": self.secret}

    def show(self, stream: str, row: Row) -> Any:
        kind_of = OBJECTS[stream][0]
        name = str(row.data.get("name", ""))
        own: dict[str, dict[str, Any]] = {
            "contacts": {"FirstName": name.partition(" ")[0], "LastName": name.partition(" ")[2], "Email": row.data.get("email")},
            "leads": {"LastName": name, "Email": row.data.get("email"), "Company": "Acme"},
            "accounts": {"Name": name},
            "cases": {"Subject": name, "ContactId": "1", "Origin": "Email"},
            "opportunities": {"Name": name, "ContactId": "1", "Amount": 12.5},
            "tasks": {"Subject": name, "WhoId": "1"},
        }
        merged = {"MasterRecordId": row.merged_into} if "merge" in self.able(stream) else {}
        more = {key: value for key, value in row.data.items() if key not in ("name", "email")}
        times = {"CreatedDate": self.stamp(row.created or row.changed), "SystemModstamp": self.stamp(row.changed, ord(row.key[-1:] or "0"))}
        attributes = {"type": kind_of, "url": f"/services/data/v64.0/sobjects/{kind_of}/{row.key}"}
        return {"attributes": attributes, "Id": row.key, "IsDeleted": row.deleted, **times, **merged, **own[stream], **more}

    def answer(self, request: Request) -> Response:
        if request.path.startswith("/services/data/v64.0/query/") or request.path.endswith("/query"):
            return self._living(request)
        found = re.fullmatch(r"/services/data/v64\.0/queryAll(?:/(\w+)-([\d.]*)-(e?\d+))?", request.path)
        if found is None:
            return reply([{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}], 404)
        kind_of, since, place = found.groups()
        if kind_of is None:
            asked = re.search(r" FROM (\w+)(?: WHERE SystemModstamp >= (\S+))? ORDER BY SystemModstamp, Id$", request.args["q"])
            if asked is None or asked.group(1) not in _STREAMS:
                return reply([{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}], 400)
            kind_of, since = asked.group(1), str(datetime.fromisoformat(asked.group(2)).timestamp()) if asked.group(2) else ""
        stream = _STREAMS[kind_of]
        rows = [row for row in self.listed(stream, deleted=True) if not since or row.changed.timestamp() >= float(since)]
        rows.sort(key=lambda row: (row.changed, row.key))
        page, following = self.paged(rows, place, 2000)
        more = {"nextRecordsUrl": f"/services/data/v64.0/queryAll/{kind_of}-{since or ''}-{following}"} if following else {}
        return reply({"totalSize": len(rows), "done": not following, **more, "records": [self.show(stream, row) for row in page]})

    def _living(self, request: Request) -> Response:
        """`query` leaves out what was deleted."""
        asked = re.fullmatch(r"SELECT Id FROM (\w+) ORDER BY Id", request.args.get("q", ""))
        kind_of, _, place = (asked.group(1), "", "") if asked else request.path.rpartition("/")[2].partition("-")
        if kind_of not in _STREAMS:
            return reply([{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}], 400)
        rows = sorted(self.listed(_STREAMS[kind_of]), key=lambda row: row.key)
        page, following = self.paged(rows, place or None, 2000)
        more = {"nextRecordsUrl": f"/services/data/v64.0/query/{kind_of}-{following}"} if following else {}
        return reply({"totalSize": len(rows), "done": not following, **more, "records": [{"Id": row.key} for row in page]})
