"""Journal in, projection and graph out, batch by batch; what a crash left half done is finished first.

Owns the order of commits (facts and outbox, then graph, then the outbox is forgotten), waiting for work, and keeping
one bad record from stopping the others. The engine and the stores do the work; the channel tells the server.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from lineage_api.journal.reader import JournalReader
from lineage_api.journal.record import UNPROJECTABLE
from lineage_api.logs import logger
from lineage_api.projector.channel import Channel
from lineage_graph.errors import StoreUnavailable
from lineage_graph.model import Delta
from lineage_graph.projection.engine import JournalRecord, Projection
from lineage_graph.store import GraphStore

BATCH = 1000
POLL_SECONDS = 1.0
"""The journal is looked at this often even when no wake-up came: a lost one costs a second, never a record."""

GATHER_SECONDS = 0.5
"""Under a stream of records batches start at most this often: a batch costs several commits whatever is in it."""

_STREAM = 50
"""Records of a batch from which on there is a stream; after smaller ones the next begins when there is work."""

_RETRY_SECONDS = 1.0
_PASSING = (sqlite3.OperationalError, OSError, MemoryError)

T = TypeVar("T")

log = logger("projector")


class ProjectorLoop:
    """One projector."""

    def __init__(self, journal: JournalReader, projection: Projection, store: GraphStore, channel: Channel) -> None:
        self._journal = journal
        self._projection = projection
        self._store = store
        self._channel = channel
        self._deltas: list[Delta] = []

    def run(self) -> None:
        """Project until the parent is gone.

        Raises:
            ParentGone: the server ended.
        """
        until_available(self._finish, self._channel)
        self._channel.progress(self._projection.cursor())
        while True:
            begun = time.monotonic()
            taken = until_available(self._project_next, self._channel)
            if not taken:
                self._channel.wait(POLL_SECONDS)
                continue
            until_available(self._finish_batch, self._channel)
            self._channel.progress(self._projection.cursor())
            if _STREAM <= taken < BATCH:
                self._channel.linger(begun + GATHER_SECONDS)
            else:
                self._channel.check()

    def reset(self) -> None:
        """Forget projection and graph, to derive both again from the journal."""
        for project in {*self._journal.projects().values(), *self._projection.projects()}:
            self._store.clear(project)
        self._projection.reset()

    def catch_up(self) -> int:
        """Project everything there is and return the cursor (for a rebuild, without a server)."""
        self._finish()
        for records in self._journal.stream(self._projection.cursor(), BATCH):
            self._project(records)
            self._finish_batch()
        return self._projection.cursor()

    def _project_next(self) -> int:
        """Project the next records, if there are any; how many."""
        records = self._journal.after(self._projection.cursor(), BATCH)
        if records:
            self._project(records)
        return len(records)

    def _project(self, records: Sequence[JournalRecord]) -> None:
        try:
            self._deltas = self._projection.project(records)
        except _PASSING as error:
            # Nothing is wrong with the records: skipping one now would lose it for as long as this projection lives.
            raise StoreUnavailable(
                f"projection.db cannot be written ({error}); check free space and who else has it open"
            ) from error
        except Exception as error:
            if len(records) == 1:
                # Skipped here, kept in the journal: a version that understands it replays it.
                log.error("record cannot be projected", seq=records[0].seq, exc_info=error)
                skipped = replace(records[0], media_type=UNPROJECTABLE, body=b"{}")
                self._deltas = self._projection.project([skipped])
                return
            middle = len(records) // 2
            self._project(records[:middle])
            self._finish_batch()
            self._project(records[middle:])

    def _finish_batch(self) -> None:
        """Bring the graph to the projection's cursor, then forget the outbox."""
        if self._deltas:
            self._store.apply(self._deltas)
        self._deltas = []
        self._projection.forget(self._projection.cursor())

    def _finish(self) -> None:
        """Apply what an earlier process derived and did not get into the graph."""
        self._deltas = []
        for project in self._projection.projects():
            cursor = self._store.cursor(project)
            if cursor < self._projection.forgotten(project):
                log.warning("the graph is gone or an old one, deriving it again from the journal", project=project)
                self.reset()
                return
            deltas = self._projection.pending(project, cursor)
            if deltas:
                self._store.apply(deltas)
        self._projection.forget(self._projection.cursor())


def until_available(step: Callable[[], T], channel: Channel) -> T:
    """The result of `step`, tried again for as long as the graph store is away; the server is told why.

    Raises:
        ParentGone: the server ended meanwhile.
    """
    failed = False
    while True:
        try:
            return step()
        except StoreUnavailable as error:
            if not failed:
                log.warning("graph store unavailable, retrying", reason=str(error))
            failed = True
            channel.trouble(str(error))
            channel.check()
            time.sleep(_RETRY_SECONDS)  # a wake-up must not turn into a storm of attempts
