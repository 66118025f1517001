"""Alembic runs migrations on the connection it is handed, inside the caller's transaction."""

from alembic import context

from cdp.db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
