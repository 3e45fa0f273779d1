"""The graph store kept in one SQLite file: the port's reads, and where writes go.

Owns how rows become nodes and edges. Connections, migrations, writing and walks have modules of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson

from lineage_graph.embedded.codes import KINDS, TYPE_CODES, TYPES
from lineage_graph.embedded.connections import Connections
from lineage_graph.embedded.layers import EmbeddedLayers
from lineage_graph.embedded.migrate import migrate
from lineage_graph.embedded.writer import Writer
from lineage_graph.encoding import load_props
from lineage_graph.model import AsOf, Delta, Edge, EdgeKey, EdgeType, Node
from lineage_graph.queries import load_queries
from lineage_graph.store import BASES, NOW, PRECISIONS, Layers

_SQL = load_queries("lineage_graph.embedded", "queries/read.sql")

Row = tuple[Any, ...]


class EmbeddedGraphStore:
    """`GraphStore` in one SQLite file.

    Args:
        path: the file; its folder must exist, and be on a local disk (SQLite's WAL does not work on network mounts).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._connections = Connections(self.path)
        self._writer = Writer()

    def migrate(self) -> None:
        """See `GraphStore`."""
        migrate(self._connections.write)

    def cursor(self, project: str) -> int:
        """See `GraphStore`."""
        with self._connections.read() as connection:
            found = connection.execute(_SQL["cursor"], {"project": project}).fetchone()
        return int(found[0]) if found else 0

    def apply(self, deltas: Sequence[Delta]) -> None:
        """See `GraphStore`."""
        by_project = sorted(deltas, key=attrgetter("project"))
        try:
            with self._connections.write() as connection:
                for project, own in groupby(by_project, key=attrgetter("project")):
                    self._writer.apply(connection, project, list(own))
        except BaseException:
            self._writer.forget()
            raise

    def nodes(self, project: str, ids: Collection[str]) -> dict[str, Node]:
        """See `GraphStore`."""
        with self._connections.read() as connection:
            rows = connection.execute(_SQL["nodes"], {"project": project, "ids": _array(ids)}).fetchall()
        return {row[0]: _node(row) for row in rows}

    def edges_from(
        self,
        project: str,
        ids: Collection[str],
        types: Collection[EdgeType],
        as_of: AsOf = NOW,
        limit: int | None = None,
    ) -> list[Edge]:
        """See `GraphStore`."""
        rows = self._edge_rows("edges_from", project, ids, types, as_of)
        rows.sort(key=lambda row: (row[0], TYPES[row[1]], row[2], row[3] or "", row[10]))
        return [_edge(row) for row in rows[:limit]]

    def edges_to(
        self,
        project: str,
        ids: Collection[str],
        types: Collection[EdgeType],
        as_of: AsOf = NOW,
        limit: int | None = None,
    ) -> list[Edge]:
        """See `GraphStore`."""
        rows = self._edge_rows("edges_to", project, ids, types, as_of)
        rows.sort(key=lambda row: (row[2], TYPES[row[1]], row[0], row[3] or "", row[10]))
        return [_edge(row) for row in rows[:limit]]

    def edges(self, project: str, keys: Collection[EdgeKey], as_of: AsOf = NOW) -> list[Edge]:
        """See `GraphStore`."""
        times = {"project": project, "valid_at": as_of.valid_at, "known_at": as_of.known_at}
        names = ["edge_at"] if as_of.known_at is None else ["edge_at", "past_edge_at"]
        rows: list[Row] = []
        with self._connections.read() as connection:
            for key in set(keys):
                named = {"src": key.src, "type": TYPE_CODES[key.type], "dst": key.dst, "via": key.via, **times}
                for name in names:
                    rows += connection.execute(_SQL[name], named)
        rows.sort(key=lambda row: (row[0], TYPES[row[1]], row[2], row[3] or ""))
        return [_edge(row) for row in rows]

    @contextmanager
    def layers(self, project: str, as_of: AsOf = NOW) -> Iterator[Layers]:
        """See `GraphStore`."""
        with self._connections.read() as connection:
            yield EmbeddedLayers(connection, project, as_of)

    def degrees(self, project: str, ids: Collection[str], types: Collection[EdgeType]) -> dict[str, tuple[int, int]]:
        """See `GraphStore`."""
        named = {"project": project, "ids": _array(ids), "types": _codes(types)}
        with self._connections.read() as connection:
            return {key: (out, into) for key, out, into in connection.execute(_SQL["degrees"], named)}

    def counts(self, project: str) -> Mapping[str, int]:
        """See `GraphStore`."""
        with self._connections.read() as connection:
            nodes = connection.execute(_SQL["count_nodes"], {"project": project}).fetchall()
            edges = connection.execute(_SQL["count_edges"], {"project": project}).fetchall()
        return {KINDS[kind].value: n for kind, n in nodes} | {TYPES[type].value: n for type, n in edges}

    def scan_nodes(self, project: str) -> Iterator[Node]:
        """See `GraphStore`."""
        with self._connections.read() as connection:
            for row in connection.execute(_SQL["scan_nodes"], {"project": project}):
                yield _node(row)

    def scan_edges(self, project: str) -> Iterator[tuple[bytes, bytes, bytes, bytes, Edge]]:
        """See `GraphStore`."""
        with self._connections.read() as connection:
            for row in connection.execute(_SQL["scan_edges"], {"project": project}):
                src, dst, via, generation = row[13:]
                yield src or b"", dst or b"", via or b"", generation or b"", _edge(row)

    def clear(self, project: str) -> None:
        """See `GraphStore`."""
        with self._connections.write() as connection:
            self._writer.clear(connection, project)

    def check(self) -> None:
        """See `GraphStore`."""
        with self._connections.read() as connection:
            connection.execute("SELECT max(number) FROM migration").fetchone()

    def close(self) -> None:
        """See `GraphStore`."""
        self._connections.close()

    def _edge_rows(
        self, name: str, project: str, ids: Collection[str], types: Collection[EdgeType], as_of: AsOf
    ) -> list[Row]:
        named = {
            "project": project,
            "ids": _array(ids),
            "types": _codes(types),
            "valid_at": as_of.valid_at,
            "known_at": as_of.known_at,
        }
        with self._connections.read() as connection:
            rows = connection.execute(_SQL[name], named).fetchall()
            if as_of.known_at is not None:
                rows += connection.execute(_SQL[f"past_{name}"], named)
        return rows


def _node(row: Row) -> Node:
    key, kind, ident, props = row
    return Node(key, KINDS[kind], ident, load_props(props))


def _edge(row: Row) -> Edge:
    src, type, dst, via, generation, explicit, precision, basis, valid_from, valid_to, known_from, known_to, props = (
        row[:13]
    )
    return Edge(
        EdgeKey(src, TYPES[type], dst, via or ""),
        BASES[basis],
        generation or "",
        bool(explicit),
        PRECISIONS[precision],
        valid_from,
        valid_to,
        known_from,
        known_to,
        load_props(props),
    )


def _array(values: Collection[str]) -> str:
    return orjson.dumps(list(set(values))).decode()


def _codes(types: Collection[EdgeType]) -> str:
    return orjson.dumps([TYPE_CODES[type] for type in set(types)]).decode()
