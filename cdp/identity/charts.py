"""Charts are one file that needs nothing else: plotly's own script is inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cdp.identity.explanation import Explanation
from cdp.identity.fields import Kind
from cdp.identity.model import Model

DRAWN = 40
"""Names, and placeholders, that a chart of a model shows."""


def waterfall(explained: Explanation, title: str) -> go.Figure:
    """The evidence of a pair, field by field, and its sum."""
    names = ["before any field", *(p.field for p in explained.parts), "in all"]
    values = [explained.start, *(p.evidence for p in explained.parts), explained.evidence]
    measure = ["absolute", *["relative"] * len(explained.parts), "total"]
    says = ["", *(p.says for p in explained.parts), f"{explained.probability:.1%} one person"]
    figure = go.Figure(go.Waterfall(x=names, y=values, measure=measure, text=says, hovertext=says, textposition="outside"))
    return figure.update_layout(title=title, yaxis_title="evidence (nats)", showlegend=False)


def weights(model: Model) -> go.Figure:
    """How much each level speaks for one person rather than another class, how frequent names are, and what carries no evidence."""
    levels = [(field, number, level) for field in model.fields for number, level in enumerate(field.levels, 1)]
    chances = np.array([chance[:, number] for chance in model.chance for number in range(1, chance.shape[1])])
    names, hubs = _frequent(model), _hubs(model)
    shares = [22.0 * len(levels), 20.0 * max(len(names), 1), 20.0 * max(len(hubs), 1)]
    titles = ("Evidence by field and level (nats)", "Share of records by name", "Placeholders and hubs: records that hold them")
    figure = make_subplots(3, 1, subplot_titles=titles, row_heights=shares, vertical_spacing=120 / (sum(shares) + 400))
    for kind in (Kind.UNRELATED, Kind.HOUSEHOLD, Kind.NAMESAKE):
        gain = np.log(np.maximum(chances[:, Kind.SAME], 1e-9) / np.maximum(chances[:, kind], 1e-9))
        texts = [level.says for _, _, level in levels]
        rows = [f"{field.name}: {level.name}" for field, _, level in levels]
        figure.add_bar(x=gain, y=rows, orientation="h", name=f"rather than {kind.name.lower()}", hovertext=texts, row=1, col=1)
    figure.add_bar(x=[share for _, share in names], y=[name for name, _ in names], orientation="h", showlegend=False, row=2, col=1)
    figure.add_bar(x=[count for _, count in hubs], y=[name for name, _ in hubs], orientation="h", showlegend=False, row=3, col=1)
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(height=int(sum(shares)) + 400, title="Identity model")


def _frequent(model: Model) -> list[tuple[str, float]]:
    known = model.known.names if model.known else {}
    return sorted(known.items(), key=lambda item: (-item[1], item[0]))[:DRAWN]


def _hubs(model: Model) -> list[tuple[str, int]]:
    hubs = model.known.hubs if model.known else ()
    return [(f"{hub.field}: {hub.value}", hub.records) for hub in sorted(hubs, key=lambda hub: -hub.records)[:DRAWN]]


def write(figure: go.Figure, path: Path) -> None:
    """The chart as one HTML file."""
    figure.write_html(path, include_plotlyjs=True, full_html=True)
