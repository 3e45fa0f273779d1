"""Reading the journal back, in order, for projection and replay.

Owns the way from a row to the record the projection takes: decompressed, with subject values put back. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    .where(tables.journal.c.seq > sa.bindparam("after"))
    .order_by(tables.journal.c.seq)
    .limit(sa.bindparam("size"))
)


class JournalReader:
    """Records after a sequence number."""

    def __init__(self, engine: sa.Engine, keyring: Keyring) -> None:
        self._engine = engine
        self._keyring = keyring

    def last_seq(self) -> int:
        """The newest record's number, 0 in an empty journal."""
        with self._engine.begin() as connection:
            return int(connection.execute(sa.select(sa.func.max(tables.journal.c.seq))).scalar() or 0)

    def projects(self) -> list[str]:
        """Uuids of all projects."""
        with self._engine.begin() as connection:
            return [str(row[0]) for row in connection.execute(sa.select(tables.project.c.uuid))]

    def after(self, seq: int, size: int) -> list[JournalRecord]:
        """At most `size` records with a number above `seq`, in order. An erased record has the body `null`."""
        with self._engine.begin() as connection:
            rows = connection.execute(_ROWS, {"after": seq, "size": size}).all()
        return [
            JournalRecord(
                seq=row.seq,
                project=row.uuid,
                received=row.received,
                principal=row.principal,
                media_type=row.media_type,
                client=row.client,
                sequence=row.sequence,
                body=b"null" if row.body is None else self._keyring.restore(row.uuid, unpack(row.body)),
            )
            for row in rows
        ]

    def stream(self, after: int, size: int) -> Iterator[list[JournalRecord]]:
        """All records above `after` in batches of `size`."""
        while records := self.after(after, size):
            yield records
            after = records[-1].seq
