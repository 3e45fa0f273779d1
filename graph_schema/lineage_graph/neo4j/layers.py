"""What a walk reads from Neo4j: one query per layer, answered as one list of rows.

Handles are node ids. All queries of a walk share one transaction, but Neo4j reads what is committed at each query:
`moved` says when a delta came in between.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from neo4j import Transaction

from lineage_graph.model import AsOf, EdgeType
from lineage_graph.queries import load_queries
from lineage_graph.store import BASES, PRECISIONS, Handle, Hop

_CYPHER = load_queries("lineage_graph.neo4j", "queries/layers.cypher")
_HOPS = {
    name: _CYPHER.per(name, EdgeType)
    for question in ("hops_out", "hops_in", "generations", "derivations", "uses")
    for name in (question, f"{question}_as_of")
}
_PRECISIONS = {str(precision): place for place, precision in enumerate(PRECISIONS)}
_BASES = {basis.value: place for place, basis in enumerate(BASES)}


class Neo4jLayers:
    """`Layers` over one read transaction."""

    none: Handle = ""

    def __init__(self, tx: Transaction, project: str, as_of: AsOf) -> None:
        self._tx = tx
        self._project = project
        self._as_of = as_of
        self.seq = self._cursor()

    def handles(self, ids: Collection[str]) -> dict[str, Handle]:
        """See `Layers`."""
        result = self._tx.run(_CYPHER["handles"], project=self._project, ids=list(ids))
        return {id: id for (id,) in result}

    def ids(self, handles: Collection[Handle]) -> dict[Handle, str]:
        """See `Layers`."""
        return {handle: handle for handle in handles}

    def hops(
        self, types: Sequence[EdgeType], frontier: Collection[Handle], *, incoming: bool, limit: int
    ) -> dict[EdgeType, list[Hop]]:
        """See `Layers`."""
        name = "hops_in" if incoming else "hops_out"
        return {type: self._rows(name, type, list(frontier), limit) for type in types}

    def bound_hops(
        self, types: Sequence[EdgeType], frontier: Collection[tuple[Handle, Handle]], *, incoming: bool, limit: int
    ) -> dict[EdgeType, list[Hop]]:
        """See `Layers`."""
        pairs = [list(pair) for pair in frontier]
        return {type: self._rows(_bound_query(type, incoming), type, pairs, limit) for type in types}

    def moved(self) -> bool:
        """See `Layers`."""
        return self._as_of.known_at is None and self._cursor() != self.seq

    def _cursor(self) -> int:
        found = self._tx.run(_CYPHER["seq"], project=self._project).single()
        return int(found[0]) if found is not None else 0

    def _rows(self, name: str, type: EdgeType, frontier: list[Any], limit: int) -> list[Hop]:
        if self._as_of == AsOf():
            result = self._tx.run(_HOPS[name][type], frontier=frontier, limit=limit)
        else:
            result = self._tx.run(
                _HOPS[f"{name}_as_of"][type],
                frontier=frontier,
                limit=limit,
                type=type.value,
                valid_at=self._as_of.valid_at,
                known_at=self._as_of.known_at,
            )
        (rows,) = result.single(strict=True)
        return [
            (src, dst, via, generation, explicit, _PRECISIONS[precision], _BASES[basis])
            for src, dst, via, generation, explicit, precision, basis in rows
        ]


def _bound_query(type: EdgeType, incoming: bool) -> str:
    return "uses" if incoming else "generations" if type is EdgeType.GENERATED_BY else "derivations"
