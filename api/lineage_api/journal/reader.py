"""Reading the journal back, in order, for projection and replay.

Owns the way from a row to the record the projection takes: decompressed, with subject values put back. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa

from lineage_api.journal import tables
from lineage_api.journal.packing import unpack
from lineage_api.keys import Keyring
from lineage_graph.projection.engine import JournalRecord

_ROWS = (
    sa.select(
        tables.journal.c.seq,
        tables.project.c.uuid,
        tables.journal.c.received,
        tables.journal.c.principal,
        tables.journal.c.media_type,
        tables.client.c.uuid.label("client"),
        tables.journal.c.sequence,
        tables.journal.c.body,
    )
    .join(tables.project, tables.project.c.id == tables.journal.c.project)
    .outerjoin(tables.client, tables.client.c.id == tables.journal.c.client)
    .order_by(tables.journal.c.seq)
)
_AFTER = _ROWS.where(tables.journal.c.seq > sa.bindparam("after")).limit(sa.bindparam("size"))
_AT = _ROWS.where(tables.journal.c.seq.in_(sa.bindparam("numbers", expanding=True)))
_RECEIVED = sa.select(tables.journal.c.received).where(tables.journal.c.seq == sa.bindparam("seq"))


class JournalReader:
    """Records after a sequence number."""

    def __init__(self, engine: sa.Engine, keyring: Keyring) -> None:
        self._engine = engine
        self._keyring = keyring

    def last_seq(self) -> int:
        """The newest record's number, 0 in an empty journal."""
        with self._engine.begin() as connection:
            return int(connection.execute(sa.select(sa.func.max(tables.journal.c.seq))).scalar() or 0)

    def projects(self) -> dict[str, str]:
        """Uuid of every project by `workspace/name`."""
        with self._engine.begin() as connection:
            rows = connection.execute(sa.select(tables.project)).all()
        return {f"{row.workspace}/{row.name}": str(row.uuid) for row in rows}

    def after(self, seq: int, size: int) -> list[JournalRecord]:
        """At most `size` records with a number above `seq`, in order. An erased record has the body `null`."""
        return self._records(_AFTER, {"after": seq, "size": size})

    def at(self, numbers: Collection[int]) -> list[JournalRecord]:
        """The records with these numbers, in order."""
        return self._records(_AT, {"numbers": sorted(numbers)})

    def seq_at(self, time: int) -> int:
        """Number of the last record received at or before `time` (UTC microseconds), by halving; 0 before the first.

        Exact while the server's clock did not go back.
        """
        low, high = 0, self.last_seq()
        with self._engine.begin() as connection:
            while low < high:
                middle = (low + high + 1) // 2
                received = connection.execute(_RECEIVED, {"seq": middle}).scalar()
                if received is not None and received <= time:
                    low = middle
                else:
                    high = middle - 1
        return low

    def stream(self, after: int, size: int) -> Iterator[list[JournalRecord]]:
        """All records above `after` in batches of `size`."""
        while records := self.after(after, size):
            yield records
            after = records[-1].seq

    def _records(self, statement: sa.Executable, parameters: dict[str, Any]) -> list[JournalRecord]:
        with self._engine.begin() as connection:
            rows = connection.execute(statement, parameters).all()
        return [
            JournalRecord(
                seq,
                project,
                received,
                principal,
                media_type,
                client,
                sequence,
                b"null" if body is None else self._keyring.restore(project, unpack(body)),
            )
            for seq, project, received, principal, media_type, client, sequence, body in rows
        ]
