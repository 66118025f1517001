"""The pages that people look at all day: finding a customer, one customer, the system. Each works without JavaScript."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import Connection, text

from api import customers
from api.assets import PLOTLY
from api.charts import bars, series
from api.comparison import compare, rank
from api.customers import plain
from api.decisions import decided
from api.destination_pages import KINDS
from api.evidence import said
from api.held import held
from api.house import house, note, principal, reading, view
from api.operations import CURSOR, Query, page, parse_query
from api.profiles import TIMELINE
from api.system import refusals_by_reason
from api.templating import text_of
from cdp.access import View
from cdp.activation import shared_with
from cdp.ingest.figures import figures
from cdp.ingest.status import totals
from cdp.profiles import NotFound
from cdp.profiles.activity import by_month
from cdp.profiles.decisions import decisions
from cdp.status import platform_status

blueprint = Blueprint("pages", __name__)

SEARCH = (Query("q", "Words.", max_length=200), CURSOR)
_PER_PAGE = 25
_RECENT = 8
_SHARED = 50
"""Rows that left about a customer which the page shows; the API has all of them."""
_AMONG = 5_000
"""Profiles, the newest, among which well-known ones are looked for."""


@blueprint.get("/")
@page("profile.read")
def home() -> Any:
    """Search, and who was looked at last; for who has not looked at anybody yet, customers whom many sources know."""
    asked = parse_query(SEARCH)
    q = (asked["q"] or "").strip()
    with reading() as connection:
        found = _search(connection, q, asked["cursor"])
        recent = [] if q else _recent(connection)
        known = [] if q or recent else _well_known(connection)
    counts = None if q else _counts()
    _note_search(found)
    template = "results.html" if request.headers.get("X-Fragment") else "home.html"
    return render_template(template, q=q, found=found, recent=recent, known=known, counts=counts, first=asked["cursor"] is None)


def _counts() -> Any:
    counted = figures(house().engine)
    with reading() as connection:
        return plain(totals(connection, counted))


def _search(connection: Connection, q: str, cursor: str | None) -> Any:
    return customers.find(connection, view(), q=q, limit=_PER_PAGE, cursor=cursor) if q else None


def _note_search(found: Any) -> None:
    if found is not None:
        note("profile.search", None, {"by": ["q"], "found": len(found["items"]), "via": "page"})


def _recent(connection: Connection) -> list[Any]:
    """Profiles that who asks looked at last, as the audit trail has it."""
    rows = connection.execute(
        text(
            """select object from (
                 select object, max(id) as last from (
                   select object, id from audit where principal = :name and action = 'profile.read' order by id desc limit 200) newest
                 group by object) x order by last desc limit :limit"""
        ),
        {"name": principal().name, "limit": _RECENT},
    )
    return [found for row in rows if (found := _summary(connection, view(), row.object)) is not None]


def _well_known(connection: Connection) -> list[Any]:
    """Of the profiles that changed last those that most sources know."""
    rows = connection.execute(
        text(
            """select profile_id from (
                 select profile_id, source_count, interaction_count from golden order by updated_at desc limit :among) newest
               order by source_count desc, interaction_count desc, profile_id limit :limit"""
        ),
        {"among": _AMONG, "limit": _RECENT},
    )
    return [found for row in rows if (found := _summary(connection, view(), row.profile_id)) is not None]


def _summary(connection: Connection, seen: View, profile_id: UUID | str) -> Any:
    try:
        return customers.profile(connection, seen, UUID(str(profile_id)))
    except NotFound:
        return None


def _profile(connection: Connection, profile_id: UUID) -> Any:
    """The profile with its values in reading order, each with the number of other values that differ from it."""
    found = customers.profile(connection, view(), profile_id)
    values = found["document"]["values"]
    for chosen in values.values():
        chosen["differing"] = len({text_of(other["value"]) for other in chosen["others"]} - {text_of(chosen["value"])})
    found["document"]["values"] = {name: values[name] for name in sorted(values, key=lambda name: (rank(name), name))}
    return found


def _by_month(page: Any) -> Any:
    for item in page["items"]:
        item["month"] = item["at"][:7]
    return page


@blueprint.get("/profiles/<uuid:profile_id>")
@page("profile.read")
def profile(profile_id: UUID) -> Any:
    """Who this is, how to reach them, what happened last."""
    with reading() as connection:
        found = _profile(connection, profile_id)
        if found["redirected_from"]:
            return _to_living("pages.profile", found)
        latest = _by_month(customers.timeline(connection, view(), profile_id, limit=12))
        activity = by_month(connection, profile_id, months=24)
    note("profile.read", found["id"], {"part": "profile", "via": "page"})
    return render_template("profile.html", tab="overview", profile=found, timeline=latest, chart=bars(activity))


def _to_living(endpoint: str, found: Any) -> Any:
    return redirect(url_for(endpoint, profile_id=found["id"], merged=found["redirected_from"]), 302)


@blueprint.get("/profiles/<uuid:profile_id>/records")
@page("record.read")
def records(profile_id: UUID) -> Any:
    """The records side by side, and what ties them together."""
    with reading() as connection:
        found = _profile(connection, profile_id)
        if found["redirected_from"]:
            return _to_living("pages.records", found)
        held = customers.records(connection, view(), profile_id)["items"]
        settled = [decided(one) for one in decisions(connection, profile_id=profile_id) if one.revoked_at is None]
    note("profile.read", found["id"], {"part": "records", "via": "page"})
    return render_template(
        "records.html",
        tab="records",
        profile=found,
        records=held,
        rows=compare(held),
        links=_links(held),
        raw=view().raw,
        settled=settled,
        decides=principal().may("decision.write"),
    )


def _links(held: list[Any]) -> list[Any]:
    """Each pair once, the strongest evidence first."""
    pairs: dict[frozenset[tuple[str, ...]], Any] = {}
    for record in held:
        for link in record["links"]:
            here, there = (tuple(x[name] for name in ("source", "stream", "source_key")) for x in (record, link))
            pairs.setdefault(frozenset((here, there)), link | {"here": record, "said": said(link["pattern"])})
    return sorted(pairs.values(), key=lambda link: -float(link["evidence"]))


@blueprint.get("/profiles/<uuid:profile_id>/timeline")
@page("profile.read")
def timeline(profile_id: UUID) -> Any:
    """Everything that happened, over all sources."""
    asked = parse_query(TIMELINE)
    with reading() as connection:
        found = _profile(connection, profile_id)
        if found["redirected_from"]:
            return _to_living("pages.timeline", found)
        wanted = {"kinds": asked["kind"], "channels": asked["channel"]}
        held = _by_month(customers.timeline(connection, view(), profile_id, limit=asked["limit"], cursor=asked["cursor"], **wanted))
    note("profile.read", found["id"], {"part": "timeline", "via": "page"})
    return render_template("timeline.html", tab="timeline", profile=found, timeline=held, asked=asked)


@blueprint.get("/profiles/<uuid:profile_id>/history")
@page("record.read")
def history(profile_id: UUID) -> Any:
    """Who is who, change by change, and with whom the data was shared."""
    with reading() as connection:
        found = _profile(connection, profile_id)
        if found["redirected_from"]:
            return _to_living("pages.history", found)
        entries = customers.history(connection, profile_id)["items"]
        sent = [plain(entry) for entry in shared_with(connection, UUID(found["id"]))]
    note("profile.read", found["id"], {"part": "history", "via": "page"})
    shown = {"shared": sent[:_SHARED], "more_shared": len(sent[_SHARED:]), "kinds": KINDS}
    return render_template("history.html", tab="history", profile=found, entries=entries, **shown)


@blueprint.get("/system")
@page("status.read")
def system() -> Any:
    """What is where, how fresh, and what was refused."""
    found = platform_status(house().engine)
    streams, counts = plain(found.streams), plain(found.totals)
    with reading() as connection:
        refused = refusals_by_reason(connection) if principal().may("quarantine.read") else None
        activity = held("by_month", lambda: by_month(connection))
    chart = {"series": series(activity)} if activity else None
    return render_template(
        "system.html", streams=streams, totals=counts, status=plain(asdict(found)), refused=refused, chart=chart, plotly=PLOTLY
    )
