"""The sequencer's statements: SQLAlchemy constructs compiled once, run on the driver's own cursor.

Owns their wording and how parameters are handed over. Compiled for the engine's dialect, so they are the same code on
every database; run without the per-call cost of the engine, because they are the hot path of ingest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from lineage_api.journal import tables

_MOST_ROWS = 64
"""Rows of one INSERT; larger groups take several."""


class Statement:
    """One statement with named parameters."""

    __slots__ = ("_names", "_text")

    def __init__(self, statement: Any, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._names: list[str] = list(compiled.positiontup)

    def __call__(self, cursor: Any, **values: Any) -> Any:
        """Run it; the cursor, to fetch from."""
        return cursor.execute(self._text, [values[name] for name in self._names])


class Insert:
    """Inserts many rows of one table in as few steps as powers of two allow: each step hands the interpreter over."""

    def __init__(self, table: sa.Table, dialect: sa.Dialect) -> None:
        self.columns = [column.name for column in table.columns]
        text = str(sa.insert(table).compile(dialect=dialect))
        head, _, row = text.partition(" VALUES ")
        self._texts = {1 << power: f"{head} VALUES {', '.join([row] * (1 << power))}" for power in range(7)}
        assert max(self._texts) == _MOST_ROWS

    def __call__(self, cursor: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows of values in the order of `columns`."""
        at = 0
        while at < len(rows):
            size = min(1 << (len(rows) - at).bit_length() - 1, _MOST_ROWS)
            cursor.execute(self._texts[size], [value for row in rows[at : at + size] for value in row])
            at += size


class Statements:
    """All of them, for one engine."""

    def __init__(self, dialect: sa.Dialect) -> None:
        def prepared(statement: Any) -> Statement:
            return Statement(statement, dialect)

        def named(*names: str) -> dict[str, Any]:
            return {name: sa.bindparam(name) for name in names}

        journal, clients, models = tables.journal.c, tables.client.c, tables.model_number.c
        by_project = journal.project == sa.bindparam("project")
        self.by_key = prepared(sa.select(journal.seq).where(by_project, journal.key == sa.bindparam("key")))
        self.by_sequence = prepared(
            sa.select(journal.seq, journal.key).where(
                by_project, journal.client == sa.bindparam("client"), journal.sequence == sa.bindparam("sequence")
            )
        )
        self.insert = Insert(tables.journal, dialect)
        self.client = prepared(
            sa.select(clients.id, clients.high_water, clients.ahead).where(
                clients.project == sa.bindparam("project"), clients.uuid == sa.bindparam("uuid")
            )
        )
        self.new_client = prepared(
            sa.insert(tables.client).values(named("project", "uuid", "high_water", "ahead")).returning(clients.id)
        )
        self.new_project = prepared(
            sa.insert(tables.project)
            .values(named("uuid", "workspace", "name", "created"))
            .returning(tables.project.c.id)
        )
        self.mark = prepared(
            sa.update(tables.client)
            .where(clients.id == sa.bindparam("client"))
            .values(high_water=sa.bindparam("mark"), ahead=sa.bindparam("ranges"))
        )
        same_model = sa.and_(
            models.project == sa.bindparam("project"),
            models.namespace == sa.bindparam("namespace"),
            models.name == sa.bindparam("name"),
        )
        self.model_known = prepared(
            sa.select(models.number).where(
                same_model, models.scheme == sa.bindparam("scheme"), models.value == sa.bindparam("value")
            )
        )
        self.model_last = prepared(sa.select(sa.func.max(models.number)).where(same_model))
        self.new_model = prepared(
            sa.insert(tables.model_number).values(
                named("project", "namespace", "name", "number", "scheme", "value", "seq")
            )
        )
