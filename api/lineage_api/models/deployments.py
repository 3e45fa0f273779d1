"""Which deployments are of a model version.

A deployment hangs at the version its run touched, at the model as such (with the version the user named, if one), or
at both. Owns reading that: a deployment of the model counts for a version when it names the version's number or
digest, or names none. Does not shape answers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from lineage_api.models.versions import choose_of
from lineage_api.reading import Reading
from lineage_graph.model import AsOf, EdgeType, Node, NodeKind
from lineage_graph.projection.catalog import ModelVersion
from lineage_graph.store import NOW

_DIGITS = 8


class Deployed(NamedTuple):
    """A deployment, the version it counts for, and what it hangs at: that version or its dataset.

    `named` is False when nothing tells which version of the model was meant.
    """

    deployment: Node
    version: str
    attached_to: str
    named: bool


def deployments_of(reading: Reading, versions: Sequence[Node], as_of: AsOf = NOW) -> list[Deployed]:
    """Deployments of any of these versions, each once; the same target of the same version counts once."""
    store, project = reading.store, reading.project
    datasets = {str(node.props["dataset"]) for node in versions if node.props.get("dataset")}
    ends = [*(node.id for node in versions), *datasets]
    attached = store.edges_to(project, ends, [EdgeType.ATTACHED], as_of) if ends else []
    beside = store.nodes(project, {edge.key.src for edge in attached})
    at: dict[str, list[Node]] = {}
    for edge in attached:
        node = beside.get(edge.key.src)
        if node is not None and node.kind is NodeKind.DEPLOYMENT:
            at.setdefault(edge.key.dst, []).append(node)
    numbers = reading.catalog.registrations(project, [node.id for node in versions]) if at else {}
    found: dict[str, Deployed] = {}
    places: set[tuple[object, ...]] = set()
    for version in versions:
        dataset = str(version.props.get("dataset") or "")
        of_model = [node for node in at.get(dataset, ()) if is_meant(version, numbers.get(version.id, ()), node)]
        for node, end in [*((n, version.id) for n in at.get(version.id, ())), *((n, dataset) for n in of_model)]:
            place = (version.id, node.props.get("name"), node.props.get("endpoint"))
            if node.id not in found and place not in places:
                places.add(place)
                named = end == version.id or bool(node.props.get("version"))
                found[node.id] = Deployed(node, version.id, end, named)
    return list(found.values())


def is_meant(version: Node, registered: Collection[ModelVersion], deployment: Node) -> bool:
    """Whether a deployment of a model may be one of this version: by number, by digest, or because it names none."""
    named = str(deployment.props.get("version") or "")
    if not named:
        return True
    number = named.removeprefix("v")
    if number.isdecimal() and int(number) in {found.number for found in registered}:
        return True
    scheme, value = str(version.props.get("scheme")), str(version.props.get("value"))
    digits = named.removeprefix("sha256:")
    digests = {str(version.props.get("digest") or ""), value if scheme == "sha256" else ""}
    return named in (value, f"{scheme}:{value}") or (
        len(digits) >= _DIGITS and any(digest.startswith(digits) for digest in digests)
    )


def deployed_versions(reading: Reading, deployment: Node) -> list[str]:
    """Node ids of what a deployment is of: the version it names, else those its run touched, else its dataset."""
    edges = reading.store.edges_from(reading.project, [deployment.id], [EdgeType.ATTACHED])
    ends = reading.store.nodes(reading.project, {edge.key.dst for edge in edges})
    named = str(deployment.props.get("version") or "")
    datasets = [node for node in ends.values() if node.kind is NodeKind.DATASET]
    for dataset in datasets:
        chosen = choose_of(reading.catalog, reading.project, dataset, named) if named else None
        if chosen is not None:
            return [chosen]
    others = sorted(node.id for node in ends.values() if node.kind is not NodeKind.DATASET)
    return others or sorted(node.id for node in datasets)
