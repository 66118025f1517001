"""The contract of a connector. A source is read page by page; a page and its bookmark are committed together, or not at all.

A connector is a class of the shape `Source`, named in the entry point group `cdp.connectors`. What it must keep to:

a. A bookmark is opaque JSON that belongs to its stream. Nobody else reads it.
b. The bookmark of a page says where to go on once the rows of that page are stored. After a crash the last stored bookmark comes
   back, so rows may be given twice and never not at all.
c. Rows land by content: giving a row again costs a hash and changes nothing.
d. A cursor by time is inclusive and re-reads an overlap, because rows commit late and share a time.
e. Times are parsed to aware datetimes before they are compared.
f. Deletions and merges in the source are given (`Page.deleted`, `Page.merged`), or the stream is `complete` and they follow, or
   `keys(stream)` lists every key there is, for the platform to compare from time to time (`cdp connectors sweep`).
g. A connector never sleeps and never retries: `connectors.http.HttpClient` does, and raises `Throttled` where the wait is long.
h. An error is one of the tree in `cdp.records.source`, named by what the platform does next.
i. No message and no log line carries a body, a secret, a full URL or a person's data.
j. Memory does not grow with the source.

`cdp connectors test NAME` checks each of these on a fake of the source.
"""

from __future__ import annotations

from cdp.records.source import (
    AuthError,
    ConfigError,
    ContractError,
    Json,
    Page,
    Present,
    Refused,
    Source,
    SourceError,
    Stream,
    Sweepable,
    Throttled,
    Unavailable,
)

__all__ = [
    "AuthError",
    "ConfigError",
    "ContractError",
    "Json",
    "Page",
    "Present",
    "Refused",
    "Source",
    "SourceError",
    "Stream",
    "Sweepable",
    "Throttled",
    "Unavailable",
]
