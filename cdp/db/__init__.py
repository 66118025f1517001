"""PostgreSQL: the engine, the tables, migrations, bulk copy, backup. The only room that knows where the database is."""

from cdp.db.copy import copy_table
from cdp.db.engine import connect, database_url, held_lock, is_locked, lock
from cdp.db.errors import DatabaseError, DatabaseUnavailable, SchemaOutdated
from cdp.db.migrate import migrate, pending

__all__ = [
    "DatabaseError",
    "DatabaseUnavailable",
    "SchemaOutdated",
    "connect",
    "copy_table",
    "database_url",
    "held_lock",
    "is_locked",
    "lock",
    "migrate",
    "pending",
]
