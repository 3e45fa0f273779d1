"""Entry of the projector process, started by the server: `python -m lineage_api.projector`."""

from __future__ import annotations

import argparse
import signal
import socket
from pathlib import Path

from lineage_api import memory
from lineage_api.folder import ProjectorLock
from lineage_api.journal.database import open_engine
from lineage_api.journal.reader import JournalReader
from lineage_api.keys import Keyring
from lineage_api.logs import configure, logger
from lineage_api.projector.channel import Channel, ParentGone
from lineage_api.projector.loop import ProjectorLoop, until_available
from lineage_api.settings import GraphAccess, Settings
from lineage_api.stores import open_graph


def open_loop(settings: Settings, channel: Channel) -> ProjectorLoop:
    """The projector of a data folder, its stores migrated.

    Raises:
        StoreUnavailable: the graph store does not answer.
    """
    from lineage_graph.projection.engine import Projection

    keyring = Keyring(settings.keys_url, settings.data, read_only=True)
    journal = JournalReader(open_engine(settings.registry_url, read_only=True), keyring)
    projection = Projection(settings.projection_url)
    store = open_graph(settings)
    store.migrate()
    return ProjectorLoop(journal, projection, store, channel)


def main() -> None:
    """Project until the server ends."""
    parser = argparse.ArgumentParser(prog="lineage_api.projector")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--graph", required=True)
    parser.add_argument("--channel", type=int, required=True, help="inherited descriptor of the server's socket pair")
    arguments = parser.parse_args()
    configure()
    # Ctrl-C reaches the whole foreground group; the server decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = Settings(data=arguments.data, graph=GraphAccess.from_environment(arguments.graph))
    channel = Channel(socket.socket(fileno=arguments.channel))
    channel.end_with_parent()
    try:
        with ProjectorLock(settings.data, channel.check):
            loop = until_available(lambda: open_loop(settings, channel), channel)
            memory.settle()
            loop.run()
    except ParentGone:
        logger("projector").info("server ended, projector ends")


if __name__ == "__main__":
    main()
