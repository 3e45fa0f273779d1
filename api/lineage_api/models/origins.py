"""Where a model version comes from, and what nobody recorded about it.

Owns the answer of `GET /models/origins`: sources with the way to them, runs with code and environment, checks, and
what is missing, each said once.
"""

from __future__ import annotations

from collections.abc import Iterator

from lineage_api import completeness
from lineage_api.answers import Completeness, edge_item, is_silent, node_item, rfc3339, run_item
from lineage_api.deps import Cancellation
from lineage_api.models.ancestry import (
    Ancestry,
    ancestry,
    is_exact,
    is_in_memory,
    is_named_by_run,
    is_unbound,
    label,
)
from lineage_api.models.deployments import deployments_of
from lineage_api.models.schemas import (
    Missing,
    ModelName,
    ModelVersionItem,
    OriginRun,
    Origins,
    RegisteredAs,
    Source,
)
from lineage_api.models.versions import Chosen, choose, current_node
from lineage_api.provenance.schemas import AsOfAnswer, PlacedNode
from lineage_api.provenance.service import drawn, hit
from lineage_api.reading import Reading
from lineage_graph.model import Node, NodeKind


def origins(
    cancellation: Cancellation, reading: Reading, name: str, version: str | None, namespace: str | None
) -> Origins:
    """The ancestry of one model version."""
    chosen = choose(reading.catalog, reading.project, name, version, namespace)
    current_node(reading.store, reading.project, chosen.version)
    found = ancestry(cancellation, reading, chosen.version)
    walked = {node_id: node for node_id, node in found.nodes.items() if node_id in found.walk.nodes}
    known = completeness.of_answer(
        reading.catalog,
        reading.project,
        walked,
        found.walk.edges,
        truncated=found.walk.truncated,
        ambiguous=bool(found.walk.ambiguous),
    )
    each = completeness.of_runs(reading.catalog, reading.store, reading.project, found.runs)
    return Origins(
        model=ModelName(id=chosen.model.id, namespace=chosen.model.namespace, name=chosen.model.name),
        version=_version(chosen, found.nodes[chosen.version]),
        sources=[_source(found, node) for node in found.sources if node.id != chosen.version],
        runs=[_run(found, run, each[run.id]) for run in found.runs],
        code=[node_item(node) for node in found.of_kind(NodeKind.CODE_VERSION)],
        environments=[node_item(node) for node in found.of_kind(NodeKind.ENVIRONMENT)],
        actors=[node_item(node) for node in found.of_kind(NodeKind.ACTOR)],
        checks=[node_item(node) for node in found.of_kind(NodeKind.CHECK)],
        deployments=[
            node_item(each.deployment)
            for each in deployments_of(reading, [found.nodes[chosen.version]], found.walk.as_of)
        ],
        missing=list(_missing(found)),
        nodes=[
            PlacedNode(**node_item(node).model_dump(), depth=found.walk.nodes.get(node.id))
            for node in found.nodes.values()
        ],
        edges=[
            *(drawn(edge, changed=edge.key in found.changed) for edge in found.walk.edges),
            *map(edge_item, found.beside),
        ],
        completeness=known,
        as_of=AsOfAnswer(known_at=found.walk.as_of.known_at or 0, valid_at=None),
    )


def _version(chosen: Chosen, node: Node) -> ModelVersionItem:
    return ModelVersionItem(
        id=node.id,
        number=chosen.number,
        scheme=node.props["scheme"],
        value=node.props["value"],
        made_at=rfc3339(node.props.get("time")),
        registrations=[
            RegisteredAs(number=item.number, registered_at=rfc3339(item.registered), tags=dict(item.tags))
            for item in chosen.registrations
        ],
    )


def _source(found: Ancestry, node: Node) -> Source:
    reached = hit(node, found.walk.nodes[node.id], found.path(node.id))
    props = node.props
    return Source(
        id=node.id,
        namespace=props["namespace"],
        name=props["name"],
        scheme=props["scheme"],
        value=props["value"],
        rows=props.get("rows"),
        bytes=props.get("bytes"),
        paths=[reached.path],
        basis=reached.basis,
        precision=reached.precision,
    )


def _run(found: Ancestry, run: Node, known: Completeness) -> OriginRun:
    code, environment = found.code_of(run.id), found.environment_of(run.id)
    return OriginRun(
        **run_item(run, known).model_dump(),
        code=code.id if code is not None else None,
        environment=environment.id if environment is not None else None,
    )


def _missing(found: Ancestry) -> Iterator[Missing]:
    """What nobody recorded, nearest first."""
    sources = {node.id for node in found.sources}
    for run in found.runs:
        title = label(run)
        for item in run.props.get("missing") or ():
            what, why = str(item.get("what")), item.get("why")
            yield Missing(subject=run.id, what=what, text=f"{what} of {title}" + (f": {why}" if why else ""))
        if found.code_of(run.id) is None:
            yield Missing(subject=run.id, what="code", text=f"code version of {title}")
        if found.environment_of(run.id) is None:
            yield Missing(subject=run.id, what="environment", text=f"environment of {title}")
        if is_silent(run):
            yield Missing(subject=run.id, what="inputs", text=f"what {title} read: no input was recorded")
        elif not run.props.get("inputs") and run.props.get("kind") != "flow":
            yield Missing(
                subject=run.id, what="inputs", text=f"what {title} made its outputs from: no input was recorded"
            )
    for changed in dict.fromkeys(edge.dst for edge in found.handovers_changed):
        text = f"{label(found.nodes[changed])} was changed between tasks: its digest is not what was used"
        yield Missing(subject=changed, what="version", text=text)
    for version in found.versions:
        title = label(version)
        if is_unbound(version):
            yield Missing(subject=version.id, what="version", text=f"version of {title}: read without one")
        elif is_in_memory(version):
            if version.id in sources:
                yield Missing(subject=version.id, what="producer", text=f"producer of {title}, a value in memory")
        elif version.props.get("sampled_digest") and not is_exact(version):
            yield Missing(subject=version.id, what="digest", text=f"exact digest of {title}: only a sample was read")
        elif is_named_by_run(version):
            yield Missing(subject=version.id, what="digest", text=f"digest of {title}")
