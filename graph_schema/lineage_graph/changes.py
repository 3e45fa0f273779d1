"""What a run of deltas changes in a store, worked out once for every adapter.

Owns the rules of `Delta`: an equal edge changes nothing, a replaced or closed one leaves a past row, the last
statement about a node or edge wins, and within one delta a statement wins over a retraction. Adapters fetch the
current edges it names and write the result; they decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lineage_graph.encoding import dump_props
from lineage_graph.model import Delta, Edge, EdgeKey, Node


@dataclass(slots=True)
class Changes:
    """The net effect of some deltas of one project.

    Attributes:
        nodes: nodes to write, by id. gone: ids of nodes that are no longer current.
        created: current edges whose key had no row. replaced: current edges whose row is overwritten.
        dropped: keys whose current row goes. past: closed rows to add (`known_to` set).
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    created: list[Edge] = field(default_factory=list)
    replaced: list[Edge] = field(default_factory=list)
    dropped: list[EdgeKey] = field(default_factory=list)
    past: list[Edge] = field(default_factory=list)


def touched(deltas: Sequence[Delta]) -> set[EdgeKey]:
    """Keys whose current edges `fold` needs."""
    keys = {edge.key for delta in deltas for edge in delta.edges}
    keys.update(key for delta in deltas for key in delta.closed)
    return keys


def fold(deltas: Sequence[Delta], current: Mapping[EdgeKey, Edge]) -> Changes:
    """Apply deltas of one project, in order of seq, to the current edges among the touched keys."""
    changes = Changes()
    now: dict[EdgeKey, Edge | None] = {}
    for delta in deltas:
        for gone in delta.gone:
            changes.nodes.pop(gone, None)
            changes.gone.add(gone)
        for node in delta.nodes:
            changes.gone.discard(node.id)
            changes.nodes[node.id] = node
        stated = {edge.key: edge for edge in delta.edges}
        for key in delta.closed:
            if key not in stated:
                _step(now, current, key, None, delta.seq, changes.past)
        for key, edge in stated.items():
            _step(now, current, key, edge, delta.seq, changes.past)
    for key, after in now.items():
        before = current.get(key)
        if after is None:
            if before is not None:
                changes.dropped.append(key)
        elif before is None:
            changes.created.append(after)
        elif after is not before:
            changes.replaced.append(after)
    return changes


def _step(
    now: dict[EdgeKey, Edge | None],
    current: Mapping[EdgeKey, Edge],
    key: EdgeKey,
    edge: Edge | None,
    seq: int,
    past: list[Edge],
) -> None:
    before = now[key] if key in now else current.get(key)
    if edge is not None and before is not None and _says_the_same(edge, before):
        return
    if before is not None:
        past.append(_known(before, before.known_from, seq))
    now[key] = None if edge is None else _known(edge, seq, None)


def _says_the_same(one: Edge, other: Edge) -> bool:
    return (
        one.basis == other.basis
        and one.generation == other.generation
        and one.explicit == other.explicit
        and one.precision == other.precision
        and one.valid_from == other.valid_from
        and one.valid_to == other.valid_to
        # By encoding, since Python holds 1, 1.0 and True equal.
        and dump_props(one.props) == dump_props(other.props)
    )


def _known(edge: Edge, known_from: int, known_to: int | None) -> Edge:
    # Spelt out, since `dataclasses.replace` takes twice the time and this runs for every edge written.
    return Edge(
        edge.key,
        edge.basis,
        edge.generation,
        edge.explicit,
        edge.precision,
        edge.valid_from,
        edge.valid_to,
        known_from,
        known_to,
        edge.props,
    )
