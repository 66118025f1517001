"""PostgreSQL: the engine, the tables, migrations, bulk copy, backup. The only room that knows where the database is."""

from cdp.db.copy import array_literal, copy_lines, copy_table, copy_text
from cdp.db.engine import connect, database_url, held_lock, is_locked, lock, share_lock
from cdp.db.errors import DatabaseError, DatabaseUnavailable, SchemaOutdated
from cdp.db.migrate import migrate, pending

__all__ = [
    "DatabaseError",
    "DatabaseUnavailable",
    "SchemaOutdated",
    "array_literal",
    "connect",
    "copy_lines",
    "copy_table",
    "copy_text",
    "database_url",
    "held_lock",
    "is_locked",
    "lock",
    "migrate",
    "pending",
    "share_lock",
]
