"""Signing in opens a session in the database; the browser holds its token in a signed cookie that scripts cannot read."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for

from api.gate import local_path
from api.house import house, someone
from api.operations import public
from cdp.access import NotAuthenticated, TooManyAttempts, sign_in, sign_out

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
@public()
def form() -> Any:
    """The form; who is signed in goes on."""
    target = local_path(request.args.get("next"))
    return redirect(target) if someone() else render_template("sign_in.html", next=target, name="", problem=None)


@blueprint.post("/sign-in")
@public()
def enter() -> Any:
    """Open a session and go where the link before the form pointed."""
    target = local_path(request.form.get("next"))
    name = request.form.get("name", "")[:200]
    try:
        token = sign_in(house().engine, name, request.form.get("password", "")[:1000], request.remote_addr or "")
    except NotAuthenticated as error:
        return _refused(name, target, error)
    session.clear()
    session.permanent = True
    session["token"] = token
    return redirect(target, 303)


def _refused(name: str, target: str, error: NotAuthenticated) -> Any:
    waiting = isinstance(error, TooManyAttempts)
    response = make_response(render_template("sign_in.html", next=target, name=name, problem=str(error)), 429 if waiting else 401)
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


@blueprint.post("/sign-out")
@public()
def leave() -> Any:
    """End the session."""
    token = session.get("token")
    if token:
        with house().engine.begin() as connection:
            sign_out(connection, token)
    session.clear()
    return redirect(url_for("sign_in.form"), 303)
