"""The port behind which a graph is kept, and nothing else: adapters are `embedded` (SQLite) and `neo4j`.

A store applies deltas and answers for nodes and edges by id. It never derives, resolves names or decides how to
walk: derivation hands it finished rows, `traversal` asks it one layer at a time. Every adapter passes the same
contract suite (`tests/contract/test_graph_store.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from lineage_graph.model import AsOf, Basis, Delta, Edge, EdgeKey, EdgeType, Node, Precision

NOW = AsOf()

# What a store calls a node while a walk lasts: hashable, falsy for "none", meaningless outside its `Layers`.
Handle = Any

# One edge as a walk sees it: src, dst, via, generation (handles), explicit (truthy), then the places of its precision
# in PRECISIONS and of its basis in BASES, both best first.
Hop = tuple[Handle, Handle, Handle, Handle, int, int, int]
PRECISIONS = ("", *(precision.value for precision in Precision))
BASES = (Basis.OBSERVED, Basis.DECLARED, Basis.INFERRED)


class Layers(Protocol):
    """What a walk asks of a store, one layer at a time, without an object per edge.

    Bound to one project and one `AsOf` when opened. `seq` is the cursor the answers stand at, `none` the falsy
    handle that stands for no node.
    """

    seq: int
    none: Handle

    def handles(self, ids: Collection[str]) -> dict[str, Handle]:
        """Handles of the current nodes among `ids`."""
        ...

    def ids(self, handles: Collection[Handle]) -> dict[Handle, str]:
        """Node ids of `handles`."""
        ...

    def hops(
        self, types: Sequence[EdgeType], frontier: Collection[Handle], *, incoming: bool, limit: int
    ) -> dict[EdgeType, list[Hop]]:
        """Edges that leave (or arrive at) the frontier; at most `limit` of each type, in no particular order."""
        ...

    def bound_hops(
        self, types: Sequence[EdgeType], frontier: Collection[tuple[Handle, Handle]], *, incoming: bool, limit: int
    ) -> dict[EdgeType, list[Hop]]:
        """As `hops`, for versions as one run made them: pairs (version, run), neither of them none.

        Leaving: GENERATED_BY to that run; DERIVED_FROM whose `via` is that run or none.
        Arriving: USED and DERIVED_FROM whose `generation` is that run or none.
        """
        ...

    def moved(self) -> bool:
        """Whether a delta was applied meanwhile that these answers may have mixed in."""
        ...


class GraphStore(Protocol):
    """Derived nodes and edges of all projects on one server. Thread-safe for reads; one writer."""

    def migrate(self) -> None:
        """Bring the schema to this version's; refuse (GraphSchemaTooNew) a newer one."""

    def cursor(self, project: str) -> int:
        """Sequence number of the last delta applied for `project` (its uuid); 0 before the first."""
        ...

    def apply(self, deltas: Sequence[Delta]) -> None:
        """Apply deltas in order and move the cursors, all in one transaction.

        Deltas at or below the cursor are skipped.
        """

    def nodes(self, project: str, ids: Collection[str]) -> dict[str, Node]:
        """The current nodes among `ids`; unknown ids and other projects' are absent."""
        ...

    def edges_from(
        self,
        project: str,
        ids: Collection[str],
        types: Collection[EdgeType],
        as_of: AsOf = NOW,
        limit: int | None = None,
    ) -> list[Edge]:
        """Edges of the given types that leave `ids`, ordered by (src, type, dst, via); at most `limit`."""
        ...

    def edges_to(
        self,
        project: str,
        ids: Collection[str],
        types: Collection[EdgeType],
        as_of: AsOf = NOW,
        limit: int | None = None,
    ) -> list[Edge]:
        """Edges of the given types that arrive at `ids`, ordered by (dst, type, src, via); at most `limit`."""
        ...

    def edges(self, project: str, keys: Collection[EdgeKey], as_of: AsOf = NOW) -> list[Edge]:
        """The edges with exactly these keys, ordered by (src, type, dst, via)."""
        ...

    def layers(self, project: str, as_of: AsOf = NOW) -> AbstractContextManager[Layers]:
        """Open the project for one walk; answers are of one moment where the store can give that."""
        ...

    def degrees(self, project: str, ids: Collection[str], types: Collection[EdgeType]) -> dict[str, tuple[int, int]]:
        """Number of current edges (out, in) of the given types for each of `ids`."""
        ...

    def counts(self, project: str) -> Mapping[str, int]:
        """Current nodes per kind and edges per type."""
        ...

    def scan_nodes(self, project: str) -> Iterator[Node]:
        """Every current node, in no particular order, without holding all in memory."""
        ...

    def scan_edges(self, project: str) -> Iterator[tuple[bytes, bytes, bytes, bytes, Edge]]:
        """Every current edge with the idents of src, dst, via and generation, as the digest needs them.

        An ident is b"" where the edge names none, and where the node it names is not current.
        """
        ...

    def clear(self, project: str) -> None:
        """Forget the project's graph and set its cursor to 0 (before a rebuild)."""

    def check(self) -> None:
        """Raise StoreUnavailable when the store cannot answer."""

    def close(self) -> None:
        """Release connections."""
