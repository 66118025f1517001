"""What can go wrong with the database, named by what the caller does next.

DatabaseError
├── DatabaseUnavailable   start or reach the server, then run again
└── SchemaOutdated        run `cdp init`
"""

from __future__ import annotations

from cdp.errors import PlatformError


class DatabaseError(PlatformError):
    """Something about the database itself."""


class DatabaseUnavailable(DatabaseError):
    """The server cannot be started or reached."""


class SchemaOutdated(DatabaseError):
    """The tables are missing or of another version: `cdp init` brings them up to date."""
