"""A fake of HubSpot's CRM objects API v3 (and of the associations API v4), in the shapes of its published OpenAPI documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from connectors.hubspot import PROPERTIES
from connectors.testing.fake import FakeVendor, Row, reply


class Fake(FakeVendor):
    """Lists, searches, archives and merges objects; a list knows associations, a search does not."""

    streams = tuple(PROPERTIES)
    can = frozenset({"delete", "merge", "empty_page", "repeat", "zones"})

    def able(self, stream: str) -> frozenset[str]:
        return self.can if "hs_merged_object_ids" in PROPERTIES[stream] else self.can - {"merge"}

    def show(self, stream: str, row: Row) -> Any:
        shown = self._bare(stream, row)
        if stream in ("contacts", "companies") or not row.key:
            return shown
        return {
            **shown,
            "associations": {"contacts": {"results": [{"id": self._contact(row), "type": f"{stream.removesuffix('s')}_to_contact"}]}},
        }

    def _contact(self, row: Row) -> str:
        return str(row.data.get("contact", "1"))

    def _bare(self, stream: str, row: Row) -> dict[str, Any]:
        stamp = "lastmodifieddate" if stream == "contacts" else "hs_lastmodifieddate"
        name = str(row.data.get("name", ""))
        known: dict[str, dict[str, Any]] = {
            "contacts": {"firstname": name.partition(" ")[0], "lastname": name.partition(" ")[2], "email": row.data.get("email")},
            "companies": {"name": name},
            "deals": {"dealname": name, "amount": "12.50", "deal_currency_code": "EUR"},
            "tickets": {"subject": name},
        }
        own = known.get(stream, {"hs_timestamp": self.stamp(row.created or row.changed)})
        merged = {"hs_merged_object_ids": ";".join(row.swallowed)} if "hs_merged_object_ids" in PROPERTIES[stream] else {}
        more = {key: value for key, value in row.data.items() if key not in ("name", "email", "contact", "properties")}
        properties = {**own, **merged, stamp: self.stamp(row.changed), "hs_object_id": row.key, **row.data.get("properties", {})}
        times = {"createdAt": self.stamp(row.created or row.changed), "updatedAt": self.stamp(row.changed, ord(row.key[-1:] or "0"))}
        return {"id": row.key, "properties": properties, **times, "archived": row.deleted, **more}

    def answer(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        if parts[:3] == ["crm", "v3", "properties"]:
            names = [{"name": name, "type": "string"} for name in PROPERTIES.get(parts[3], ())]
            return reply({"results": names if parts[3] in PROPERTIES else []})
        if parts[:3] == ["crm", "v4", "associations"] and parts[-2:] == ["batch", "read"]:
            return self._associations(parts[3], request.get_json())
        if parts[:3] != ["crm", "v3", "objects"] or parts[3] not in self.tables:
            return reply({"status": "error", "message": "not found", "category": "OBJECT_NOT_FOUND", "correlationId": "0"}, 404)
        if parts[4:] == ["search"]:
            return self._search(parts[3], request.get_json())
        archived = request.args.get("archived") == "true"
        rows = [row for row in self.listed(parts[3], deleted=True) if row.deleted == archived and not row.merged_into]
        found, following = self.paged(rows, request.args.get("after"), int(request.args.get("limit", "10")))
        linked = "associations" in request.args
        return reply(_collection([self.show(parts[3], row) if linked else self._bare(parts[3], row) for row in found], following))

    def _search(self, stream: str, body: Any) -> Response:
        asked = str(body["filterGroups"][0]["filters"][0]["value"])
        since = datetime.fromtimestamp(int(asked) / 1000, UTC) if asked.isdigit() else datetime.fromisoformat(asked)
        after = str(body.get("after", "0"))
        rows = sorted(self.listed(stream, since), key=lambda row: (row.changed, row.key))
        found, following = self.paged(rows, after if after != "0" else None, int(body.get("limit", 10)))
        return reply({"total": len(rows), **_collection([self._bare(stream, row) for row in found], following)})

    def _associations(self, stream: str, body: Any) -> Response:
        wanted = [self.tables[stream][each["id"]] for each in body["inputs"]]
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 16, "label": None}]
        found = [{"from": {"id": row.key}, "to": [{"toObjectId": int(self._contact(row)), "associationTypes": kinds}]} for row in wanted]
        return reply({"status": "COMPLETE", "results": found})


def _collection(shown: list[Any], following: str | None) -> dict[str, Any]:
    paging = {"paging": {"next": {"after": following, "link": f"?after={following}"}}} if following else {}
    return {"results": shown, **paging}
