"""The port behind which a graph is kept, and nothing else: adapters are `embedded` (SQLite) and `neo4j`.

A store applies deltas and answers for nodes and edges by id. It never derives, resolves names or decides how to
walk: derivation hands it finished rows, `traversal` asks it one layer at a time. Every adapter passes the same
contract suite (`tests/contract/test_graph_store.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from lineage_graph.model import AsOf, Delta, Edge, EdgeType, Node

NOW = AsOf()


class GraphStore(Protocol):
    """Derived nodes and edges of all projects on one server. Thread-safe for reads; one writer."""

    def migrate(self) -> None:
        """Bring the schema to this version's; refuse (GraphSchemaTooNew) a newer one."""

    def cursor(self, project: str) -> int:
        """Sequence number of the last delta applied for `project` (its uuid); 0 before the first."""

    def apply(self, deltas: Sequence[Delta]) -> None:
        """Apply deltas in order and move the cursors, all in one transaction. Deltas at or below the cursor are skipped."""

    def nodes(self, project: str, ids: Collection[str]) -> dict[str, Node]:
        """The current nodes among `ids`; unknown ids and other projects' are absent."""

    def edges_from(
        self, project: str, ids: Collection[str], types: Collection[EdgeType], as_of: AsOf = NOW, limit: int | None = None
    ) -> list[Edge]:
        """Edges of the given types that leave `ids`, ordered by (src, type, dst, via); at most `limit`."""

    def edges_to(
        self, project: str, ids: Collection[str], types: Collection[EdgeType], as_of: AsOf = NOW, limit: int | None = None
    ) -> list[Edge]:
        """Edges of the given types that arrive at `ids`, ordered by (dst, type, src, via); at most `limit`."""

    def degrees(self, project: str, ids: Collection[str], types: Collection[EdgeType]) -> dict[str, tuple[int, int]]:
        """Number of current edges (out, in) of the given types for each of `ids`."""

    def counts(self, project: str) -> Mapping[str, int]:
        """Current nodes per kind and edges per type."""

    def scan_nodes(self, project: str) -> Iterator[Node]:
        """Every current node, in no particular order, without holding all in memory."""

    def scan_edges(self, project: str) -> Iterator[tuple[bytes, bytes, bytes, bytes, Edge]]:
        """Every current edge with the idents of src, dst, via and generation (b"" where none), as the digest needs them."""

    def clear(self, project: str) -> None:
        """Forget the project's graph and set its cursor to 0 (before a rebuild)."""

    def check(self) -> None:
        """Raise StoreUnavailable when the store cannot answer."""

    def close(self) -> None:
        """Release connections."""
