"""What a walk reads from Neo4j: one query for all of a layer's types, answered as one list of rows per type.

A walk's time here is that of its round trips, so the queries of several types travel as one, joined by UNION ALL.
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
        return self._rows([(name, type) for type in types], list(frontier), limit)

    def bound_hops(
        self, types: Sequence[EdgeType], frontier: Collection[tuple[Handle, Handle]], *, incoming: bool, limit: int
    ) -> dict[EdgeType, list[Hop]]:
        """See `Layers`."""
        pairs = [list(pair) for pair in frontier]
        return self._rows([(_bound_query(type, incoming), type) for type in types], pairs, limit)

    def moved(self) -> bool:
        """See `Layers`."""
        return self._as_of.known_at is None and self._cursor() != self.seq

    def _cursor(self) -> int:
        found = self._tx.run(_CYPHER["seq"], project=self._project).single()
        return int(found[0]) if found is not None else 0

    def _rows(
        self, asked: Sequence[tuple[str, EdgeType]], frontier: list[Any], limit: int
    ) -> dict[EdgeType, list[Hop]]:
        parameters: dict[str, Any] = {"frontier": frontier, "limit": limit}
        suffix = ""
        if self._as_of != AsOf():
            suffix = "_as_of"
            parameters |= {"valid_at": self._as_of.valid_at, "known_at": self._as_of.known_at}
        query = "\nUNION ALL\n".join([_HOPS[f"{name}{suffix}"][type] for name, type in asked])
        found: dict[EdgeType, list[Hop]] = {type: [] for _, type in asked}
        for type, rows in self._tx.run(query, **parameters):
            found[EdgeType(type)] = [
                (src, dst, via, generation, explicit, _PRECISIONS[precision], _BASES[basis])
                for src, dst, via, generation, explicit, precision, basis in rows
            ]
        return found


def _bound_query(type: EdgeType, incoming: bool) -> str:
    return "uses" if incoming else "generations" if type is EdgeType.GENERATED_BY else "derivations"
