"""Who lives together is told apart from who is the same: a household is what pairs of two people of one home connect."""

from __future__ import annotations

import numpy as np

from cdp.identity.blocks import Flags, Ints, Rows
from cdp.identity.cluster import components, numbered
from cdp.identity.fields import Field, Kind
from cdp.identity.levels import DIFFER
from cdp.identity.model import Floats
from cdp.identity.similarity import Bytes

HOME = {"address": (1, 2, 4), "phone": (1, 2), "email": (1, 2)}
"""Levels at which two records share a home or a line; a building of many people is none."""
OWN, FEW = 1, (1, 2)
"""Levels of an address and of a phone that the two alone have, and of one that few have."""
TOGETHER = 0.9
"""Two people are of one household from this probability on, whatever their names."""


def of_a_home(fields: tuple[Field, ...], patterns: Bytes, posterior: Floats) -> Flags:
    """Patterns of people who live together.

    They are probably of one household and have a home, a phone or a mailbox in common (a family name alone makes no household); or they
    have names alike and an address or a line of few people in common; or unlike names and both of these, or a line of their own.
    """
    level = {field.name: patterns[:, i] for i, field in enumerate(fields)}
    shared = np.logical_or.reduce([np.isin(level[name], levels) for name, levels in HOME.items()])
    probable = posterior[:, [Kind.HOUSEHOLD, Kind.TWIN, Kind.JUNIOR]].sum(axis=1) > TOGETHER
    home, line, family = np.isin(level["address"], FEW), np.isin(level["phone"], FEW), level["family_name"]
    alike, unlike = (family > 0) & (family < DIFFER), family == DIFFER
    return np.asarray(shared & probable | alike & (home | line) | unlike & (line & home | (level["phone"] == OWN)))


def households(a: Ints, b: Ints, label: Rows) -> Rows:
    """The household of each row, from pairs of people who live together and the person of each row."""
    size = int(label.max()) + 1 if len(label) else 0
    return numbered(components(size, label[a], label[b])[label]) if size else label
