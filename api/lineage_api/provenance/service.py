"""Walks from a node to its causes and effects, shaped for answers.

Owns what a page of lineage or impact holds: content of its nodes, the leaves of its runs, what is folded away and
what is not known. The walk itself is `lineage_graph.traversal`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lineage_api import completeness
from lineage_api.answers import EdgeItem, edge_item, node_item, rfc3339
from lineage_api.deps import Cancellation
from lineage_api.journal.reader import JournalReader
from lineage_api.models.deployments import Deployed, deployments_of
from lineage_api.pagination import Cursors
from lineage_api.provenance.roots import MOST_VERSIONS, Moment, moment, walked_roots
from lineage_api.provenance.schemas import (
    AsOfAnswer,
    Folded,
    Hit,
    Impact,
    Lineage,
    ModelHit,
    PathStep,
    PlacedNode,
)
from lineage_api.reading import Reading
from lineage_graph.model import AsOf, Basis, Edge, EdgeType, Node, NodeKind
from lineage_graph.store import BASES, PRECISIONS
from lineage_graph.traversal import (
    Continuation,
    Direction,
    Granularity,
    Limits,
    Walk,
    WalkEdge,
    hidden,
    leaves,
    view,
    walk,
)

_IN_DETAIL = frozenset({Granularity.VERSION, Granularity.RUN})


@dataclass(frozen=True, slots=True)
class Question:
    """The parameters of a walk."""

    root: str
    direction: Direction
    depth: int
    granularity: Granularity
    limit: int
    moment: Moment
    cursors: Cursors
    cursor: str | None


def lineage(cancellation: Cancellation, reading: Reading, journal: JournalReader, question: Question) -> Lineage:
    """A page of what surrounds a root."""
    roots, found = _walk(cancellation, reading, journal, question)
    project = reading.project
    shown = view(reading.store, project, found, question.granularity)
    cancellation.check()
    beside: list[Edge] = []
    if question.granularity in _IN_DETAIL:
        beside = leaves(reading.store, project, shown.nodes, found.as_of)
    nodes = reading.store.nodes(project, {*shown.nodes, *(edge.key.dst for edge in beside)})
    cancellation.check()
    known = completeness.of_answer(
        reading.catalog,
        project,
        {node_id: node for node_id, node in nodes.items() if node_id in shown.nodes},
        found.edges,
        truncated=found.truncated or ("edges" if shown.truncated else ""),
        ambiguous=bool(found.ambiguous),
    )
    folded = hidden(reading.store, project, found) if question.granularity is Granularity.VERSION else {}
    return Lineage(
        root=question.root,
        roots=roots,
        nodes=[_placed(nodes[node_id], depth) for node_id, depth in shown.nodes.items() if node_id in nodes]
        + [_placed(node, None) for node_id, node in sorted(nodes.items()) if node_id not in shown.nodes],
        edges=[*_edges(reading, shown.edges, found.as_of), *map(edge_item, beside)],
        hidden={node_id: Folded(up=up, down=down) for node_id, (up, down) in folded.items()},
        completeness=known,
        as_of=_as_of(found),
        next_cursor=question.cursors.make(found.cursor.encode()) if found.cursor is not None else None,
    )


def impact(cancellation: Cancellation, reading: Reading, journal: JournalReader, question: Question) -> Impact:
    """What was made from a root: versions, models, deployments, each with a shortest way to it."""
    roots, found = _walk(cancellation, reading, journal, question)
    project = reading.project
    nodes = reading.store.nodes(project, found.nodes)
    made = [node for node_id, node in nodes.items() if node.kind is NodeKind.DATASET_VERSION and node_id not in roots]
    cancellation.check()
    numbers = reading.catalog.registrations(project, [node.id for node in made if node.props.get("model")])
    known = completeness.of_answer(
        reading.catalog, project, nodes, found.edges, truncated=found.truncated, ambiguous=bool(found.ambiguous)
    )
    order = {node_id: place for place, node_id in enumerate(found.nodes)}
    made.sort(key=lambda node: order[node.id])
    starts = [node for node_id, node in nodes.items() if node.kind is NodeKind.DATASET_VERSION and node_id in roots]
    hits = {node.id: hit(node, found.nodes[node.id], found.path(node.id)) for node in [*starts, *made]}
    deployed = deployments_of(reading, [*starts, *made], found.as_of)
    return Impact(
        root=question.root,
        roots=roots,
        versions=[hits[node.id] for node in made if not node.props.get("model")],
        models=[
            ModelHit(**hits[node.id].model_dump(), numbers=[found.number for found in numbers.get(node.id, ())])
            for node in made
            if node.props.get("model")
        ],
        deployments=[_deployment(each, hits[each.version]) for each in deployed],
        runs=sum(node.kind is NodeKind.RUN for node in nodes.values()),
        completeness=known,
        as_of=_as_of(found),
        next_cursor=question.cursors.make(found.cursor.encode()) if found.cursor is not None else None,
    )


def hit(node: Node, depth: int, path: Sequence[WalkEdge]) -> Hit:
    """Something found, with the way to it and how well that way is known."""
    item = node_item(node)
    return Hit(
        id=node.id,
        kind=node.kind,
        namespace=item.namespace,
        name=item.name,
        depth=depth,
        path=[step(edge) for edge in path],
        basis=max((edge.basis for edge in path), key=BASES.index, default=Basis.OBSERVED),
        precision=max((_precision(edge) for edge in path), key=PRECISIONS.index, default="") or None,
        props=item.props,
    )


def step(edge: WalkEdge) -> PathStep:
    """One edge of a path."""
    return PathStep(
        src=edge.src, type=edge.type.value, dst=edge.dst, basis=edge.basis, precision=_precision(edge) or None
    )


def _walk(
    cancellation: Cancellation, reading: Reading, journal: JournalReader, question: Question
) -> tuple[list[str], Walk]:
    place = question.cursors.read(question.cursor)
    columns = question.granularity is Granularity.COLUMN
    roots = walked_roots(reading, question.root, columns=columns, every=question.direction is Direction.DOWN)
    as_of = moment(journal, question.moment)
    cancellation.check()
    limits = Limits(nodes=question.limit, cancelled=cancellation.cancelled)
    continued = Continuation.decode(place) if place is not None else None
    found = walk(reading.store, reading.project, roots, question.direction, question.depth, limits, as_of, continued)
    cancellation.check()
    if len(roots) == MOST_VERSIONS and not found.truncated:
        found.truncated = "nodes"
    return roots, found


def _precision(edge: WalkEdge) -> str:
    """A run that used an input it did not state a derivation for may or may not have made its outputs from it."""
    if edge.type is EdgeType.GENERATED_BY or edge.precision:
        return edge.precision
    return "co-occurring"


def _edges(reading: Reading, edges: Collection[WalkEdge], as_of: AsOf) -> list[EdgeItem]:
    stored = {edge.key: edge for edge in reading.store.edges(reading.project, [edge.key for edge in edges], as_of)}
    return [edge_item(stored[edge.key]) if edge.key in stored else drawn(edge) for edge in edges]


def drawn(edge: WalkEdge, *, changed: bool = False) -> EdgeItem:
    """An edge as a walk or view knows it, without times and props."""
    return EdgeItem(
        src=edge.src,
        type=edge.type.value,
        dst=edge.dst,
        via=edge.via,
        generation=edge.generation,
        explicit=edge.explicit,
        precision=edge.precision or None,
        basis=edge.basis,
        changed=changed,
    )


def _placed(node: Node, depth: int | None) -> PlacedNode:
    return PlacedNode(**node_item(node).model_dump(), depth=depth)


def _as_of(found: Walk) -> AsOfAnswer:
    return AsOfAnswer(known_at=found.as_of.known_at or 0, valid_at=rfc3339(found.as_of.valid_at))


def _deployment(found: Deployed, subject: Hit) -> Hit:
    """A deployment with the way to it: over the version, and over its dataset where it hangs there."""
    item = node_item(found.deployment)
    steps = [(subject.id, EdgeType.VERSION_OF, found.attached_to)] if found.attached_to != subject.id else []
    steps.append((item.id, EdgeType.ATTACHED, found.attached_to))
    return Hit(
        id=item.id,
        kind=item.kind,
        namespace=item.namespace,
        name=item.name,
        depth=subject.depth + len(steps),
        path=[*subject.path, *(_fixed_step(src, type, dst) for src, type, dst in steps)],
        basis=subject.basis if found.named else Basis.INFERRED,
        precision=subject.precision,
        props=item.props,
    )


def _fixed_step(src: str, type: EdgeType, dst: str) -> PathStep:
    return PathStep(src=src, type=type.value, dst=dst, basis=Basis.OBSERVED, precision=None)
