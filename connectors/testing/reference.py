"""A plain vendor that does everything right, and the connector to it; what the scaffold writes and the broken connectors start from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from connectors.auth import OAuth2
from connectors.paging import CursorPaging
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceParam
from connectors.testing.clock import ManualClock
from connectors.testing.fake import FakeVendor, Row, reply


class ReferenceFake(FakeVendor):
    """`GET /people` and `GET /visits`, with `updated_since`, in pages of any kind, behind any authentication."""

    streams = ("people", "visits")
    can = frozenset({"broken_row", "delete", "merge", "empty_page", "repeat", "zones", "renew"})
    auth: ClassVar[str] = "oauth2"
    paging: ClassVar[str] = "cursor"

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self._broken: set[str] = set()

    def config(self) -> dict[str, Any]:
        secrets = {
            "bearer": {"token": self.secret},
            "header": {"token": self.secret},
            "basic": {"user": "me", "password": self.secret},
            "oauth2": {"client_id": "me", "client_secret": self.secret},
        }
        return {"base_url": self.base_url, **secrets[self.auth]}

    def show(self, stream: str, row: Row) -> Any:
        times = {
            "created_at": self.stamp(row.created or row.changed),
            "updated_at": self.stamp(row.changed, len(row.key) + ord(row.key[-1:] or "0")),
        }
        fate = {"deleted": row.deleted, "merged_into": row.merged_into}
        own = {"person_id": row.key, "kind": "visit"} if stream == "visits" else {}
        return {"id": row.key, **row.data, **own, **times, **fate}

    def put_broken(self, stream: str) -> None:
        self._broken.add(stream)

    def _shown(self, stream: str, rows: Sequence[Row], first: bool) -> list[Any]:
        shown = [self.show(stream, row) for row in rows]
        return ["no row", *shown] if first and stream in self._broken else shown

    def answer(self, request: Request) -> Response:
        stream = request.path.strip("/")
        if stream not in self.tables:
            return reply({"message": "not found"}, 404)
        asked = request.args.get("updated_since")
        since = datetime.fromisoformat(asked) if asked else None
        rows = self.listed(stream, since, deleted=True)
        if self.paging == "number":
            number, size = int(request.args.get("page", "1")), min(int(request.args.get("limit", "100")), self.page_size)
            return reply({"data": self._shown(stream, rows[(number - 1) * size : number * size], number == 1)})
        token, first = request.args.get("after"), "after" not in request.args
        if self.paging == "after_key":
            place = next((i for i, row in enumerate(rows) if row.key == token), -1) + 1
            token = str(place) if token else None
        found, following = self.paged(rows, token, int(request.args.get("limit", "100")))
        data: dict[str, Any] = {"data": self._shown(stream, found, first)}
        if self.paging == "after_key":
            return reply({**data, "has_more": following is not None})
        if self.paging == "link":
            query = f"limit={request.args.get('limit', '100')}" + (f"&updated_since={asked}" if asked else "")
            return reply({**data, "next": f"{self.base_url}/{stream}?{query}&after={following}" if following else None})
        return reply({**data, "next": following})


class ReferenceSource(RestSource):
    """The connector to the reference vendor."""

    vendor = "reference"
    auth = OAuth2("oauth/token")
    declared = tuple(
        RestStream(
            name,
            Listing(name, "data", paging=CursorPaging("after", "next", size_param="limit"), since=SinceParam("updated_since")),
            kind=kind,
            cursor="updated_at",
            gone=Gone(flag="deleted", merged_into="merged_into", keys=Listing(name, "data", paging=CursorPaging("after", "next"))),
        )
        for name, kind in (("people", "customer"), ("visits", "interaction"))
    )
