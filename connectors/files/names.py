"""Names made of what a file calls things: stream names are slugs, column names are unique."""

from __future__ import annotations

import re
from collections.abc import Sequence


def slug(name: str) -> str:
    """`name` in lower case, with every run of other signs than letters and digits as one underscore."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_") or "rows"


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """Column names, each once: one that is empty is `column_3`, one that is there already `name_2`."""
    made: list[str] = []
    taken = set(names)
    for position, name in enumerate(names, 1):
        wanted = name.strip() or f"column_{position}"
        candidate, count = wanted, 1
        while candidate in made or (count > 1 and candidate in taken):
            count += 1
            candidate = f"{wanted}_{count}"
        made.append(candidate)
    return tuple(made)
