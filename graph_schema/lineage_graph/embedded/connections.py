"""Connections to the graph file: one that writes, and as many that read as there are readers at once.

Owns the pragmas (WAL, an fsync at every commit), transactions and how SQLite's failures are told. Does not know
what is stored.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineage_graph.errors import StoreUnavailable

_KEPT_READERS = 4
_BUSY_SECONDS = 30.0
_READER_CACHE_KIB = 8_192
_WRITER_CACHE_KIB = 8_192
_WAL_KEPT_BYTES = 64 << 20


class Connections:
    """Connections to one file; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._write_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one read transaction: all it answers is of one moment.

        Raises:
            StoreUnavailable: the file cannot be opened or read.
        """
        with self._told():
            connection = self._take()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                self._give(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The writing connection inside one transaction, committed durably at the end, rolled back on any error.

        Raises:
            StoreUnavailable: the file cannot be written.
        """
        with self._write_lock, self._told():
            if self._writer is None:
                self._writer = self._open(_WRITER_CACHE_KIB)
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close what is idle now, and what is in use when it comes back."""
        with self._write_lock, self._guard:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _take(self) -> sqlite3.Connection:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        connection = self._open(_READER_CACHE_KIB)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with self._guard:
            if not self._closed and len(self._idle) < _KEPT_READERS:
                self._idle.append(connection)
                return
        connection.close()

    def _open(self, cache_kib: int) -> sqlite3.Connection:
        if self._closed:
            raise StoreUnavailable(f"the graph store {self.path} was closed; open it again")
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise StoreUnavailable(
                f"the graph store {self.path} does not answer ({error}); check that its folder exists, "
                "is on a local disk, may be written by this user and has free space"
            ) from error
