"""What each scope derives at present, and the difference to what it derives next.

Owns the packed form of a scope's elements, the catalogue and attribute rows that mirror them, and the delta. A
delta is computed once, here; both graph stores only apply it (docs/adr/0002).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import orjson

from lineage_graph.canonical import canonical_bytes, loads_exact
from lineage_graph.derive.content import Content
from lineage_graph.model import Basis, Delta, Edge, EdgeKey, EdgeType, Node, NodeKind
from lineage_graph.projection.database import Statements

_CACHED_SCOPES = 3_000


class Emission:
    """Collects the delta of one batch of one project."""

    def __init__(self, connection: Any, project: int, uuid: str) -> None:
        self._sql = Statements(connection, "queries/scopes.sql")
        self._project = project
        self._uuid = uuid
        self._cache: OrderedDict[bytes, dict[str, int]] = OrderedDict()
        self._begin()

    def _begin(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._gone: set[str] = set()
        self._edges: dict[EdgeKey, Edge] = {}
        self._closed: set[EdgeKey] = set()
        self._changed: dict[bytes, dict[str, int]] = {}

    def emit(self, scope: bytes, content: Content, new: bool = False) -> None:
        """Replace what `scope` derives by `content`; an empty content retracts everything.

        Args:
            new: the scope did not exist before this batch.
        """
        before = self._before(scope, new)
        after: dict[str, int] = {}
        for node in content.nodes:
            key = f"n{node.id}"
            after[key] = mark = _hash([node.kind, dict(node.props)])
            if before.get(key) != mark:
                self._nodes[node.id] = node
                self._gone.discard(node.id)
        for edge in content.edges:
            key = _edge_text(edge.key)
            after[key] = mark = _hash(_edge_fields(edge))
            if before.get(key) != mark:
                self._edges[edge.key] = edge
                self._closed.discard(edge.key)
        for key in before.keys() - after.keys():
            self._retract(key)
        if before == after:
            return
        self._changed[scope] = after
        if content.nodes and content.nodes[-1].kind is NodeKind.RUN:
            self._write_attributes(content, new)

    def emitted(self, scope: bytes) -> bool:
        """Whether `scope` derives anything at present."""
        return bool(self._before(scope, new=False))

    def finish(self, seq: int) -> Delta | None:
        """The delta since the last call, None when nothing changed; the catalogue is brought up to it."""
        if not self._changed:
            return None
        self._remember()
        self._sql.many("set_entity", [_entity(self._project, node) for node in self._nodes.values()])
        self._sql.many("drop_entity", [{"id": node} for node in sorted(self._gone)])
        delta = Delta(
            self._uuid,
            seq,
            tuple(self._nodes.values()),
            tuple(sorted(self._gone)),
            tuple(self._edges.values()),
            tuple(self._closed),
        )
        self._begin()
        return delta

    def _before(self, scope: bytes, new: bool) -> dict[str, int]:
        changed = self._changed.get(scope)
        if changed is not None:
            return changed
        if new:
            return {}
        cached = self._cache.get(scope)
        if cached is not None:
            self._cache.move_to_end(scope)
            return cached
        row = self._sql.one("emitted_of", {"project": self._project, "scope": scope})
        if row is None:
            return {}
        found: dict[str, int] = orjson.loads(row[0])
        self._cache[scope] = found
        return found

    def _remember(self) -> None:
        kept, dropped = [], []
        for scope, elements in self._changed.items():
            row = {"project": self._project, "scope": scope}
            if elements:
                kept.append({**row, "elements": orjson.dumps(elements)})
            else:
                dropped.append(row)
            self._cache[scope] = elements
            self._cache.move_to_end(scope)
        self._sql.many("set_emitted", kept)
        self._sql.many("drop_emitted", dropped)
        while len(self._cache) > _CACHED_SCOPES:
            self._cache.popitem(last=False)

    def _retract(self, key: str) -> None:
        if key[0] == "n":
            self._gone.add(key[1:])
            self._nodes.pop(key[1:], None)
        else:
            edge = _parse_edge(key)
            self._closed.add(edge)
            self._edges.pop(edge, None)

    def _write_attributes(self, content: Content, new: bool) -> None:
        run = content.nodes[-1].id
        if not new:
            self._sql.run("drop_attributes", {"project": self._project, "run": run})
        self._sql.many(
            "add_attribute",
            [
                {
                    "project": self._project,
                    "run": run,
                    "key": key,
                    "type": value.type,
                    "num": value.num,
                    "text": value.text,
                }
                for key, value in content.attributes.items()
            ],
        )


def _edge_text(key: EdgeKey) -> str:
    return "|".join(("e" + key.src, key.type, key.dst, key.via))


def _parse_edge(text: str) -> EdgeKey:
    src, kind, dst, via = text[1:].split("|")
    return EdgeKey(src, EdgeType(kind), dst, via)


def _edge_fields(edge: Edge) -> list[Any]:
    return [
        edge.basis,
        edge.generation,
        edge.explicit,
        edge.precision,
        edge.valid_from,
        edge.valid_to,
        dict(edge.props),
    ]


def _hash(value: Any) -> int:
    return int.from_bytes(hashlib.sha256(canonical_bytes(value)).digest()[:7], "big")


def _entity(project: int, node: Node) -> tuple[Any, ...]:
    """The row of statement `set_entity`."""
    props = node.props
    if node.kind is NodeKind.RUN:
        version = props.get("job") or ""
    elif node.kind is NodeKind.DATASET_VERSION:
        version = f"{props['scheme']}:{props['value']}"
    else:
        version = str(props.get("path") or "")
    return (
        node.id, project, node.kind.value, node.ident, str(props.get("namespace") or ""), str(props.get("name") or ""),
        version, props.get("time") or 0, str(props.get("state") or ""), 1 if props.get("model") else 0,
    )  # fmt: skip


def pack_delta(delta: Delta) -> bytes:
    """A delta as JSON bytes, for the outbox."""
    return canonical_bytes(
        {
            "project": delta.project,
            "seq": delta.seq,
            "nodes": [[n.id, n.kind, n.ident.hex(), dict(n.props)] for n in delta.nodes],
            "gone": list(delta.gone),
            "edges": [[_edge_text(e.key), *_edge_fields(e)] for e in delta.edges],
            "closed": [_edge_text(key) for key in delta.closed],
        }
    )


def unpack_delta(data: bytes) -> Delta:
    """The delta that `pack_delta` wrote."""
    raw = loads_exact(data)
    return Delta(
        raw["project"],
        raw["seq"],
        tuple(Node(i, NodeKind(kind), bytes.fromhex(ident), props) for i, kind, ident, props in raw["nodes"]),
        tuple(raw["gone"]),
        tuple(
            Edge(_parse_edge(key), Basis(basis), generation, explicit, precision, start, stop, props=props)
            for key, basis, generation, explicit, precision, start, stop, props in raw["edges"]
        ),
        tuple(_parse_edge(key) for key in raw["closed"]),
    )
