"""The running service: everything a request may need, opened in order and closed in reverse.

Owns the lifetime of journal, keys, writer, projector and readers, and what makes the server ready or idle. Knows
nothing about routes.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from lineage_api.deps import DEFAULT_PROJECT, Readers
from lineage_api.folder import Claim, OpenFiles
from lineage_api.ingest.service import IngestService
from lineage_api.journal.database import migrate, open_engine
from lineage_api.journal.reader import JournalReader
from lineage_api.journal.record import Project
from lineage_api.journal.sequencer import Sequencer
from lineage_api.keys import Keyring
from lineage_api.logs import logger
from lineage_api.projector.supervisor import ProjectorSupervisor
from lineage_api.settings import Settings
from lineage_api.stores import open_graph
from lineage_api.writer import Writer
from lineage_graph.errors import StoreUnavailable
from lineage_graph.projection.catalog import Catalog
from lineage_graph.store import GraphStore

log = logger("service")


class Service:
    """One server's parts; made by `start` on the event loop."""

    writer: Writer
    ingest: IngestService
    projector: ProjectorSupervisor
    readers: Readers

    def __init__(self, settings: Settings, claim: Claim) -> None:
        self.settings = settings
        self.claim = claim
        self.started = time.time()
        self._requests = 0
        self._last_use = time.monotonic()
        self._graph: GraphStore | None = None
        self._catalog: Catalog | None = None
        self._derived: OpenFiles | None = None

    async def start(self) -> None:
        """Open the stores, bring their schemas up, start writer and projector."""
        loop = asyncio.get_running_loop()
        self.keyring, self._sequencer, self.journal = await loop.run_in_executor(None, self._open)
        self._kept = OpenFiles([self.settings.data / name for name in ("registry.db", "keys.db")])
        limits = self.settings.limits
        self.projector = ProjectorSupervisor(self.settings)
        self.writer = Writer(self._sequencer, loop, self.projector.wake, limits.queue_bytes)
        self.ingest = IngestService(self.writer, self.keyring, limits)
        self.readers = Readers(self.settings.readers, limits.read_seconds)
        self.projector.start()
        self.projector.wake(self._sequencer.last_seq)
        log.info("started", data=str(self.settings.data), graph=self.settings.graph.address, seq=self.journalled)

    async def stop(self) -> None:
        """Write what is queued, end the projector, close the stores."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.writer.close)
        await self.projector.stop()
        self.ingest.close()
        self.readers.close()
        for part in (self._graph, self._catalog, self._sequencer, self.keyring):
            if part is not None:
                part.close()
        log.info("stopped", seq=self.journalled)

    @property
    def journalled(self) -> int:
        """Number of the newest journal record."""
        return self._sequencer.last_seq

    @property
    def cursor_key(self) -> bytes:
        """Key that signs the cursors of lists."""
        return self.keyring.cursor_key

    def project(self, full_name: str) -> Project | None:
        """A project by `workspace/name`, if it exists."""
        return self._sequencer.projects.get(full_name)

    def graph(self) -> GraphStore:
        """The graph, for reading.

        Raises:
            StoreUnavailable: the projector has not brought it up yet, or it was deleted.
        """
        self._require_stores()
        if self._graph is None:
            self._graph = open_graph(self.settings)
        return self._graph

    def catalog(self) -> Catalog:
        """Entities and attributes, for reading.

        Raises:
            StoreUnavailable: the projector has not brought the projection up yet, or it was deleted.
        """
        self._require_stores()
        if self._catalog is None:
            self._catalog = Catalog(self.settings.projection_url, self.settings.readers)
        return self._catalog

    def trouble(self) -> str | None:
        """Why answers would be missing or old, and what to do; None when nothing is wrong."""
        if (lost := self._kept.lost()) is not None:
            return (
                f"{lost} was deleted or replaced: what is sent now is lost when the server ends; send nothing more, "
                f"stop process {self.claim.pid}, put the file back from a backup and start it again"
            )
        if (lost := self._lost_derived()) is not None:
            return (
                f"{lost} was deleted or replaced: stop process {self.claim.pid} and start it again, which derives it "
                "from the journal"
            )
        return self.projector.trouble

    def touch(self, step: int) -> None:
        """A request begins (+1) or ends (-1)."""
        self._requests += step
        self._last_use = time.monotonic()

    def idle_for(self) -> float:
        """Seconds since the last request ended; 0 while one runs or records wait to be projected."""
        if self._requests or self.projector.lag()[0]:
            return 0.0
        return time.monotonic() - self._last_use

    def _require_stores(self) -> None:
        if not self.projector.started_once:
            raise StoreUnavailable("the projector has not opened the graph yet; try again in a moment")
        if self._lost_derived() is not None:
            raise StoreUnavailable(str(self.trouble()))

    def _lost_derived(self) -> Path | None:
        if not self.projector.started_once:
            return None
        if self._derived is None:
            names = ("projection.db", "graph.db") if self.settings.graph.embedded else ("projection.db",)
            self._derived = OpenFiles([self.settings.data / name for name in names])
        return self._derived.lost()

    def _open(self) -> tuple[Keyring, Sequencer, JournalReader]:
        keyring = Keyring(self.settings.keys_url, self.settings.data)
        engine = open_engine(self.settings.registry_url)
        migrate(engine, "registry")
        sequencer = Sequencer(engine, keyring.event_key)
        sequencer.ensure_project(DEFAULT_PROJECT)
        return keyring, sequencer, JournalReader(engine, keyring)
