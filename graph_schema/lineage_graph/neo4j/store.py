"""The graph store kept in Neo4j: the port's reads, and where writes go.

Owns how answers become nodes and edges. The driver, migrations, writing, walks and the shape of properties have
modules of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any, LiteralString

from neo4j import ManagedTransaction

from lineage_graph.model import AsOf, Delta, Edge, EdgeKey, EdgeType, Node, NodeKind
from lineage_graph.neo4j.connection import Connection
from lineage_graph.neo4j.layers import Neo4jLayers
from lineage_graph.neo4j.migrate import migrate
from lineage_graph.neo4j.properties import read_edge, read_node
from lineage_graph.neo4j.writer import apply_deltas
from lineage_graph.queries import load_queries
from lineage_graph.store import NOW, Layers

_READ = load_queries("lineage_graph.neo4j", "queries/read.cypher")
_WRITE = load_queries("lineage_graph.neo4j", "queries/write.cypher")
_EDGES_FROM = _READ.per("edges_from", EdgeType)
_EDGES_TO = _READ.per("edges_to", EdgeType)
_EDGES_AT = _READ.per("edges_at", EdgeType)
_DEGREES = _READ.per("degrees", EdgeType)
_KINDS = [kind.value for kind in NodeKind]
_NO_LIMIT = 2**62
_CLEARED_AT_ONCE = 5_000


class Neo4jGraphStore:
    """`GraphStore` in a Neo4j database (5.26 or later).

    Args:
        address: Bolt address, for example `neo4j://127.0.0.1:7687`.
        user, password: an account of the server; password "" where it asks for none.
        database: None = the user's default.
    """

    def __init__(self, address: str, *, user: str = "neo4j", password: str = "", database: str | None = None) -> None:
        self._connection = Connection(address, user, password, database)

    def migrate(self) -> None:
        """See `GraphStore`."""
        with self._connection.session(write=True) as session:
            migrate(session)

    def cursor(self, project: str) -> int:
        """See `GraphStore`."""
        with self._connection.session() as session:
            found = session.run(_READ["cursor"], project=project).single()
        return int(found[0]) if found is not None else 0

    def apply(self, deltas: Sequence[Delta]) -> None:
        """See `GraphStore`. Transient failures (a deadlock, a change of leader) are tried again for a minute."""
        ordered = sorted(deltas, key=attrgetter("project"))
        by_project = [(project, list(own)) for project, own in groupby(ordered, key=attrgetter("project"))]
        with self._connection.session(write=True) as session:
            session.execute_write(apply_deltas, by_project)

    def nodes(self, project: str, ids: Collection[str]) -> dict[str, Node]:
        """See `GraphStore`."""
        with self._connection.session() as session:
            result = session.run(_READ["nodes"], project=project, ids=list(set(ids)))
            found = [read_node(labels, properties) for labels, properties in result]
        return {node.id: node for node in found}

    def edges_from(
        self,
        project: str,
        ids: Collection[str],
        types: Collection[EdgeType],
        as_of: AsOf = NOW,
        limit: int | None = None,
    ) -> list[Edge]:
        """See `GraphStore`."""
        edges = self._edges(_EDGES_FROM, _READ["past_edges_from"], project, ids, types, as_of, limit)
        edges.sort(key=lambda edge: (edge.key.src, edge.key.type, edge.key.dst, edge.key.via))
        return edges[:limit]

    def edges_to(
        self,
        project: str,
        ids: Collection[str],
        types: Collection[EdgeType],
        as_of: AsOf = NOW,
        limit: int | None = None,
    ) -> list[Edge]:
        """See `GraphStore`."""
        edges = self._edges(_EDGES_TO, _READ["past_edges_to"], project, ids, types, as_of, limit)
        edges.sort(key=lambda edge: (edge.key.dst, edge.key.type, edge.key.src, edge.key.via))
        return edges[:limit]

    def edges(self, project: str, keys: Collection[EdgeKey], as_of: AsOf = NOW) -> list[Edge]:
        """See `GraphStore`."""
        by_type: defaultdict[EdgeType, list[list[str]]] = defaultdict(list)
        for key in set(keys):
            by_type[key.type].append([key.src, key.dst, key.via])
        times: dict[str, Any] = {"project": project, "valid_at": as_of.valid_at, "known_at": as_of.known_at}
        edges: list[Edge] = []
        with self._connection.session() as session:
            for type, rows in by_type.items():
                for query in _with_past(_EDGES_AT[type], _READ["past_edges_at"], as_of):
                    result = session.run(query, keys=rows, type=type.value, **times)
                    edges += [read_edge(type, src, dst, properties) for src, dst, properties in result]
        return sorted(edges, key=lambda edge: (edge.key.src, edge.key.type, edge.key.dst, edge.key.via))

    @contextmanager
    def layers(self, project: str, as_of: AsOf = NOW) -> Iterator[Layers]:
        """See `GraphStore`."""
        with self._connection.session() as session, session.begin_transaction() as tx:
            yield Neo4jLayers(tx, project, as_of)

    def degrees(self, project: str, ids: Collection[str], types: Collection[EdgeType]) -> dict[str, tuple[int, int]]:
        """See `GraphStore`."""
        found: dict[str, tuple[int, int]] = {}
        with self._connection.session() as session:
            for type in set(types):
                for id, out, into in session.run(_DEGREES[type], project=project, ids=list(set(ids))):
                    before = found.get(id, (0, 0))
                    found[id] = (before[0] + out, before[1] + into)
        return found

    def counts(self, project: str) -> Mapping[str, int]:
        """See `GraphStore`."""
        with self._connection.session() as session:
            nodes = session.run(_READ["count_nodes"], project=project, kinds=_KINDS).values()
            edges = session.run(_READ["count_edges"], project=project).values()
        return {str(name): int(number) for name, number in [*nodes, *edges]}

    def scan_nodes(self, project: str) -> Iterator[Node]:
        """See `GraphStore`."""
        with self._connection.session() as session:
            for labels, properties in session.run(_READ["scan_nodes"], project=project):
                yield read_node(labels, properties)

    def scan_edges(self, project: str) -> Iterator[tuple[bytes, bytes, bytes, bytes, Edge]]:
        """See `GraphStore`."""
        with self._connection.session() as session:
            for src, dst, properties, type, *idents in session.run(_READ["scan_edges"], project=project):
                source, target, via, generation = (bytes(ident or b"") for ident in idents)
                yield source, target, via, generation, read_edge(EdgeType(type), src, dst, properties)

    def clear(self, project: str) -> None:
        """See `GraphStore`."""
        with self._connection.session(write=True) as session:
            session.run(_WRITE["reset_cursor"], project=project).consume()
            for name in ("clear_edges", "clear_nodes"):
                last: str | None = ""
                while last is not None:
                    last = session.execute_write(_clear_some, _WRITE[name], project, last)

    def check(self) -> None:
        """See `GraphStore`."""
        with self._connection.session() as session:
            session.run(_READ["newest_migration"]).consume()

    def close(self) -> None:
        """See `GraphStore`."""
        self._connection.close()

    def _edges(
        self,
        current: Mapping[EdgeType, LiteralString],
        past: LiteralString,
        project: str,
        ids: Collection[str],
        types: Collection[EdgeType],
        as_of: AsOf,
        limit: int | None,
    ) -> list[Edge]:
        parameters: dict[str, Any] = {
            "project": project,
            "ids": list(set(ids)),
            "valid_at": as_of.valid_at,
            "known_at": as_of.known_at,
            "limit": _NO_LIMIT if limit is None else limit,
        }
        edges: list[Edge] = []
        with self._connection.session() as session:
            for type in set(types):
                for query in _with_past(current[type], past, as_of):
                    result = session.run(query, type=type.value, **parameters)
                    edges += [read_edge(type, src, dst, properties) for src, dst, properties in result]
        return edges


def _clear_some(tx: ManagedTransaction, query: LiteralString, project: str, after: str) -> str | None:
    """Clear among the next nodes, few enough for one transaction; the id to go on after, None at the end."""
    record = tx.run(query, project=project, after=after, chunk=_CLEARED_AT_ONCE).single(strict=True)
    last: str | None = record[0]
    return last


def _with_past(current: LiteralString, past: LiteralString, as_of: AsOf) -> list[LiteralString]:
    return [current] if as_of.known_at is None else [current, past]
