"""The page of what was refused: what waits and why, what violates tracking plans, and what became of a message."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api import quarantine as rest
from api import receipts
from api.house import principal, reading, view
from api.operations import CURSOR, Query, page, parse_query
from api.problems import NotFound
from api.system import refused_rows
from cdp.errors import PlatformError
from cdp.ingest.replay import parse_correction

blueprint = Blueprint("quarantine_pages", __name__)

_LISTED = (Query("source", "Only of this source.", max_length=200), CURSOR)
_ROWS, _DAYS, _VIOLATIONS = 20, 30, 100


@blueprint.get("/quarantine")
@page("quarantine.read")
def listed() -> Any:
    """What waits, the newest first, and what violates tracking plans."""
    asked = parse_query(_LISTED)
    with reading() as connection:
        rows = refused_rows(connection, status="open", source=asked["source"], limit=_ROWS, cursor=asked["cursor"])
        against = receipts.violating(connection, asked["source"], _DAYS, _VIOLATIONS)
    return render_template("quarantine.html", rows=rows, violations=against, days=_DAYS, asked=asked)


@blueprint.get("/quarantine/<int:number>")
@page("quarantine.read")
def one(number: int) -> Any:
    """One refused row: where, why, what it holds, and what can be done."""
    return _page(number)


def _page(number: int, given: str | None = None, problem: str | None = None) -> Any:
    entry = rest.entry(number)
    content = entry["content"]
    written = given if given is not None else None if content is None else json.dumps(content, ensure_ascii=False, indent=2)
    works = principal().may("quarantine.write") and entry["status"] == "open"
    return render_template("quarantined.html", entry=entry, content=written, problem=problem, works=works, raw=view().raw)


@blueprint.post("/quarantine/<int:number>/replay")
@page("quarantine.write")
def replay(number: int) -> Any:
    """Try it again, corrected where the text was changed; what is still wrong brings the page back with the reason."""
    before, given = rest.entry(number)["content"], request.form.get("content")
    try:
        content = None if given is None or not given.strip() else parse_correction(given)
        done = rest.try_again(number, None if content == before else content)
    except PlatformError as error:
        if isinstance(error, NotFound):
            raise
        return _page(number, given, str(error)), 400
    if not done["landed"]:
        return _page(number, given, done["message"]), 400
    return redirect(url_for("quarantine_pages.one", number=number), 303)


@blueprint.post("/quarantine/<int:number>/discard")
@page("quarantine.write")
def discard(number: int) -> Any:
    """Drop it."""
    rest.drop(number)
    return redirect(url_for("quarantine_pages.one", number=number), 303)


@blueprint.get("/receipts")
@page("receipt.read")
def receipt() -> Any:
    """What became of one message."""
    message_id = request.args.get("message", "").strip()
    with reading() as connection:
        found = receipts.found(connection, message_id)
    return render_template("receipt.html", message_id=message_id, receipt=found and asdict(found[0]), used=found and found[1])
