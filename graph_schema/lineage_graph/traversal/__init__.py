"""Walks over the graph: where something comes from, and what comes of it.

`walk` finds versions, runs and fields with bounded work; `views` shows a walk as runs, jobs or datasets;
`surroundings` adds what a page of an answer shows beside the walk. Nothing here writes, resolves names or fetches
the content of nodes.
"""

from __future__ import annotations

from lineage_graph.traversal.cursor import Continuation
from lineage_graph.traversal.limits import Direction, Limits
from lineage_graph.traversal.surroundings import hidden, leaves
from lineage_graph.traversal.views import Granularity, View, view
from lineage_graph.traversal.walk import Walk, WalkEdge, walk

__all__ = [
    "Continuation",
    "Direction",
    "Granularity",
    "Limits",
    "View",
    "Walk",
    "WalkEdge",
    "hidden",
    "leaves",
    "view",
    "walk",
]
