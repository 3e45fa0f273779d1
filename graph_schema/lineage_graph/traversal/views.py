"""A walk shown coarser or fuller: as versions with what co-occurred, or as runs, jobs or datasets.

Owns which edges a view draws. They are worked out from the walk and stored nowhere. An edge of a coarse view keeps
the best precision, then the best basis, among the edges it stands for. Nodes whose job or dataset is unknown stay
as they are rather than vanish.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from lineage_graph.model import AsOf, Basis, EdgeType, NodeKind, Precision
from lineage_graph.store import BASES, PRECISIONS, GraphStore
from lineage_graph.traversal.walk import Walk, WalkEdge

DERIVED_FROM = EdgeType.DERIVED_FROM
_RUN = NodeKind.RUN.prefix + "_"
_MAX_EDGES = 50_000
_MAX_HOPS = 1_000_000
# As PRECISIONS, with what no precision is claimed for behind them all.
_RANK = {**{precision: rank for rank, precision in enumerate(PRECISIONS)}, "": len(PRECISIONS)}


class Granularity(StrEnum):
    """What the nodes of an answer are."""

    VERSION = "version"
    RUN = "run"
    JOB = "job"
    DATASET = "dataset"
    COLUMN = "column"


@dataclass(frozen=True, slots=True)
class View:
    """A walk's nodes (depth by id) and edges at one granularity; `truncated` when edges had to be left out."""

    nodes: dict[str, int]
    edges: list[WalkEdge]
    truncated: bool


class _Link(NamedTuple):
    """Something that came from something else, before it is known what the view calls either."""

    src: str
    dst: str
    via: str
    generation: str
    precision: str
    basis: Basis


def view(store: GraphStore, project: str, walk: Walk, granularity: Granularity) -> View:
    """Show a walk at a granularity.

    VERSION adds a co-occurring DERIVED_FROM from each output to each input of a run that stated nothing better.
    RUN and JOB draw an edge where one used what the other generated; DATASET where a version of one derives from a
    version of the other. COLUMN is for walks over fields and adds nothing.
    """
    if granularity is Granularity.COLUMN:
        return View(walk.nodes, walk.edges, truncated=False)
    if granularity is Granularity.VERSION:
        added = list(islice(_co_occurring(walk.edges), _MAX_EDGES + 1))
        edges = [*walk.edges, *(_edge(link) for link in added[:_MAX_EDGES])]
        return View(walk.nodes, edges, truncated=len(added) > _MAX_EDGES)
    if granularity is Granularity.DATASET:
        members = {node: depth for node, depth in walk.nodes.items() if not node.startswith(_RUN)}
        names = _owners(store, project, walk.as_of, members, (EdgeType.VERSION_OF,))
        return _coarse(members, names, _between_datasets(walk.edges, names))
    members = {node: depth for node, depth in walk.nodes.items() if node.startswith(_RUN)}
    chain = (EdgeType.RUN_OF, EdgeType.JOB_VERSION_OF) if granularity is Granularity.JOB else ()
    names = _owners(store, project, walk.as_of, members, chain)
    return _coarse(members, names, _between_runs(walk.edges))


def _coarse(members: dict[str, int], names: dict[str, str], links: Iterable[_Link]) -> View:
    nodes: dict[str, int] = {}
    for member, depth in members.items():
        nodes[names[member]] = min(depth, nodes.get(names[member], depth))
    best: dict[tuple[str, str], _Link] = {}
    truncated = False
    for link in links:
        src, dst = names.get(link.src, link.src), names.get(link.dst, link.dst)
        if src == dst or src not in nodes or dst not in nodes:
            continue
        held = best.get((src, dst))
        if held is None and len(best) >= _MAX_EDGES:
            truncated = True
        elif held is None or _quality(link) < _quality(held):
            best[src, dst] = link._replace(src=src, dst=dst, via="", generation="")
    return View(nodes, [_edge(best[key]) for key in sorted(best)], truncated)


def _between_runs(edges: Collection[WalkEdge]) -> Iterator[_Link]:
    makers = _makers(edges)
    for edge in edges:
        if edge.type is EdgeType.USED:
            user = edge.src
        elif edge.type is DERIVED_FROM and edge.via:
            user = edge.via
        else:
            continue
        for made in makers[edge.dst]:
            if edge.generation in ("", made.dst):
                yield _Link(user, made.dst, "", "", edge.precision, _weaker(edge.basis, made.basis))


def _between_datasets(edges: Collection[WalkEdge], names: dict[str, str]) -> Iterator[_Link]:
    for edge in edges:
        if edge.type is DERIVED_FROM:
            yield _Link(edge.src, edge.dst, edge.via, edge.generation, edge.precision, edge.basis)
    # By dataset rather than by version: a run over a thousand partitions reads one dataset.
    outputs: defaultdict[str, set[str]] = defaultdict(set)
    inputs: defaultdict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if edge.type is EdgeType.USED:
            inputs[edge.src].add(names.get(edge.dst, edge.dst))
        elif edge.type is EdgeType.GENERATED_BY and not edge.explicit:
            outputs[edge.dst].add(names.get(edge.src, edge.src))
    for run, made in outputs.items():
        for output in made:
            for used in inputs[run]:
                yield _Link(output, used, run, "", Precision.CO_OCCURRING, Basis.INFERRED)


def _co_occurring(edges: Collection[WalkEdge]) -> Iterator[_Link]:
    inputs: defaultdict[str, list[WalkEdge]] = defaultdict(list)
    for edge in edges:
        if edge.type is EdgeType.USED:
            inputs[edge.src].append(edge)
    for edge in edges:
        if edge.type is EdgeType.GENERATED_BY and not edge.explicit:
            for used in inputs[edge.dst]:
                yield _Link(edge.src, used.dst, edge.dst, used.generation, Precision.CO_OCCURRING, Basis.INFERRED)


def _makers(edges: Collection[WalkEdge]) -> defaultdict[str, list[WalkEdge]]:
    makers: defaultdict[str, list[WalkEdge]] = defaultdict(list)
    for edge in edges:
        if edge.type is EdgeType.GENERATED_BY:
            makers[edge.src].append(edge)
    return makers


def _owners(
    store: GraphStore, project: str, as_of: AsOf, members: Collection[str], chain: tuple[EdgeType, ...]
) -> dict[str, str]:
    """What each member belongs to at the end of a chain of containment edges; itself where the chain breaks."""
    with store.layers(project, as_of) as layers:
        handles = layers.handles(members)
        at = {handle: handle for handle in handles.values()}
        for type in chain:
            hops = layers.hops([type], set(at.values()), incoming=False, limit=_MAX_HOPS)[type]
            onward = {hop[0]: hop[1] for hop in sorted(hops, reverse=True)}
            at = {member: onward.get(place, member) for member, place in at.items()}
        names = layers.ids(set(at.values()))
    return {member: names[at[handles[member]]] if member in handles else member for member in members}


def _edge(link: _Link) -> WalkEdge:
    return WalkEdge(link.src, DERIVED_FROM, link.dst, link.via, link.generation, False, link.precision, link.basis)


def _quality(link: _Link) -> tuple[int, int]:
    return _RANK[link.precision], BASES.index(link.basis)


def _weaker(one: Basis, other: Basis) -> Basis:
    return BASES[max(BASES.index(one), BASES.index(other))]
