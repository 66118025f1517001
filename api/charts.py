"""Counts by month and channel in the form that the two charts take: bars that the server draws, series that Plotly draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cdp.profiles.activity import MonthCount

_COLOURS = 6
_MONTHS = 24
_HEIGHT = 88
"""Height of the highest bar, in units of the drawing whose ground line is at _GROUND."""
_GROUND = 96


def series(activity: Sequence[MonthCount]) -> list[dict[str, Any]]:
    """One series a channel, the largest first; months without any are zero."""
    months = sorted({count.month for count in activity})
    held = {(count.channel, count.month): count.interactions for count in activity}
    labels = [month.strftime("%Y-%m") for month in months]
    return [
        {"name": channel.replace("_", " "), "x": labels, "y": [held.get((channel, month), 0) for month in months]}
        for channel, _ in _by_channel(activity)
    ]


def _by_channel(activity: Sequence[MonthCount]) -> list[tuple[str, int]]:
    total: Counter[str] = Counter()
    for count in activity:
        total[count.channel] += count.interactions
    return sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))


def bars(activity: Sequence[MonthCount]) -> dict[str, Any] | None:
    """Stacked bars of the last months, months without any included; None where nothing happened."""
    if not activity:
        return None
    channels = _by_channel(activity)
    colour = {channel: f"c{min(number, _COLOURS)}" for number, (channel, _) in enumerate(channels, 1)}
    held: dict[int, dict[str, int]] = {}
    for count in activity:
        held.setdefault(count.month.year * 12 + count.month.month - 1, {})[count.channel] = count.interactions
    scale = _HEIGHT / max(sum(month.values()) for month in held.values())
    first, last = max(min(held), max(held) - _MONTHS + 1), max(held)
    return {
        "bars": [_bar(number, held.get(number, {}), colour, scale) for number in range(first, last + 1)],
        "legend": [{"name": name.replace("_", " "), "count": count, "colour": colour[name]} for name, count in channels],
    }


def _bar(number: int, counts: dict[str, int], colour: dict[str, str], scale: float) -> dict[str, Any]:
    parts, top = [], float(_GROUND)
    for channel in (name for name in colour if name in counts):
        height = counts[channel] * scale
        top -= height
        drawn = {"colour": colour[channel], "top": round(top, 1), "height": round(height, 1)}
        parts.append({"channel": channel.replace("_", " "), "count": counts[channel], **drawn})
    return {"month": f"{number // 12}-{number % 12 + 1:02}", "count": sum(counts.values()), "parts": parts}
