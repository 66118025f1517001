"""Plotly's script comes out of the installed wheel: nothing is fetched from elsewhere and nothing is kept in the repository."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, request

from api.operations import public
from api.problems import NotFound

blueprint = Blueprint("assets", __name__)
PLOTLY = version("plotly")


@cache
def _script(compressed: bool) -> bytes:
    if compressed:
        return gzip.compress(_script(False), 6)
    return files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


@blueprint.get("/assets/plotly-<release>.js")
@public(csrf=False)
def plotly(release: str) -> Any:
    """The chart library; its address holds its version, so browsers keep it."""
    if release != PLOTLY:
        raise NotFound(f"the chart library here is of version {PLOTLY}")
    compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(_script(compressed), mimetype="text/javascript")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept-Encoding"
    if compressed:
        response.headers["Content-Encoding"] = "gzip"
    return response
