"""Gives records their place: dedupe, dense sequence numbers, ledger leaves, model numbers, all in one transaction.

Owns every write to `registry.db` and the state that avoids reading it back (next number, clients' marks). Used by the
writer thread alone; it does no network and knows no HTTP.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from lineage_api.journal import tables
from lineage_api.journal.clients import Settled
from lineage_api.journal.packing import entry as make_entry
from lineage_api.journal.record import (
    SERVER,
    Committed,
    Entry,
    Item,
    Outcome,
    Project,
    Refused,
    Registration,
    conflict_body,
    model_version_body,
)
from lineage_api.journal.statements import Statements
from lineage_api.ledger import leaf_hash
from lineage_graph.canonical import canonical_bytes

_MAX_CLIENTS = 20_000  # marks kept in memory; the others are read again when they come back


class _Client:
    __slots__ = ("dirty", "id", "settled")

    def __init__(self, id: int, settled: Settled) -> None:
        self.id = id
        self.settled = settled
        self.dirty = False


class _Group:
    """What one transaction has written so far; forgotten when it fails."""

    def __init__(self, next_seq: int, careful: bool) -> None:
        self.next_seq = next_seq
        self.careful = careful
        self.rows: list[list[Any]] = []
        self.keys: dict[tuple[int, bytes], int] = {}
        self.sequences: dict[tuple[int, int], tuple[int, bytes]] = {}
        self.before: dict[tuple[int, str], Settled | None] = {}


class Sequencer:
    """The single writer of `registry.db`."""

    def __init__(self, engine: sa.Engine, event_key: Callable[[str], bytes]) -> None:
        self._event_key = event_key
        self._raw = engine.raw_connection()
        self._sql = Statements(engine.dialect)
        assert engine.dialect.dbapi is not None
        self._duplicate: type[Exception] = engine.dialect.dbapi.IntegrityError
        self._clients: dict[tuple[int, str], _Client] = {}
        with engine.begin() as connection:
            self.last_seq = int(connection.execute(sa.select(sa.func.max(tables.journal.c.seq))).scalar() or 0)
            rows = connection.execute(sa.select(tables.project)).all()
        self.projects = {f"{row.workspace}/{row.name}": self._project(row) for row in rows}

    def ensure_project(self, full_name: str) -> Project:
        """The project of that name, made if it is new."""
        known = self.projects.get(full_name)
        if known is not None:
            return known
        workspace, _, name = full_name.partition("/")
        identity = str(uuid.uuid4())
        key = self._event_key(identity)  # durable before a record is keyed with it
        cursor = self._raw.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            row = self._sql.new_project(
                cursor, uuid=identity, workspace=workspace, name=name, created=time.time_ns() // 1000
            ).fetchone()
            self._raw.commit()
        except BaseException:
            self._raw.rollback()
            raise
        project = Project(int(row[0]), identity, workspace, name, key)
        self.projects[full_name] = project
        return project

    def commit(self, submissions: Sequence[Sequence[Item]]) -> list[Committed]:
        """Make the items of all submissions durable in one transaction; on an error nothing has changed."""
        try:
            return self._commit(submissions, careful=False)
        except self._duplicate:  # some are known already, which is rare enough not to ask before
            return self._commit(submissions, careful=True)

    def _commit(self, submissions: Sequence[Sequence[Item]], careful: bool) -> list[Committed]:
        group = _Group(self.last_seq + 1, careful)
        cursor = self._raw.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            answers = [self._place_all(cursor, group, items) for items in submissions]
            self._sql.insert(cursor, group.rows)
            self._store_marks(cursor, group)
            self._raw.commit()
        except BaseException:
            self._raw.rollback()
            self._forget(group)
            raise
        self.last_seq = group.next_seq - 1
        return answers

    def close(self) -> None:
        """Release the connection."""
        self._raw.close()

    def _place_all(self, cursor: Any, group: _Group, items: Sequence[Item]) -> Committed:
        outcomes = [self._place(cursor, group, item) for item in items]
        marks: dict[str, int] = {}
        for item in items:
            if item.client is not None:
                mark = self._clients[item.project.id, item.client].settled.high_water
                marks[item.client] = min(mark, marks.get(item.client, mark))
        return Committed(outcomes, marks)

    def _place(self, cursor: Any, group: _Group, item: Item) -> Outcome:
        client: _Client | None = None
        if item.client is not None:
            client = self._client(cursor, group, item.project.id, item.client)
        if isinstance(item, Refused):
            assert client is not None
            self._settle(client, item.sequence, item.sequence)
            return Outcome(0, 0)
        retried = client is not None and item.sequence is not None and item.sequence in client.settled
        known = group.keys.get((item.project.id, item.key))
        if known is None and (retried or group.careful):
            known = self._by_key(cursor, item)
        taken = self._taken(cursor, group, client, item) if retried else None
        if client is not None:
            for first, last in item.covers:
                self._settle(client, first, last)
        if taken is not None and taken[1] != item.key:
            if known is None:
                known = self._append(group, item, None, None)
                self._append_server(
                    cursor, group, item, conflict_body(item.client or "", item.sequence or 0, taken[0], known)
                )
                self._register(cursor, group, item)
            return Outcome(409, taken[0])
        if known is not None:
            return Outcome(200, known)
        seq = self._append(group, item, client, item.sequence)
        self._register(cursor, group, item)
        return Outcome(201, seq)

    def _append(self, group: _Group, item: Entry, client: _Client | None, sequence: int | None) -> int:
        seq = group.next_seq
        group.next_seq += 1
        leaf = leaf_hash(
            seq=seq,
            project=item.project.uuid,
            received=item.received,
            principal=item.principal,
            media_type=item.media_type,
            client=item.client if client is not None else None,
            sequence=sequence,
            committed=item.committed,
        )
        group.rows.append(
            [
                seq,
                item.project.id,
                item.received,
                item.principal,
                item.media_type,
                client.id if client is not None else None,
                sequence,
                item.key,
                item.packed,
                item.salt,
                item.committed,
                leaf,
            ]
        )
        group.keys[item.project.id, item.key] = seq
        if client is not None and sequence is not None:
            group.sequences[client.id, sequence] = (seq, item.key)
        return seq

    def _append_server(self, cursor: Any, group: _Group, cause: Entry, body: dict[str, Any]) -> None:
        canonical = canonical_bytes(body)
        record = make_entry(cause.project, cause.received, "server", SERVER, canonical, canonical)
        if (cause.project.id, record.key) not in group.keys and self._by_key(cursor, record) is None:
            self._append(group, record, None, None)

    def _register(self, cursor: Any, group: _Group, item: Entry) -> None:
        for registration in item.registrations:
            self._number(cursor, group, item, registration)

    def _number(self, cursor: Any, group: _Group, item: Entry, registration: Registration) -> None:
        named = {
            "project": item.project.id,
            "namespace": registration.namespace,
            "name": registration.name,
        }
        version = {"scheme": registration.scheme, "value": registration.value}
        row = self._sql.model_known(cursor, **named, **version).fetchone()
        if row is not None:
            number = int(row[0])
        else:
            last = self._sql.model_last(cursor, **named).fetchone()[0]
            number = int(last or 0) + 1
            self._sql.new_model(cursor, **named, **version, number=number, seq=group.next_seq)
        self._append_server(cursor, group, item, model_version_body(registration, number, item.received))

    def _by_key(self, cursor: Any, item: Entry) -> int | None:
        row = self._sql.by_key(cursor, project=item.project.id, key=item.key).fetchone()
        return None if row is None else int(row[0])

    def _taken(self, cursor: Any, group: _Group, client: _Client | None, item: Entry) -> tuple[int, bytes] | None:
        """Journal number and key of the record that already has this (client, sequence)."""
        assert client is not None
        assert item.sequence is not None
        in_group = group.sequences.get((client.id, item.sequence))
        if in_group is not None:
            return in_group
        row = self._sql.by_sequence(
            cursor, project=item.project.id, client=client.id, sequence=item.sequence
        ).fetchone()
        return None if row is None else (int(row[0]), bytes(row[1] or b""))

    def _client(self, cursor: Any, group: _Group, project: int, name: str) -> _Client:
        client = self._clients.get((project, name))
        if client is None:
            if len(self._clients) >= _MAX_CLIENTS and not group.before:
                self._clients.clear()
            row = self._sql.client(cursor, project=project, uuid=name).fetchone()
            if row is None:
                row = self._sql.new_client(cursor, project=project, uuid=name, high_water=0, ahead="[]").fetchone()
                client = _Client(int(row[0]), Settled())
            else:
                client = _Client(int(row[0]), Settled(int(row[1]), orjson.loads(row[2])))
            self._clients[project, name] = client
            group.before.setdefault((project, name), None)
        elif (project, name) not in group.before:
            group.before[project, name] = client.settled.copy()
        return client

    @staticmethod
    def _settle(client: _Client, first: int, last: int) -> None:
        client.settled.add(first, last)
        client.dirty = True

    def _store_marks(self, cursor: Any, group: _Group) -> None:
        for place in group.before:
            client = self._clients[place]
            if client.dirty:
                ranges = orjson.dumps(client.settled.ahead).decode()
                self._sql.mark(cursor, client=client.id, mark=client.settled.high_water, ranges=ranges)
                client.dirty = False

    def _forget(self, group: _Group) -> None:
        """Go back to what the database still says about the clients of a failed transaction."""
        for place in group.before:
            self._clients.pop(place, None)

    def _project(self, row: Any) -> Project:
        return Project(int(row.id), str(row.uuid), str(row.workspace), str(row.name), self._event_key(str(row.uuid)))
