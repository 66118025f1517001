"""What commands print with: results go to standard output, progress and errors to standard error."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from rich.console import Console

from cdp.settings import Settings, load

if TYPE_CHECKING:
    from sqlalchemy import Engine

out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 1_000)
"""A line stays one line where nobody looks at it but a log."""


def fail(message: str) -> None:
    """Print an error; the caller decides the exit status."""
    err.print("[bold red]Error:[/] ", end="")
    err.print(message, markup=False)


@cache
def settings() -> Settings:
    """The settings that apply in the working directory."""
    return load()


@cache
def database() -> Engine:
    """The engine of this process, its tables up to date.

    Raises:
        SchemaOutdated: `cdp init` has not been run for this version.
    """
    from cdp.db import SchemaOutdated, connect, pending  # workers of a sync import this module too, and none needs a database

    engine = connect(settings())
    steps = pending(engine)
    if steps:
        raise SchemaOutdated(f"the database lacks {len(steps)} migration(s), from {steps[0]} on: run `cdp init`")
    return engine
