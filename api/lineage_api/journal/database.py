"""Opening `registry.db` and `keys.db`: engines, durability pragmas, migrations.

Owns how a connection is set up and that the schema is this version's before anything is read. Does not know what the
tables mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool, QueuePool

Branch = Literal["registry", "keys"]

HEADS: dict[Branch, str] = {"registry": "registry_0001", "keys": "keys_0001"}
"""The newest migration of each database; a test compares them with the files."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaTooNew(RuntimeError):
    """The database was written by a newer version of weftline; upgrade, or restore a backup."""


def open_engine(url: str, *, read_only: bool = False) -> sa.Engine:
    """An engine whose SQLite connections commit durably (WAL, synchronous=FULL) and erase what they delete.

    Transactions are begun explicitly (`BEGIN IMMEDIATE` by the writer): the driver's own opening is switched off.
    """
    engine = sa.create_engine(
        url,
        poolclass=QueuePool if read_only else NullPool,  # readers ask often, writers keep the one they have
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=10000")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA secure_delete=ON")
            cursor.execute("PRAGMA journal_size_limit=67108864")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def migrate(engine: sa.Engine, branch: Branch) -> None:
    """Bring the database to this version's schema, in one transaction.

    Raises:
        SchemaTooNew: it was written by a newer version.
    """
    with engine.begin() as connection:
        version = _version(connection)
        if version == HEADS[branch]:
            return
        from alembic import command  # 100 ms and 10 MB, needed only when there is something to do
        from alembic.config import Config
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.set_main_option("version_locations", str(_MIGRATIONS / branch))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        try:
            ScriptDirectory.from_config(config).get_revision(version or "base")
        except CommandError:
            raise SchemaTooNew(
                f"{branch}.db has schema {version}, this version knows {HEADS[branch]}: upgrade weftline"
            ) from None
        command.upgrade(config, "head")


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
