"""What a marketer should know before sending, beside the counts: nothing here keeps a delivery from being made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, text

from cdp.activation.audience import Counts
from cdp.activation.definition import Destination
from cdp.activation.formats import warnings


def hints(connection: Connection, destination: Destination, counts: Counts) -> Sequence[str]:
    """Sentences, the gravest first."""
    people = counts.members - counts.without_profile - counts.without_consent
    found = [f"the environment variable {name} is not set here: a delivery from here would stop" for name in _unset(destination.place[1])]
    if people == 0 and counts.without_consent and (said := _of_unknown_purpose(connection, destination.purpose)):
        found.append(said)
    return [*found, *warnings(destination.document["format"], destination.title, people)]


def _unset(settings: Any) -> Iterator[str]:
    """Names of the secrets that are not in the environment."""
    if isinstance(settings, str) and settings.startswith("env:") and settings.removeprefix("env:") not in os.environ:
        yield settings.removeprefix("env:")
    elif isinstance(settings, dict):
        for value in settings.values():
            yield from _unset(value)


def _of_unknown_purpose(connection: Connection, purpose: str | None) -> str | None:
    known = connection.execute(text("select distinct purpose from consent order by 1")).scalars().all()
    if purpose in known:
        return None
    return f"nobody was ever asked for the purpose {purpose!r}; sources tell of: {', '.join(known) or 'none'}"
