"""The graph in Neo4j 5 or later, where plain Cypher sees what is currently derived."""

from __future__ import annotations

from lineage_graph.neo4j.store import Neo4jGraphStore

__all__ = ["Neo4jGraphStore"]
