"""What a walk reads from the graph file: rows of integers, one query per layer.

Owns one read transaction for the walk's life, so that all its answers are of one moment. A query answers with one
JSON array per column: a fifth less time than a row at a time. `bound_hops` packs a pair (version, run) into one
integer, which SQLite unpacks faster than nested JSON.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import orjson

from lineage_graph.embedded.codes import TYPE_CODES
from lineage_graph.model import AsOf, EdgeType
from lineage_graph.queries import load_queries
from lineage_graph.store import Handle, Hop

_SQL = load_queries("lineage_graph.embedded", "queries/layers.sql")
_FOR_EVER = 2**63 - 1


class EmbeddedLayers:
    """`Layers` over one connection inside a read transaction."""

    none: Handle = 0

    def __init__(self, connection: sqlite3.Connection, project: str, as_of: AsOf) -> None:
        self._connection = connection
        self._project = project
        self._as_of = as_of
        found = connection.execute(_SQL["seq"], {"project": project}).fetchone()
        self.seq: int = found[0] if found else 0

    def handles(self, ids: Collection[str]) -> dict[str, Handle]:
        """See `Layers`."""
        return dict(self._connection.execute(_SQL["handles"], {"project": self._project, "ids": _array(ids)}))

    def ids(self, handles: Collection[Handle]) -> dict[Handle, str]:
        """See `Layers`."""
        found, names = self._arrays(_SQL["ids"], {"handles": _array(handles)})
        return dict(zip(found, names, strict=True))

    def hops(
        self, types: Sequence[EdgeType], frontier: Collection[Handle], *, incoming: bool, limit: int
    ) -> dict[EdgeType, list[Hop]]:
        """See `Layers`."""
        name = "hops_in" if incoming else "hops_out"
        packed = _array(frontier)
        return {type: self._rows(name, type, packed, limit) for type in types}

    def bound_hops(
        self, types: Sequence[EdgeType], frontier: Collection[tuple[Handle, Handle]], *, incoming: bool, limit: int
    ) -> dict[EdgeType, list[Hop]]:
        """See `Layers`."""
        packed = _array([version << 31 | run for version, run in frontier])
        return {type: self._rows(_bound_query(type, incoming), type, packed, limit) for type in types}

    def moved(self) -> bool:
        """See `Layers`; never, inside one read transaction."""
        return False

    def _rows(self, name: str, type: EdgeType, frontier: str, limit: int) -> list[Hop]:
        parameters: dict[str, Any] = {"frontier": frontier, "type": TYPE_CODES[type], "limit": limit}
        if self._as_of != AsOf():
            name = f"{name}_as_of"
            known_at = self._as_of.known_at
            parameters["valid_at"] = self._as_of.valid_at
            parameters["known_at"] = _FOR_EVER if known_at is None else known_at
        return list(zip(*self._arrays(_SQL[name], parameters), strict=True))

    def _arrays(self, query: str, parameters: dict[str, Any]) -> Iterator[list[Any]]:
        return map(orjson.loads, self._connection.execute(query, parameters).fetchone())


def _bound_query(type: EdgeType, incoming: bool) -> str:
    return "uses" if incoming else "generations" if type is EdgeType.GENERATED_BY else "derivations"


def _array(values: Collection[Handle]) -> str:
    # In order, so that neighbours on a page are read together: half the time on a file larger than the cache.
    return orjson.dumps(sorted(values)).decode()
