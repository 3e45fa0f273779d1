"""The spool as a transport of `openlineage.client`: any OpenLineage producer stops losing events.

`OPENLINEAGE__TRANSPORT__TYPE=lineage.emit.transport.SpoolTransport` is all it takes; where records go is set by the
`LINEAGE_*` variables, as for everything else. This module is imported by the client's own factory, so it is the one
place of the SDK that imports `openlineage.client` at its top.
"""

from __future__ import annotations

from typing import Any

from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Config, Transport

from lineage import diagnostics
from lineage.emit import emitter
from lineage.emit.spool import DROPPED

_TERMINAL = frozenset({"COMPLETE", "FAIL", "ABORT"})


class SpoolConfig(Config):
    """Nothing to configure here: the `LINEAGE_*` variables say where records go."""


class SpoolTransport(Transport):
    """Puts each event on this process's spool; never raises, never waits for a network."""

    kind = "lineage_spool"
    config_class = SpoolConfig

    def __init__(self, config: SpoolConfig) -> None:
        self.config = config

    def emit(self, event: Any) -> int:
        """Store an event. Returns its sequence, -1 when it was dropped."""
        try:
            document: dict[str, Any] = Serde.to_dict(event)
        except Exception as error:
            diagnostics.warn_once("transport", f"an event could not be read: {error!r}")
            return DROPPED
        return emitter.emit(document, terminal_of_root=_ends_a_root(document))

    def close(self, timeout: float = -1) -> bool:
        """Sync what was emitted; delivery goes on without this process.

        Args:
            timeout: seconds to wait at most; a negative value waits for the sync however long it takes.
        """
        return emitter.sync(timeout if timeout >= 0 else 60.0)


def _ends_a_root(document: dict[str, Any]) -> bool:
    facets = document.get("run", {}).get("facets") or {}
    return document.get("eventType") in _TERMINAL and "parent" not in facets
