"""A REST source is data: streams, each with how to list its rows, page by page, and how to ask for those that changed.

The bookmark of a stream is `{"cursor": time, "high": time, "next": token}`: everything up to `cursor` is stored; while a read is
under way, `high` is the greatest time seen in it and `next` its next page. When the read ends, `high` becomes `cursor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from connectors.auth import Auth, NoAuth
from connectors.contract import ConfigError, ContractError, Json, Page, Present, Refused, Stream
from connectors.http import Clock, HttpClient, Limits, Refusal, Request, Rules
from connectors.paging import Following, Paging, SinglePage, Token, walk
from connectors.paths import at
from connectors.since import Since, instant


@dataclass(frozen=True)
class Listing:
    """One way to list rows.

    Attributes:
        path: under the base address.
        records: where the list of rows is in an answer; empty: the answer is the list.
        since: how to ask only for what changed; None: all rows come.
        window: rows after which the source lists no further: it is asked again from the last time seen. Such a list must be sorted
            by the cursor, oldest first.
        unwrap: path, in each element of the list, of the row itself (a list of events that hold what changed).
        latest_first: an element that comes later is older, so only the first with a key counts.
        limits: those of this list, where the vendor has others for it.
    """

    path: str
    records: str = ""
    method: str = "GET"
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    paging: Paging = field(default_factory=SinglePage)
    since: Since | None = None
    window: int | None = None
    unwrap: str = ""
    latest_first: bool = False
    limits: Limits | None = None

    def request(self, label: str) -> Request:
        return Request(self.path, self.method, self.params, self.body, self.headers, label, self.limits)


@dataclass(frozen=True)
class Gone:
    """How a deleted or merged row shows.

    Attributes:
        flag: path, in an element of the list, of a member that is true if the row was deleted (or equals `equals`, if that is set).
        listing: a list of deleted rows, read after the others.
        key: path of the key in a deleted row, where it is another than in the others.
        keys: lists all rows there are, of which the key alone is read, where nothing else tells what was deleted. For a stream with
            `child` these are the parents, less those that the list flags as gone.
        merged_into: path, in a row that is gone, of the key of the row that it was merged into.
        merged_from: path, in a row that lives, of the keys (a list, or a text with `;` between) that were merged into it.
    """

    flag: str | None = None
    equals: Any = None
    key: str | None = None
    listing: Listing | None = None
    keys: Listing | None = None
    merged_into: str | None = None
    merged_from: str | None = None

    def is_gone(self, row: Mapping[str, Any]) -> bool:
        if self.flag is None:
            return False
        found = at(row, self.flag)
        return found == self.equals if self.equals is not None else bool(found)

    def swallowed(self, row: Mapping[str, Any]) -> list[str]:
        found = at(row, self.merged_from) if self.merged_from else None
        keys = found.split(";") if isinstance(found, str) else found if isinstance(found, list) else [found or ""]
        return [str(key).strip() for key in keys if str(key).strip()]


@dataclass(frozen=True)
class RestStream:
    """A stream of a REST source.

    Attributes:
        all: lists every row; with `since`, also those that changed.
        changes: lists what changed, where that is another request.
        cursor: path of the time of the last change in a row; None: every read gives all rows.
        by_clock: rows carry no such time: the cursor is the time at which a read began.
        horizon: seconds for which the source remembers changes; behind them, all rows are listed again.
        overlap: seconds behind the greatest time seen that are read again, because rows commit late.
        child: for each row, the rows of this listing are the stream's; `{}` in its path is the key of the parent, which each row
            carries as `parent_key`.
    """

    name: str
    all: Listing
    key: str = "id"
    kind: str | None = None
    cursor: str | None = None
    changes: Listing | None = None
    by_clock: bool = False
    horizon: float | None = None
    overlap: float = 300.0
    gone: Gone = Gone()
    child: Listing | None = None
    child_key: str = "id"

    @property
    def complete(self) -> bool:
        return self.cursor is None and not self.by_clock and not _standing(self.all.paging)

    def stream(self) -> Stream:
        return Stream(self.name, self.kind, self.child_key if self.child else self.key, self.complete)


def _standing(paging: Paging) -> bool:
    return bool(getattr(paging, "standing", False) or getattr(paging, "standing_at", None))


class RestSource:
    """Base of connectors to REST sources: a subclass says where, how to be let in, and which streams there are.

    The configuration is what `auth` takes, `base_url` where the class names none (or another one is meant), and what the class
    adds in `settings`.
    """

    vendor: ClassVar[str] = ""
    base_url: ClassVar[str] = ""
    auth: ClassVar[Auth] = NoAuth()
    limits: ClassVar[Limits | None] = None
    rules: ClassVar[Rules] = Rules()
    declared: ClassVar[Sequence[RestStream]] = ()
    settings: ClassVar[Mapping[str, Any]] = {}
    config_schema: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.config_schema = schema_of(cls.auth, bool(cls.base_url), cls.settings)

    def __init__(self, config: Mapping[str, Any], *, clock: Clock | None = None) -> None:
        self.config = config
        credentials = self.auth.credentials(config)
        base = str(config.get("base_url") or self.base_url)
        self.client = HttpClient(base, credentials, limits=self.limits, rules=self.rules, clock=clock)

    def rest_streams(self) -> Sequence[RestStream]:
        """The streams, as this configuration has them."""
        return self.declared

    def completed(self, stream: RestStream, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of a page, with what the source gives only on another request. Most sources need none."""
        return rows

    def streams(self) -> Sequence[Stream]:
        """The streams, after the source has let one in: the first page of the first stream is asked for."""
        found = self.rest_streams()
        if found:
            first = found[0].all
            self.client.send(first.paging.ask(_asked(first, first.request(found[0].name), None), None))
        return [stream.stream() for stream in found]

    def read(self, stream: str, bookmark: Json = None) -> Iterator[Page]:
        """Pages of a stream behind the bookmark.

        Raises:
            ConfigError: there is no such stream.
        """
        spec = next((found for found in self.rest_streams() if found.name == stream), None)
        if spec is None:
            raise ConfigError(f"no stream {stream!r}; there are {', '.join(found.name for found in self.rest_streams())}")
        yield from _Reading(self.client, spec, self.completed).pages(bookmark if isinstance(bookmark, dict) else {})

    def keys(self, stream: str) -> Present | None:
        """Every key of a stream whose source does not tell what was deleted; None of the others."""
        spec = next((found for found in self.rest_streams() if found.name == stream), None)
        if spec is None or spec.gone.keys is None:
            return None
        return Present(_present(self.client, spec, spec.gone.keys), "parent_key" if spec.child else None)


