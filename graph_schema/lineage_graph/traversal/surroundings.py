"""What a page of an answer shows beside the walk: folded neighbours, and the leaves of its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from lineage_graph.model import CAUSAL, AsOf, Edge, EdgeType, NodeKind
from lineage_graph.store import NOW, GraphStore
from lineage_graph.traversal.walk import Walk

_RUN = NodeKind.RUN.prefix + "_"
_OF_A_RUN = frozenset({EdgeType.RUN_OF, EdgeType.RAN_IN, EdgeType.STARTED_BY})


def hidden(store: GraphStore, project: str, walk: Walk) -> dict[str, tuple[int, int]]:
    """For each node of the page, how many causal edges (up, down) it has now that the page does not show.

    Nodes with none are left out.
    """
    up = Counter(edge.src for edge in walk.edges)
    down = Counter(edge.dst for edge in walk.edges)
    folded = {
        node: (max(0, out - up[node]), max(0, into - down[node]))
        for node, (out, into) in store.degrees(project, walk.nodes, CAUSAL).items()
    }
    return {node: counts for node, counts in folded.items() if counts != (0, 0)}


def leaves(store: GraphStore, project: str, nodes: Collection[str], as_of: AsOf = NOW) -> list[Edge]:
    """Edges from the runs among `nodes` to their job version, environment and actor, and from there to the code."""
    runs = [node for node in nodes if node.startswith(_RUN)]
    own = store.edges_from(project, runs, _OF_A_RUN, as_of)
    versions = {edge.key.dst for edge in own if edge.key.type is EdgeType.RUN_OF}
    return own + store.edges_from(project, versions, {EdgeType.BUILT_FROM}, as_of)
