"""Writes deltas into the graph file: surrogate ids, content, past rows and cursors of one transaction.

Owns the cache of surrogate ids. What a delta means is `changes`'; the transaction is the caller's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence

import orjson

from lineage_graph.changes import Changes, fold, touched
from lineage_graph.embedded.codes import BASIS_CODES, KIND_CODES, PRECISION_CODES, TYPE_CODES
from lineage_graph.encoding import dump_props, load_props
from lineage_graph.model import Delta, Edge, EdgeKey, Node
from lineage_graph.queries import load_queries
from lineage_graph.store import BASES, PRECISIONS

_SQL = load_queries("lineage_graph.embedded", "queries/write.sql")
_CACHED_IDS = 10_000

Row = tuple[object, ...]


class Writer:
    """The writing side of one file. Not thread-safe: used inside the one write transaction."""

    def __init__(self) -> None:
        self._surrogates: dict[str, int] = {}

    def forget(self) -> None:
        """Drop what was cached; needed whenever a transaction did not commit."""
        self._surrogates.clear()

    def apply(self, connection: sqlite3.Connection, project: str, deltas: Sequence[Delta]) -> None:
        """Write the deltas of one project that lie above its cursor, and move the cursor."""
        number, cursor = self._project(connection, project)
        fresh: list[Delta] = []
        for delta in deltas:
            if delta.seq > cursor:
                fresh.append(delta)
                cursor = delta.seq
        if not fresh:
            return
        keys = touched(fresh)
        surrogates = self._resolve(connection, number, _named(fresh, keys))
        changes = fold(fresh, dict(self._current(connection, keys, surrogates)))
        self._write(connection, changes, surrogates)
        connection.execute(_SQL["move_cursor"], {"seq": cursor, "id": number})

    def clear(self, connection: sqlite3.Connection, project: str) -> None:
        """Forget a project's nodes and edges and set its cursor to 0."""
        number, _ = self._project(connection, project)
        for name in ("clear_edges", "clear_past", "clear_content", "clear_nodes"):
            connection.execute(_SQL[name], {"id": number})
        connection.execute(_SQL["move_cursor"], {"seq": 0, "id": number})
        self.forget()

    def _project(self, connection: sqlite3.Connection, project: str) -> tuple[int, int]:
        found = connection.execute(_SQL["project"], {"project": project}).fetchone()
        number, seq = found or connection.execute(_SQL["add_project"], {"project": project}).fetchone()
        return number, seq

    def _resolve(self, connection: sqlite3.Connection, project: int, ids: Collection[str]) -> dict[str, int]:
        """Surrogate ids of all `ids`, giving new ones to those never seen."""
        cached = self._surrogates
        found = {id: cached[id] for id in ids if id in cached}
        unknown = [id for id in ids if id not in found]
        if unknown:
            met = dict(connection.execute(_SQL["known_nodes"], {"ids": orjson.dumps(unknown).decode()}))
            new = [id for id in unknown if id not in met]
            if new:
                (last,) = connection.execute(_SQL["last_node"]).fetchone()
                met.update(zip(new, range(last + 1, last + 1 + len(new)), strict=True))
                connection.executemany(_SQL["add_node"], [(met[id], id, project) for id in new])
            found.update(met)
            cached.update(met)
            while len(cached) > _CACHED_IDS:
                del cached[next(iter(cached))]
        found[""] = 0
        return found

    def _current(
        self, connection: sqlite3.Connection, keys: Iterable[EdgeKey], surrogates: dict[str, int]
    ) -> Iterator[tuple[EdgeKey, Edge]]:
        sql = _SQL["current_edge"]
        for key in keys:
            row = connection.execute(sql, _key_row(key, surrogates)).fetchone()
            if row is not None:
                generation, explicit, precision, basis, valid_from, valid_to, known_from, props = row
                yield (
                    key,
                    Edge(
                        key,
                        BASES[basis],
                        generation or "",
                        bool(explicit),
                        PRECISIONS[precision],
                        valid_from,
                        valid_to,
                        known_from,
                        None,
                        load_props(props),
                    ),
                )

    def _write(self, connection: sqlite3.Connection, changes: Changes, surrogates: dict[str, int]) -> None:
        connection.executemany(_SQL["put_content"], [_node_row(node, surrogates) for node in changes.nodes.values()])
        connection.executemany(_SQL["drop_content"], [(surrogates[id],) for id in changes.gone])
        connection.executemany(_SQL["drop_edge"], [_key_row(key, surrogates) for key in changes.dropped])
        connection.executemany(
            _SQL["put_edge"],
            [
                (*_key_row(edge.key, surrogates), *_content_row(edge, surrogates), edge.known_from, _props(edge))
                for edges in (changes.created, changes.replaced)
                for edge in edges
            ],
        )
        connection.executemany(
            _SQL["add_past"],
            [
                (
                    *_key_row(edge.key, surrogates),
                    *_content_row(edge, surrogates),
                    edge.known_from,
                    edge.known_to,
                    _props(edge),
                )
                for edge in changes.past
            ],
        )


def _named(deltas: Sequence[Delta], keys: Iterable[EdgeKey]) -> set[str]:
    ids = {node.id for delta in deltas for node in delta.nodes}
    ids.update(id for delta in deltas for id in delta.gone)
    for key in keys:
        ids.add(key.src)
        ids.add(key.dst)
        ids.add(key.via)
    ids.update(edge.generation for delta in deltas for edge in delta.edges)
    ids.discard("")
    return ids


def _key_row(key: EdgeKey, surrogates: dict[str, int]) -> Row:
    return surrogates[key.src], TYPE_CODES[key.type], surrogates[key.dst], surrogates[key.via]


def _content_row(edge: Edge, surrogates: dict[str, int]) -> Row:
    return (
        surrogates[edge.generation],
        int(edge.explicit),
        PRECISION_CODES[edge.precision],
        BASIS_CODES[edge.basis],
        edge.valid_from,
        edge.valid_to,
    )


def _node_row(node: Node, surrogates: dict[str, int]) -> Row:
    return surrogates[node.id], KIND_CODES[node.kind], node.ident, dump_props(node.props)


def _props(edge: Edge) -> bytes | None:
    return dump_props(edge.props) or None