def _present(client: HttpClient, spec: RestStream, listing: Listing) -> Iterator[list[str]]:
    for rows, _ in walk(client, listing.paging, listing.request(spec.name), listing.records, None):
        keys = [at(row, spec.key) for row in rows if isinstance(row, dict) and not spec.gone.is_gone(row)]
        if any(key in (None, "") for key in keys):
            raise ContractError(f"{spec.name}: the list of keys holds a row without {spec.key}, so nothing is taken as deleted")
        yield [str(key) for key in keys]


def schema_of(auth: Auth, has_base: bool, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a configuration: strings that `auth` takes, the address, and settings of the source's own."""
    optional = ("refresh_token", "scope", "token_url") if "client_id" in auth.fields() else ()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "base_url": {"type": "string", "pattern": "^https?://"},
            **{name: {"type": "string", "minLength": 1} for name in (*auth.fields(), *optional)},
            **{name: {k: v for k, v in value.items() if k != "required"} for name, value in settings.items()},
        },
        "required": [
            *auth.fields(),
            *([] if has_base else ["base_url"]),
            *(name for name, value in settings.items() if value.get("required") is True),
        ],
        "additionalProperties": False,
    }


def _asked(listing: Listing, request: Request, since: datetime | None) -> Request:
    return listing.since.ask(request, since) if listing.since else request


Completes = Callable[[RestStream, list[dict[str, Any]]], list[dict[str, Any]]]


