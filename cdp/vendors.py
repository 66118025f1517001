"""Whom records come from and where audiences go, by name. Importing this costs nothing: a scheduler does it in each of its processes."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

KINDS = ("files", "sql", "webhook", "google_ads", "hubspot", "mailchimp", "meta", "email")
"""Kinds of places that audiences are sent to."""
SLOTS = 4
"""Tasks of one vendor that run side by side in a scheduler."""


def connector_names() -> list[str]:
    """Names of the connectors that are installed."""
    return sorted({point.name for point in entry_points(group="cdp.connectors")})


def pools() -> dict[str, Any]:
    """A pool for each vendor, as `airflow pools import` reads them."""
    names = [*(f"cdp_from_{name}" for name in connector_names()), *(f"cdp_to_{kind}" for kind in KINDS)]
    return {name: {"slots": SLOTS, "description": "calls to one vendor", "include_deferred": False} for name in names}
