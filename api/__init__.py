"""The Flask application: REST under `/v1`, pages for people, one gate before both.

A blueprint joins so:

1. A module of `api/` holds a `Blueprint` called `blueprint`; its name goes on the list BLUEPRINTS below.
2. Each view function says who may call it: `@operation(action, summary, answer=…, query=…)` for REST, `@page(action)` for pages,
   `@public()` where nobody needs to be known. `action` is one of `cdp.access.ACTIONS`. The application does not start with a route
   that says nothing.
3. A REST route's `answer` and `body` name schemas of `schemas/`: `FILE` or `FILE.DEFINITION`. It takes the declared query as keyword
   arguments, returns JSON (`api.answers.answer` where it holds ids or times) and appears in `/openapi.json` by itself. Errors are
   raised: `BadRequest`, `PlaceError`, `NotFound`, `Conflict` of `api.problems`, or any `PlatformError`.
4. A page extends `base.html` (blocks `title`, `content`), uses the macros of `parts.html` and the classes of `static/app.css`; forms carry
   `{{ csrf_field() }}`; its entry in the navigation goes into NAVIGATION.
5. Customers are read through `api.customers`, which applies the field policy.
"""

from __future__ import annotations

import importlib
from typing import cast

from flask import Blueprint, Flask
from sqlalchemy import Engine

from api import gate, problems, secret, templating
from api.collector import Door
from api.house import EXTENSION, House
from cdp.access import load_policy
from cdp.access.sessions import LIFETIME
from cdp.db import connect
from cdp.errors import PlatformError
from cdp.settings import Settings

BLUEPRINTS = (
    "api.tracking",
    "api.receipts",
    "api.profiles",
    "api.system",
    "api.quarantine",
    "api.reference",
    "api.assets",
    "api.sign_in",
    "api.pages",
    "api.segments",
    "api.attributes",
    "api.segment_pages",
    "api.decisions",
    "api.decision_pages",
    "api.monitors",
    "api.monitor_pages",
    "api.destinations",
    "api.destination_pages",
    "api.quarantine_pages",
)
"""Modules whose `blueprint` is part of the application, in the order of registration."""

NAVIGATION = (
    ("Customers", "pages.home", "profile.read"),
    ("Matches", "decision_pages.listed", "review.read"),
    ("Segments", "segment_pages.listed", "segment.read"),
    ("Destinations", "destination_pages.listed", "destination.read"),
    ("Monitors", "monitor_pages.listed", "monitor.read"),
    ("System", "pages.system", "status.read"),
    ("API", "reference.page", None),
)
"""Label, endpoint and the action that a session must be able to do to see it (None: everybody)."""

MAX_BODY = 1 << 20


class UndeclaredRoute(PlatformError):
    """A route does not say who may use it: declare it with `@operation`, `@page` or `@public`."""


def create_app(settings: Settings, engine: Engine | None = None) -> Flask:
    """The application over the database of `settings`, or over `engine`.

    Raises:
        UndeclaredRoute: a blueprint has a route that does not say who may use it.
        AccessConfigError: the field policy or the secret key is not usable.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret.load(settings),
        SESSION_COOKIE_NAME="cdp_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
        MAX_CONTENT_LENGTH=MAX_BODY,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
    )
    app.extensions[EXTENSION] = made = House(settings, engine or connect(settings), load_policy(settings.access_policy))
    app.extensions["cdp.engine"] = made.engine
    problems.init_app(app)
    gate.init_app(app)
    templating.init_app(app, NAVIGATION)
    for name in BLUEPRINTS:
        app.register_blueprint(cast(Blueprint, importlib.import_module(name).blueprint))
    if missing := gate.undeclared(app):
        raise UndeclaredRoute(f"these routes do not say who may use them: {', '.join(missing)}; use @operation, @page or @public")
    app.wsgi_app = Door(app)  # type: ignore[method-assign]  # the way Flask documents for middleware
    return app
