"""Replaying the journal into fresh stores, and the digest of a folder, without a server.

Owns `rebuild` and `folder_digest` as the command line offers them. The journal is only read.
"""

from __future__ import annotations

from typing import Any

from lineage_api.digests import FactReader, stable_digest
from lineage_api.folder import Claim, ProjectorLock
from lineage_api.journal.database import migrate, open_engine
from lineage_api.journal.reader import JournalReader
from lineage_api.keys import Keyring
from lineage_api.projector.__main__ import open_loop
from lineage_api.projector.channel import Channel
from lineage_api.settings import Settings
from lineage_api.stores import open_graph
from lineage_graph.projection.catalog import Catalog


class NoSuchProject(LookupError):
    """The folder has no project of that name."""


def rebuild(settings: Settings) -> int:
    """Drop projection and graph and replay the journal; returns the newest number replayed.

    Raises:
        FolderInUse: a server runs on the folder.
        StoreUnavailable: the graph store does not answer.
    """
    claim = Claim(settings.data)
    try:
        Keyring(settings.keys_url, settings.data).close()  # brings the schema up for a folder of an older version
        engine = open_engine(settings.registry_url)
        migrate(engine, "registry")
        with ProjectorLock(settings.data, lambda: None):
            loop = open_loop(settings, Channel(None))
            loop.reset()
            return loop.catch_up()
    finally:
        claim.release()


def folder_digest(settings: Settings, project: str) -> dict[str, Any]:
    """The digest of one project of a folder, whether or not a server runs on it.

    Args:
        project: `workspace/name`.

    Raises:
        NoSuchProject: unknown.
        Problem: records kept arriving.
    """
    keyring = Keyring(settings.keys_url, settings.data, read_only=True)
    journal = JournalReader(open_engine(settings.registry_url, read_only=True), keyring)
    catalog = Catalog(settings.projection_url)
    store = open_graph(settings)
    try:
        known = journal.projects()
        if project not in known:
            raise NoSuchProject(
                f"{settings.data} has no project {project}; it has: {', '.join(sorted(known)) or 'none'}"
            )
        return stable_digest(FactReader(catalog.engine), store, known[project])
    finally:
        store.close()
        catalog.close()
        keyring.close()
