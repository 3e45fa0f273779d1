"""The graph in one SQLite file: the default store, with nothing to install or start."""

from __future__ import annotations

from lineage_graph.embedded.store import EmbeddedGraphStore

__all__ = ["EmbeddedGraphStore"]
