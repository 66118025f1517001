"""The page on which a steward settles doubtful matches: two records side by side, why they may be one person, and a word on it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api.comparison import compare
from api.decisions import decided, doubtful, keep, start, take_back
from api.evidence import said
from api.house import note, principal, reading
from api.operations import page
from api.problems import BadRequest
from cdp.db import is_locked
from cdp.identity import Verdict
from cdp.profiles import decisions as room

blueprint = Blueprint("decision_pages", __name__)

_PAIRS, _LAST = 10, 20


@blueprint.get("/matches")
@page("review.read")
def listed() -> Any:
    """Doubtful pairs, and the last decisions."""
    with reading() as connection:
        found = doubtful(connection, _PAIRS)
        last = [decided(one) for one in room.decisions(connection, limit=_LAST)]
        resolving = is_locked(connection, "resolve")
    note("review.read", None, {"count": len(found["items"]), "via": "page"})
    pairs = [one | {"rows": compare([one["a"], one["b"]]), "said": said(one["pattern"])} for one in found["items"]]
    shown = {"pairs": pairs, "total": found["total"], "waiting": found["waiting"]}
    return render_template("matches.html", **shown, last=last, resolving=resolving, decides=principal().may("decision.write"))


@blueprint.post("/matches")
@page("decision.write")
def decide() -> Any:
    """Keep a word on two records, and go back to where it was said."""
    form = request.form
    if form.get("judgement") not in set(Verdict):
        raise BadRequest("The judgement is same or different.")
    keep(Verdict(form["judgement"]), form.get("a", ""), form.get("b", ""), form.get("note"))
    return _back()


@blueprint.post("/matches/<int:decision_id>/revoke")
@page("decision.write")
def revoke(decision_id: int) -> Any:
    """Take a decision back."""
    take_back(decision_id)
    return _back()


@blueprint.post("/matches/resolve")
@page("decision.write")
def resolve() -> Any:
    """Let the decisions take effect now."""
    start()
    return _back()


def _back() -> Any:
    profile = request.form.get("profile", type=str)
    where = url_for("pages.records", profile_id=profile) if profile else url_for("decision_pages.listed")
    return redirect(where, 303)
