"""Charts are one file that needs nothing else: plotly's own script is inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from cdp.identity.explanation import Explanation
from cdp.identity.fields import Kind
from cdp.identity.model import Model


def waterfall(explained: Explanation, title: str) -> go.Figure:
    """The evidence of a pair, field by field, and its sum."""
    names = ["before any field", *(p.field for p in explained.parts), "in all"]
    values = [explained.start, *(p.evidence for p in explained.parts), explained.evidence]
    measure = ["absolute", *["relative"] * len(explained.parts), "total"]
    says = ["", *(p.says for p in explained.parts), f"{explained.probability:.1%} one person"]
    figure = go.Figure(go.Waterfall(x=names, y=values, measure=measure, text=says, hovertext=says, textposition="outside"))
    return figure.update_layout(title=title, yaxis_title="evidence (nats)", showlegend=False)


def weights(model: Model) -> go.Figure:
    """For each level of each field, how much it speaks for one person rather than for two unrelated ones."""
    names, values = [], []
    for field, chance in zip(model.fields, model.chance, strict=True):
        for number, level in enumerate(field.levels, 1):
            names.append(f"{field.name}: {level.name}")
            values.append(float(np.log(max(chance[Kind.SAME, number], 1e-9) / max(chance[Kind.UNRELATED, number], 1e-9))))
    figure = go.Figure(go.Bar(x=values, y=names, orientation="h"))
    return figure.update_layout(title="Evidence by field and level (nats)", height=22 * len(names) + 160, yaxis_autorange="reversed")


def write(figure: go.Figure, path: Path) -> None:
    """The chart as one HTML file."""
    figure.write_html(path, include_plotlyjs=True, full_html=True)
