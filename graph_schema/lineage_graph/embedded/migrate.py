"""Brings a graph file to this version's schema: numbered files, each applied once, each in one transaction.

Owns the table of applied migrations. `schema.sql` is what they add up to, for readers; a test holds the two equal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from lineage_graph.errors import GraphSchemaTooNew
from lineage_graph.queries import list_files, parse_statements, read_text

_PACKAGE = "lineage_graph.embedded"
_CREATE = "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL)"

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


def available() -> dict[int, str]:
    """File names of the migrations by number."""
    return {int(name[:4]): name for name in list_files(_PACKAGE, "migrations") if name.endswith(".sql")}


def migrate(transaction: Transaction, upto: int | None = None) -> None:
    """Apply the migrations a file lacks, up to and with number `upto` (all by default).

    Raises:
        GraphSchemaTooNew: the file knows a migration this version does not have.
    """
    for number, name in sorted(available().items()):
        if upto is not None and number > upto:
            break
        with transaction() as connection:
            connection.execute(_CREATE)
            (newest,) = connection.execute("SELECT coalesce(max(number), 0) FROM migration").fetchone()
            if newest > max(available()):
                raise GraphSchemaTooNew(
                    f"the graph file has migration {newest}, this version of weftline knows up to "
                    f"{max(available())}; upgrade weftline or restore a backup made by this version"
                )
            if newest >= number:
                continue
            for statement in parse_statements(read_text(_PACKAGE, f"migrations/{name}"), "--"):
                connection.execute(statement)
            connection.execute("INSERT INTO migration (number, name) VALUES (?, ?)", (number, name))
