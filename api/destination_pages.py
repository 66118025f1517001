"""The marketer's way out: choose a destination, read what a delivery would do, send, and see what each row was answered."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api import destinations as rest
from api.customers import plain
from api.house import principal, reading
from api.operations import page
from api.problems import NotFound
from cdp import activation
from cdp import segments as room
from cdp.activation.formats import FORMATS
from cdp.errors import PlatformError

blueprint = Blueprint("destination_pages", __name__)

KINDS = {
    "files": "Files",
    "sql": "SQL table",
    "webhook": "Webhook",
    "google_ads": "Google Ads",
    "hubspot": "HubSpot",
    "mailchimp": "Mailchimp",
    "meta": "Meta",
    "email": "E-mail report",
}
_ROWS = 12


@blueprint.get("/destinations")
@page("destination.read")
def listed() -> Any:
    """The destinations there are."""
    with reading() as connection:
        found = [plain(one) for one in rest.listed(connection)]
    found.sort(key=lambda one: (not one["enabled"], one["name"]))
    return render_template("destinations.html", destinations=found, kinds=KINDS, segment=None)


@blueprint.get("/segments/<name>/send")
@page("destination.read")
def choose(name: str) -> Any:
    """The destinations that a segment can be sent to; those that it is sent to already come first."""
    with reading() as connection:
        if name not in room.segments(connection):
            raise NotFound(f"no segment is called {name!r}")
        segment = room.get(connection, name)
        found = [plain(one) for one in rest.listed(connection) if one["enabled"]]
    found.sort(key=lambda one: (one["segment"] != name, one["name"]))
    return render_template("destinations.html", destinations=found, kinds=KINDS, segment={"name": name, "title": segment.title})


@blueprint.get("/destinations/<name>")
@page("destination.read")
def one(name: str) -> Any:
    """What is sent there, what a delivery would do, and how the last one ended."""
    asked = request.args.get("segment") or None
    with reading() as connection:
        found = plain(rest.one(connection, name))
        sending = activation.under_way(connection, name)
        known = room.segments(connection)
        rows = _rows(connection, found) if principal().may("audience.export") else None
    segment = asked if asked in known else found["segment"]
    return render_template(
        "destination.html",
        destination=found,
        segment=segment,
        titles={one.name: one.title for one in known.values()},
        moved=segment != found["segment"],
        sending=sending,
        rows=rows,
        kind=KINDS[found["kind"]],
        format=FORMATS[found["format"]].title,
        sends=principal().may("audience.export"),
        problem=request.args.get("problem"),
    )


def _rows(connection: Any, found: dict[str, Any]) -> Any:
    """Refused rows of the last delivery, or the first ones of it where none was."""
    last = found["last_delivery"]
    if last is None:
        return None
    refused = rest.answered(connection, found["name"], last["id"], refused=True, limit=_ROWS)["items"]
    items = refused or rest.answered(connection, found["name"], last["id"], refused=False, limit=_ROWS)["items"]
    return {"items": items, "refused": bool(refused)}


@blueprint.get("/destinations/<name>/preflight")
@page("destination.read")
def preflight(name: str) -> Any:
    """The part of the page that says what a delivery would do; a page of its own where there is no script."""
    asked = request.args.get("segment") or None
    problem = report = None
    try:
        report = rest.preflown(name, asked)
    except PlatformError as error:
        problem = str(error)
    template = "preflight.html" if request.headers.get("X-Fragment") else "preflight_page.html"
    return render_template(template, report=report, problem=problem, name=name, segment=asked, sends=principal().may("audience.export"))


@blueprint.post("/destinations/<name>/send")
@page("audience.export")
def send(name: str) -> Any:
    """Send; where another segment is chosen, the destination carries it from now on."""
    segment = request.form.get("segment") or None
    with reading() as connection:
        found = activation.by_name(connection, name)
    if segment is not None and segment != found.segment:
        rest.store({**found.document, "segment": segment})
    started = rest.begin(name)
    problem = None if started.error is None else str(started.error)
    return redirect(url_for("destination_pages.one", name=name, problem=problem), 303)