class _Reading:
    """One read of one stream."""

    def __init__(self, client: HttpClient, spec: RestStream, completed: Completes) -> None:
        self._client = client
        self._spec = spec
        self._completed = completed
        self._high: datetime | None = None

    def pages(self, bookmark: Mapping[str, Any]) -> Iterator[Page]:
        cursor = instant(bookmark.get("cursor"), self._spec.name)
        token = bookmark.get("next")
        self._high = instant(bookmark.get("high"), self._spec.name) or cursor
        if self._spec.horizon is not None and cursor is not None and self._age(cursor) > self._spec.horizon:
            cursor = token = None
        if self._spec.by_clock and "high" not in bookmark:
            self._high = self._client.clock.now()
        try:
            yield from self._walk(cursor, token)
        except Refusal:
            if token is None:
                raise
            yield from self._walk(cursor, None)
        if self._spec.gone.listing is not None:
            yield from self._deletions(self._spec.gone.listing)

    def _age(self, time: datetime) -> float:
        return (self._client.clock.now() - time).total_seconds()

    def _walk(self, cursor: datetime | None, token: Token | None) -> Iterator[Page]:
        spec = self._spec
        listing = spec.changes if spec.changes is not None and cursor is not None else spec.all
        since = cursor - timedelta(seconds=spec.overlap) if cursor is not None else None
        taken: set[str] | None = set() if listing.latest_first else None
        while True:
            listed, again = 0, False
            request = _asked(listing, listing.request(spec.name), since)
            for rows, following in walk(self._client, listing.paging, request, listing.records, token):
                listed += len(rows)
                page = self._page(rows, listing, taken)
                again = following.more and listing.window is not None and listed + len(rows) > listing.window
                yield from self._with_children(page, self._bookmark(cursor, listing, following))
                if again:
                    break
            if not again:
                return
            if self._high is None or (since is not None and self._high <= since):
                raise ContractError(f"{spec.name}: more rows share one time than the source lists. Ask the vendor for a longer list")
            since, token = self._high, None

    def _bookmark(self, cursor: datetime | None, listing: Listing, following: Following) -> Json:
        """Where to go on. A list that is sorted by the cursor (one with a window) needs no token: what was seen is done."""
        if self._spec.complete:
            return None
        if not following.more or listing.window is not None:
            done: dict[str, Any] = {"cursor": self._high.isoformat()} if self._high else {}
            return done if following.more or following.token is None else {**done, "next": following.token}
        token = {"next": following.token} if listing.paging.resumable else {}
        return {**{name: time.isoformat() for name, time in (("cursor", cursor), ("high", self._high)) if time}, **token}

    def _page(self, elements: Sequence[Any], listing: Listing, taken: set[str] | None) -> Page:
        spec, kept = self._spec, list[dict[str, Any]]()
        deleted, merged, refused = list[str](), list[tuple[str, str]](), list[Refused]()
        for position, element in enumerate(elements, 1):
            row = at(element, listing.unwrap)
            key = self._key(row) if isinstance(row, dict) else None
            if key in (None, ""):
                where = f"{spec.name}, row {position} of a page"
                refused.append(Refused(where, "missing_key", f"{where}: no {spec.key}", raw=row, field=spec.key))
                continue
            self._see(row)
            if taken is not None:
                if str(key) in taken:
                    continue
                taken.add(str(key))
            into = at(row, spec.gone.merged_into) if spec.gone.merged_into else None
            if into:
                merged.append((str(key), str(into)))
            elif spec.gone.is_gone(element):
                deleted.append(str(key))
            else:
                merged.extend((loser, str(key)) for loser in spec.gone.swallowed(row) if loser != str(key))
                kept.append(row)
        rows = kept if spec.child else self._completed(spec, kept)
        return Page(rows, place=listing.path, deleted=deleted, merged=merged, refused=refused)

    def _key(self, row: Mapping[str, Any]) -> Any:
        found = at(row, self._spec.key)
        return at(row, self._spec.gone.key) if found is None and self._spec.gone.key else found

    def _see(self, row: Mapping[str, Any]) -> None:
        """Remember the greatest time of a change, up to now: a clock ahead of ours must not make the next read skip rows."""
        if self._spec.cursor is None:
            return
        time = instant(at(row, self._spec.cursor), self._spec.name)
        if time is not None:
            time = min(time, self._client.clock.now())
            self._high = time if self._high is None else max(self._high, time)

    def _with_children(self, page: Page, bookmark: Json) -> Iterator[Page]:
        spec = self._spec
        if spec.child is None:
            yield replace(page, bookmark=bookmark)
            return
        rows: list[dict[str, Any]] = []
        refused = list(page.refused)
        for parent in page.rows:
            key = str(at(parent, spec.key))
            listing = replace(spec.child, path=spec.child.path.replace("{}", key))
            for found, _ in walk(self._client, listing.paging, listing.request(spec.name), listing.records, None):
                rows.extend({**row, "parent_key": key} for row in found if isinstance(row, dict))
                odd = [row for row in found if not isinstance(row, dict)]
                refused.extend(Refused(listing.path, "not_an_object", f"{listing.path}: a row that is no object", raw=row) for row in odd)
        yield Page(self._completed(spec, rows), bookmark=bookmark, place=spec.child.path, refused=refused)

    def _deletions(self, listing: Listing) -> Iterator[Page]:
        for rows, _ in walk(self._client, listing.paging, listing.request(self._spec.name), listing.records, None):
            keys = [str(at(row, self._spec.key)) for row in rows if isinstance(row, dict)]
            yield Page((), bookmark=self._bookmark(None, listing, Following(None, False)), place=listing.path, deleted=keys)
