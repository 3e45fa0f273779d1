"""Single entities with what surrounds them.

Owns finding the one thing a path names, and how much of its neighbourhood an item shows. Neighbourhoods are bounded;
what a bound cuts is said in the item's completeness.
"""

from __future__ import annotations

from collections.abc import Collection

from lineage_api import completeness
from lineage_api.answers import EdgeItem, NodeItem, edge_item, node_item, rfc3339, run_item
from lineage_api.deps import Cancellation
from lineage_api.entities import lists, schemas
from lineage_api.journal.reader import JournalReader
from lineage_api.models.versions import ambiguous, current_node
from lineage_api.problem import Kind, Problem
from lineage_api.reading import Reading
from lineage_graph.canonical import loads_exact
from lineage_graph.model import Edge, EdgeType, Node, NodeKind
from lineage_graph.projection.catalog import Entity, Filters

NEIGHBOURS = 1_000
VERSIONS = 50
CAPTURED = 1_000
_CANDIDATES = 20
_ALL = frozenset(EdgeType)


def run(cancellation: Cancellation, reading: Reading, reference: str) -> schemas.RunDetail:
    """A run by node id, run id or unique beginning, with its neighbours."""
    node = current_node(reading.store, reading.project, find_run(reading, reference).id)
    edges, cut = _around(reading, [node.id])
    versions = [edge.key.dst for edge in edges if edge.key.type is EdgeType.RUN_OF]
    edges += reading.store.edges_from(reading.project, versions, [EdgeType.BUILT_FROM])
    cancellation.check()
    known = completeness.of_runs(reading.catalog, reading.store, reading.project, [node])[node.id]
    if cut:
        known.truncated = True
    others, shown = _shown(reading, edges)
    props = {name: value for name, value in node_item(node).props.items() if name != "attributes"}
    return schemas.RunDetail(**run_item(node, known).model_dump(), props=props, nodes=others, edges=shown)


def node(cancellation: Cancellation, reading: Reading, node_id: str) -> schemas.NodeDetail:
    """Any node with its neighbours."""
    found = current_node(reading.store, reading.project, node_id)
    edges, cut = _around(reading, [node_id])
    if found.kind is NodeKind.RUN:
        edges += _beside_run(reading, found.id, edges)
    cancellation.check()
    others, shown = _shown(reading, edges)
    if found.kind is NodeKind.RUN:
        known = completeness.of_runs(reading.catalog, reading.store, reading.project, [found])[node_id]
        known.truncated = known.truncated or cut
    else:
        known = completeness.of_answer(
            reading.catalog, reading.project, {found.id: found}, edges, truncated="nodes" if cut else ""
        )
    return schemas.NodeDetail(node=node_item(found), nodes=others, edges=shown, completeness=known, as_of=reading.as_of)


def job(cancellation: Cancellation, reading: Reading, node_id: str) -> schemas.JobItem:
    """One job with its newest run."""
    entity = _entity(reading, node_id, NodeKind.JOB)
    return lists.job_item(reading, entity)


def dataset(cancellation: Cancellation, reading: Reading, node_id: str) -> schemas.DatasetDetail:
    """One dataset with its newest versions."""
    entity = _entity(reading, node_id, NodeKind.DATASET)
    item = lists.dataset_items(reading, [entity])[node_id]
    own = Filters(namespace=entity.namespace, name=entity.name)
    made = reading.catalog.page(reading.project, NodeKind.DATASET_VERSION, own, after=None, limit=VERSIONS)
    nodes = reading.store.nodes(reading.project, [version.id for version in made])
    versions = [_version(nodes[version.id]) for version in made if version.id in nodes]
    return schemas.DatasetDetail(**item.model_dump(), versions=versions)


def captured(cancellation: Cancellation, reading: Reading, journal: JournalReader, reference: str) -> schemas.Captured:
    """The journalled events of a run, in order."""
    entity = find_run(reading, reference)
    numbers = reading.catalog.records_about(reading.project, entity.id, CAPTURED + 1)
    cancellation.check()
    items = [
        schemas.CapturedEvent(seq=record.seq, received=rfc3339(record.received) or "", event=loads_exact(record.body))
        for record in journal.at(numbers[:CAPTURED])
    ]
    return schemas.Captured(run=entity.id, items=items, truncated=len(numbers) > CAPTURED)


def find_run(reading: Reading, reference: str) -> Entity:
    """The one run that a node id, a run id or the beginning of one names.

    Raises:
        Problem: 404, or 409 with the candidates.
    """
    prefix = NodeKind.RUN.prefix + "_"
    if reference.startswith(prefix):
        found = reading.catalog.by_id_prefix(reading.project, reference, _CANDIDATES)
    else:
        found = reading.catalog.runs_named(reading.project, reference, _CANDIDATES)
        if not found and reference.lower() != reference:
            found = reading.catalog.runs_named(reading.project, reference.lower(), _CANDIDATES)
    if not found:
        shown = ascii(reference[:60])
        raise Problem(Kind.NOT_FOUND, f"No run {shown} in this project.", members={"see": "/runs"})
    if len(found) > 1:
        raise ambiguous(reference, found)
    return found[0]


def _entity(reading: Reading, node_id: str, kind: NodeKind) -> Entity:
    found = reading.catalog.entities(reading.project, [node_id]).get(node_id)
    if found is None or found.kind is not kind:
        raise Problem(Kind.NOT_FOUND, f"No {kind.value} {node_id[:60]!a} in this project.", members={"see": "/resolve"})
    return found


def _around(reading: Reading, ids: Collection[str]) -> tuple[list[Edge], bool]:
    out = reading.store.edges_from(reading.project, ids, _ALL, limit=NEIGHBOURS)
    into = reading.store.edges_to(reading.project, ids, _ALL, limit=NEIGHBOURS)
    return [*out, *into], len(out) == NEIGHBOURS or len(into) == NEIGHBOURS


def _beside_run(reading: Reading, run: str, edges: Collection[Edge]) -> list[Edge]:
    """The code of a run, and what it attached to the versions it touched: checks, deployments."""
    versions = [edge.key.dst for edge in edges if edge.key.type is EdgeType.RUN_OF and edge.key.src == run]
    touched = {edge.key.dst for edge in edges if edge.key.type is EdgeType.USED}
    touched |= {edge.key.src for edge in edges if edge.key.type is EdgeType.GENERATED_BY}
    attached = reading.store.edges_to(reading.project, touched, [EdgeType.ATTACHED], limit=NEIGHBOURS)
    built = reading.store.edges_from(reading.project, versions, [EdgeType.BUILT_FROM])
    return built + [edge for edge in attached if edge.key.via == run]


def _shown(reading: Reading, edges: Collection[Edge]) -> tuple[list[NodeItem], list[EdgeItem]]:
    ends = {end for edge in edges for end in (edge.key.src, edge.key.dst)}
    nodes = reading.store.nodes(reading.project, ends)
    return [node_item(nodes[node_id]) for node_id in sorted(nodes)], [edge_item(edge) for edge in edges]


def _version(node: Node) -> schemas.VersionItem:
    props = node.props
    return schemas.VersionItem(
        id=node.id,
        scheme=props["scheme"],
        value=props["value"],
        time=rfc3339(props.get("time")),
        rows=props.get("rows"),
        bytes=props.get("bytes"),
    )
