"""Alembic's entry: runs the numbered migrations of the branch named by the configuration on the given connection."""

from __future__ import annotations

from alembic import context

_connection = context.config.attributes["connection"]
context.configure(connection=_connection, transactional_ddl=True, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
