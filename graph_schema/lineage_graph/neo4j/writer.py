"""Writes deltas into Neo4j: one transaction, in batches.

Owns the order of the statements. What a delta means is `changes`', how things look as properties is `properties`'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, LiteralString, TypeVar

from neo4j import ManagedTransaction

from lineage_graph.changes import Changes, fold, touched
from lineage_graph.model import Delta, Edge, EdgeKey, EdgeType, Node
from lineage_graph.neo4j.properties import edge_properties, node_labels, node_properties, read_edge
from lineage_graph.queries import load_queries

T = TypeVar("T")


_READ = load_queries("lineage_graph.neo4j", "queries/read.cypher")
_WRITE = load_queries("lineage_graph.neo4j", "queries/write.cypher")
_EDGES_AT = _READ.per("edges_at", EdgeType)
_REPLACE_EDGES = _WRITE.per("replace_edges", EdgeType)
_DROP_EDGES = _WRITE.per("drop_edges", EdgeType)
_BATCH = 2_000

Row = dict[str, Any]


def apply_deltas(tx: ManagedTransaction, by_project: Sequence[tuple[str, Sequence[Delta]]]) -> None:
    """Write deltas that lie above their projects' cursors, and move the cursors. Safe to run again when it failed."""
    for project, deltas in by_project:
        cursor = tx.run(_WRITE["lock_cursor"], project=project).single(strict=True)[0]
        fresh: list[Delta] = []
        for delta in deltas:
            if delta.seq > cursor:
                fresh.append(delta)
                cursor = delta.seq
        if fresh:
            changes = fold(fresh, _current(tx, project, touched(fresh)))
            _write_nodes(tx, project, changes)
            _write_edges(tx, project, changes)
            tx.run(_WRITE["move_cursor"], project=project, seq=cursor).consume()


def _current(tx: ManagedTransaction, project: str, keys: Collection[EdgeKey]) -> dict[EdgeKey, Edge]:
    found: dict[EdgeKey, Edge] = {}
    for type, own in _by_type(keys, lambda key: key.type):
        for batch in _batches(_key_row(key) for key in own):
            result = tx.run(_EDGES_AT[type], keys=batch, project=project, known_at=None, valid_at=None)
            for src, dst, properties in result:
                edge = read_edge(type, src, dst, properties)
                found[edge.key] = edge
    return found


def _write_nodes(tx: ManagedTransaction, project: str, changes: Changes) -> None:
    _run(tx, _WRITE["put_nodes"], (_node_row(node, project) for node in changes.nodes.values()))
    for ids in _batches(changes.gone):
        tx.run(_WRITE["drop_nodes"], ids=ids).consume()


def _write_edges(tx: ManagedTransaction, project: str, changes: Changes) -> None:
    for type, keys in _by_type(changes.dropped, lambda key: key.type):
        for batch in _batches(_key_row(key) for key in keys):
            tx.run(_DROP_EDGES[type], keys=batch).consume()
    ends = {end for edge in (*changes.created, *changes.past) for end in (edge.key.src, edge.key.dst)}
    for ids in _batches(ends.difference(changes.nodes)):
        tx.run(_WRITE["meet_nodes"], ids=ids, project=project).consume()
    _run(tx, _WRITE["create_edges"], map(_edge_row, changes.created))
    for type, edges in _by_type(changes.replaced, lambda edge: edge.key.type):
        _run(tx, _REPLACE_EDGES[type], map(_edge_row, edges))
    _run(tx, _WRITE["add_past"], map(_edge_row, changes.past))


def _run(tx: ManagedTransaction, query: LiteralString, rows: Iterable[Row]) -> None:
    for batch in _batches(rows):
        tx.run(query, rows=batch).consume()


def _node_row(node: Node, project: str) -> Row:
    return {"id": node.id, "labels": node_labels(node), "props": node_properties(node, project)}


def _edge_row(edge: Edge) -> Row:
    key = edge.key
    return {"src": key.src, "type": key.type.value, "dst": key.dst, "via": key.via, "props": edge_properties(edge)}


def _key_row(key: EdgeKey) -> list[str]:
    return [key.src, key.dst, key.via]


def _by_type(things: Iterable[T], type_of: Any) -> list[tuple[Any, list[T]]]:
    groups: defaultdict[Any, list[T]] = defaultdict(list)
    for thing in things:
        groups[type_of(thing)].append(thing)
    return list(groups.items())


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH)):
        yield batch
