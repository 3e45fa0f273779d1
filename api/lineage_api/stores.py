"""Opening the graph store that the settings name. Adapters are imported only when used."""

from __future__ import annotations

from lineage_api.settings import Settings
from lineage_graph.store import GraphStore


def open_graph(settings: Settings) -> GraphStore:
    """The graph store; its schema is brought up by the projector, not here.

    Raises:
        StoreUnavailable: it does not answer.
    """
    graph = settings.graph
    if graph.embedded:
        from lineage_graph.embedded import EmbeddedGraphStore

        return EmbeddedGraphStore(settings.graph_path)
    from lineage_graph.neo4j import Neo4jGraphStore

    return Neo4jGraphStore(graph.address, user=graph.user, password=graph.password)
