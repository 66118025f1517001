"""Nobody passes without being known and allowed: the gate stands before every route and refuses what declares nothing.

Programs show an API key, people a session. A request that a browser may have been tricked into (it carries a cookie and changes something)
must also carry the session's CSRF token.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface

from api.house import house
from api.operations import Operation, Page, Public, Requirement, public, requirement_of
from api.problems import wants_page
from cdp.access import Forbidden, NotAuthenticated, Principal, authenticate, session_principal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""An empty style element and no other: Plotly puts one there and adds its rules to it by script."""
CSP = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {_EMPTY_STYLE}; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Sessions(SecureCookieSessionInterface):
    """The cookie is for HTTPS only wherever the request came by HTTPS; on the own machine there is only HTTP."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def csrf_token() -> str:
    """The token that this session's forms carry."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    token: str = session["csrf"]
    return token


def _check_csrf() -> None:
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
    expected = session.get("csrf", "")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Forbidden("the form has expired or did not come from this site: load the page again and send it once more")


def _key_given() -> str | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return request.headers.get("X-API-Key")


def _by_session() -> Principal | None:
    token = session.get("token")
    if not token:
        return None
    with house().engine.begin() as connection:
        return session_principal(connection, token)


def _by_key(key: str) -> Principal:
    with house().engine.begin() as connection:
        return authenticate(connection, key)


def _known(requirement: Requirement) -> Principal | None:
    """Who asks; a key wins over a session, and a wrong key is never excused by a session."""
    key = _key_given()
    if isinstance(requirement, Operation):
        if requirement.action is None:
            return None
        if key is not None:
            return _by_key(key)
    who = _by_session()
    changes = request.method not in SAFE
    if changes and (who is not None or (isinstance(requirement, Public) and requirement.csrf)):
        _check_csrf()
    return who


def admit() -> Response | None:
    """Before every request: settle who asks and whether the route is open to them."""
    if request.endpoint is None:
        return None
    requirement = _requirement(request.endpoint)
    g.principal = who = _known(requirement)
    if isinstance(requirement, Public) or requirement.action is None:
        return None
    if who is None:
        if isinstance(requirement, Page) and wants_page() and request.method in SAFE:
            return current_app.make_response(redirect(url_for("sign_in.form", next=_here())))
        raise NotAuthenticated("sign in, or send an API key as `Authorization: Bearer …` or `X-API-Key: …`")
    who.require(requirement.action)
    return None


def _requirement(endpoint: str) -> Requirement:
    found = requirement_of(current_app.view_functions[endpoint])
    if found is None:
        raise Forbidden("this address is open to nobody: it does not say who may use it")
    return found


def _here() -> str:
    return request.full_path.rstrip("?")


def local_path(target: str | None) -> str:
    """`target` where it is a path of this site, else the home page: a link must not lead away after signing in."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target or urlsplit(target).netloc:
        return "/"
    return target if all(ord(character) > 31 for character in target) else "/"


def _dress(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint not in ("static", "assets.plotly"):
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def undeclared(app: Flask) -> list[str]:
    """Endpoints that do not say who may use them."""
    return sorted(name for name, function in app.view_functions.items() if requirement_of(function) is None)


def init_app(app: Flask) -> None:
    """Put the gate before every route of `app`."""
    app.session_interface = Sessions()
    public(csrf=False)(app.view_functions["static"])
    app.before_request(admit)
    app.after_request(_dress)
    app.jinja_env.globals["csrf_token"] = csrf_token
