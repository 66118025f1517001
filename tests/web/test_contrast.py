"""The colour tokens meet WCAG AA (4.5 : 1 for text) in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import api

CSS = (Path(api.__file__).parent / "static" / "app.css").read_text("utf-8")
PAIRS = [
    *((ink, ground) for ink in ("ink", "ink-2", "accent") for ground in ("ground", "raised", "sunk")),
    *((tone, f"{tone}-soft") for tone in ("accent", "good", "doubt", "bad")),
    ("ink", "accent-soft"),
    ("accent-ink", "accent"),
]


def tokens(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.S)
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", blocks[0]))
    return light if scheme == "light" else light | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", blocks[1]))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_stands_out(scheme: str, ink: str, ground: str) -> None:
    found = tokens(scheme)
    high, low = sorted((luminance(found[ink]), luminance(found[ground])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5
