"""Connections to `projection.db` and its schema.

Owns opening (SQLAlchemy engine, DBAPI cursors for the hot statements), the numbered migrations and the projection
version. The whole content is rebuilt from the journal, so a newer projection version rebuilds rather than migrates.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool, StaticPool

from lineage_graph.errors import GraphSchemaTooNew
from lineage_graph.queries import list_files, load_queries, parse_statements, read_text

PROJECTION_VERSION = 1
"""What facts and derivation mean; raised with every change that gives other rows for the same journal."""

NO_TIME = -(1 << 62)
"""Column `at` of a fact without a time."""

_PACKAGE = "lineage_graph.projection"


def open_engine(url: str) -> Engine:
    """An engine on `sqlite:///path` (WAL; `sqlite://` is a private database in memory)."""
    in_memory = url == "sqlite://"
    engine = create_engine(url, poolclass=StaticPool if in_memory else NullPool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun explicitly
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "cache_size=-16000"):
            cursor.execute("PRAGMA " + pragma)
        cursor.close()

    return engine


class Statements:
    """The named statements of one query file on one connection."""

    def __init__(self, connection: Any, path: str) -> None:
        self._execute = connection.cursor().execute
        self._cursor = connection.cursor
        self._queries: dict[str, str] = dict(load_queries(_PACKAGE, path))

    def run(self, name: str, parameters: Mapping[str, Any]) -> int:
        """Execute a statement; returns the number of rows it changed."""
        count: int = self._execute(self._queries[name], parameters).rowcount
        return count

    def many(self, name: str, rows: Sequence[Mapping[str, Any] | tuple[Any, ...]]) -> None:
        """Execute a statement once per row, whose parameters have names or positions as in the statement."""
        if rows:
            self._cursor().executemany(self._queries[name], rows)

    def all(self, name: str, parameters: Mapping[str, Any]) -> list[Any]:
        """All rows of a query."""
        rows: list[Any] = self._execute(self._queries[name], parameters).fetchall()
        return rows

    def one(self, name: str, parameters: Mapping[str, Any]) -> Any:
        """The first row of a query, or None."""
        return self._execute(self._queries[name], parameters).fetchone()

    def stream(self, name: str, parameters: Mapping[str, Any]) -> Iterator[Any]:
        """Rows of a query, a few at a time."""
        cursor = self._cursor()
        cursor.execute(self._queries[name], parameters)
        while rows := cursor.fetchmany(1000):
            yield from rows


@contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """One write transaction: committed at the end, rolled back when the body raises."""
    connection.cursor().execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


@functools.cache
def _migrations() -> list[tuple[int, list[str]]]:
    found = []
    for name in list_files(_PACKAGE, "migrations"):
        if name.endswith(".sql"):
            text = read_text(_PACKAGE, f"migrations/{name}")
            found.append((int(name[:4]), parse_statements(text, "--")))
    return found


def migrate(connection: Any) -> None:
    """Bring the schema to this version's.

    Raises:
        GraphSchemaTooNew: a newer weftline wrote this database.
    """
    cursor = connection.cursor()
    with transaction(connection):
        cursor.execute("CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY)")
        done = {row[0] for row in cursor.execute("SELECT number FROM migration").fetchall()}
        known = {number for number, _ in _migrations()}
        if done - known:
            raise GraphSchemaTooNew(
                f"projection.db has migration {max(done)}, this version knows {max(known)}: "
                "upgrade weftline, or delete projection.db and graph.db to rebuild them from the journal"
            )
        for number, statements in _migrations():
            if number not in done:
                for statement in statements:
                    cursor.execute(statement)
                cursor.execute("INSERT INTO migration (number) VALUES (?)", (number,))
