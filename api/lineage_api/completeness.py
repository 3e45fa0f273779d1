"""What an answer does not know, worked out from what it shows.

Owns the reading of `Completeness` off nodes, edges and the catalogue's gaps. Unknown is never shown as none: an input
nobody could bind, a task that touched nothing and a lost record are all named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from lineage_api.answers import Completeness, GapItem, SilentTask, Unresolved, is_silent
from lineage_graph.identity import SCHEME_UNVERSIONED
from lineage_graph.model import Basis, Edge, EdgeType, Node, NodeKind
from lineage_graph.projection.catalog import Catalog, Gap
from lineage_graph.store import GraphStore
from lineage_graph.traversal import WalkEdge

_NAMED = 100
"""Names listed per answer; more of them make it no clearer."""


def of_answer(
    catalog: Catalog,
    project: str,
    nodes: Mapping[str, Node],
    edges: Iterable[Edge | WalkEdge],
    *,
    truncated: str = "",
    ambiguous: bool = False,
) -> Completeness:
    """Completeness of an answer that shows these nodes and edges; `truncated` names what cut it."""
    runs = [node for node in nodes.values() if node.kind is NodeKind.RUN]
    lost = catalog.gaps_of(project, [run.id for run in runs]) if runs else {}
    return Completeness(
        truncated=bool(truncated),
        truncated_by=truncated or None,
        ambiguous=ambiguous,
        inferred=any(edge.basis is Basis.INFERRED for edge in edges),
        unresolved=_unresolved(nodes.values()),
        gaps=_gaps(gap for gaps in lost.values() for gap in gaps),
        silent_tasks=_silent(runs),
    )


def of_runs(
    catalog: Catalog, store: GraphStore, project: str, runs: Collection[Node], limit: int = 10_000
) -> dict[str, Completeness]:
    """Completeness of each run for itself: its inputs, its client's gaps, whether it touched anything.

    Args:
        limit: inputs looked at over all runs; with more, those runs are marked truncated.
    """
    ids = [run.id for run in runs]
    lost = catalog.gaps_of(project, ids) if ids else {}
    used = store.edges_from(project, ids, [EdgeType.USED], limit=limit) if ids else []
    guessed = [edge for edge in used if edge.basis is Basis.INFERRED]
    names = store.nodes(project, {edge.key.dst for edge in guessed}) if guessed else {}
    found: dict[str, Completeness] = {}
    for run in runs:
        own = [edge for edge in guessed if edge.key.src == run.id]
        found[run.id] = Completeness(
            truncated=len(used) >= limit,
            inferred=bool(own),
            unresolved=_unresolved(names[edge.key.dst] for edge in own if edge.key.dst in names),
            gaps=_gaps(lost.get(run.id, ())),
            silent_tasks=_silent([run]),
        )
    return found


def _unresolved(nodes: Iterable[Node]) -> list[Unresolved]:
    names = {
        (str(node.props.get("namespace", "")), str(node.props.get("name", "")))
        for node in nodes
        if node.props.get("scheme") == SCHEME_UNVERSIONED
    }
    return [Unresolved(namespace=namespace, name=name) for namespace, name in sorted(names)[:_NAMED]]


def _gaps(gaps: Iterable[Gap]) -> list[GapItem]:
    distinct = {(gap.client, gap.first, gap.last, gap.reason): gap for gap in gaps}
    return [
        GapItem(client=gap.client, first=gap.first, last=gap.last, count=gap.count, reason=gap.reason)
        for _, gap in sorted(distinct.items())[:_NAMED]
    ]


def _silent(runs: Iterable[Node]) -> list[SilentTask]:
    silent = [SilentTask(run=run.id, job=str(run.props.get("job", ""))) for run in runs if is_silent(run)]
    return sorted(silent, key=lambda task: (task.job, task.run))[:_NAMED]
