"""What one run contributes to the graph: its node, and the edges that are its statements.

Owns `run_content`, pure: view + bindings in, nodes and edges out. A run's content replaces its former content as
a whole, which is how a late event retracts. Versions, job versions and shared nodes have their own scopes (`scopes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineage_graph import identity
from lineage_graph.canonical import canonical_bytes
from lineage_graph.derive.attributes import TypedValue, attributes
from lineage_graph.derive.bind import Bound
from lineage_graph.derive.view import Mention, RunView, output_versions
from lineage_graph.facts.runs import check_ident, deployed_model
from lineage_graph.model import Edge, EdgeKey, EdgeType, Node, NodeKind, Precision

Bindings = Mapping[bytes, list[Bound]]
"""Dataset ident (of an input, or of a stated source) → what it means for this run."""


@dataclass(slots=True)
class Content:
    """Everything one scope derives; `attributes` for runs only."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    attributes: dict[str, TypedValue] = field(default_factory=dict)


class Ids:
    """Node ids of one project, from idents."""

    def __init__(self, project: str) -> None:
        self.project = project

    def __call__(self, kind: NodeKind, ident: bytes) -> str:
        return identity.node_id(self.project, kind, ident)


def job_version_ident(view: RunView) -> bytes:
    """Ident of the JobVersion a run is of: job, code version, sorted input and output datasets."""
    sides = [[[m.namespace, m.name] for m in side] for side in (view.inputs, view.outputs)]
    text = canonical_bytes([view.code, [sorted(side) for side in sides]]).decode()
    return identity.ident(NodeKind.JOB_VERSION, view.namespace, view.job, text)


def run_content(view: RunView, bindings: Bindings, ids: Ids) -> Content:
    """Node, edges and attributes of one run."""
    content = Content(attributes=attributes(view))
    run = ids(NodeKind.RUN, view.ident)
    edges = content.edges
    edges.append(Edge(EdgeKey(run, EdgeType.RUN_OF, ids(NodeKind.JOB_VERSION, job_version_ident(view)))))
    if view.parent is not None:
        edges.append(Edge(EdgeKey(run, EdgeType.PART_OF, _run_id(view.parent, ids)), valid_from=view.started))
    for trigger in view.triggers:
        edges.append(Edge(EdgeKey(run, EdgeType.TRIGGERED_BY, _run_id(trigger, ids))))
    if view.environment is not None:
        environment = identity.ident(NodeKind.ENVIRONMENT, view.environment)
        edges.append(Edge(EdgeKey(run, EdgeType.RAN_IN, ids(NodeKind.ENVIRONMENT, environment))))
    if view.actor is not None:
        actor = identity.ident(NodeKind.ACTOR, view.actor["issuer"], view.actor["user"])
        edges.append(Edge(EdgeKey(run, EdgeType.STARTED_BY, ids(NodeKind.ACTOR, actor))))
    edges += _used(view, run, bindings, ids)
    if view.generates:
        for output in view.outputs:
            edges += _generated(view, run, output, bindings, ids)
    _attachments(view, run, bindings, ids, content)
    content.nodes.append(Node(run, NodeKind.RUN, view.ident, _run_props(view, ids, content.attributes)))
    return content


def _used(view: RunView, run: str, bindings: Bindings, ids: Ids) -> list[Edge]:
    found: dict[EdgeKey, Edge] = {}
    for mention in view.inputs:
        for bound in bindings[mention.dataset]:
            generation = ids(NodeKind.RUN, bound.generation) if bound.generation else ""
            key = EdgeKey(run, EdgeType.USED, ids(NodeKind.DATASET_VERSION, bound.version), generation)
            props: dict[str, Any] = {}
            if bound.ambiguous:
                props["ambiguous"] = True
            if bound.changed:
                props["changed"] = True
            if bound.argument:
                props["argument"] = bound.argument
            if bound.target != bound.dataset:
                props["stated_as"] = f"{mention.namespace} {mention.name}"
            edge = Edge(key, bound.basis, generation, precision=bound.precision, valid_from=view.bind_time, props=props)
            if key not in found or canonical_bytes(props) < canonical_bytes(dict(found[key].props)):
                found[key] = edge
    return list(found.values())


def _generated(view: RunView, run: str, output: Mention, bindings: Bindings, ids: Ids) -> list[Edge]:
    sources = _sources(view, output, bindings)
    edges: list[Edge] = []
    for scheme, value in output_versions(view, output):
        version = identity.dataset_version(output.namespace, output.name, scheme, value)
        version_id = ids(NodeKind.DATASET_VERSION, version)
        made = Edge(
            EdgeKey(version_id, EdgeType.GENERATED_BY, run), explicit=sources is not None, valid_from=view.made_time
        )
        edges.append(made)
        found: dict[EdgeKey, Edge] = {}
        for precision, bound in sources or ():
            if bound.version == version:
                continue
            key = EdgeKey(version_id, EdgeType.DERIVED_FROM, ids(NodeKind.DATASET_VERSION, bound.version), run)
            generation = ids(NodeKind.RUN, bound.generation) if bound.generation else ""
            changed = {"changed": True} if bound.changed else {}
            edge = Edge(key, bound.basis, generation, precision=precision, valid_from=view.made_time, props=changed)
            kept = found.get(key)
            if kept is not None and kept.generation != generation:
                # One version, made by several runs, reached this one from more than one of them: all are followed.
                edge = edge._replace(generation="", props={**kept.props, **edge.props, "ambiguous": True})
            if kept is None or kept.generation != generation or _RANK[precision] < _RANK[Precision(kept.precision)]:
                best = precision if kept is None else min(precision, Precision(kept.precision), key=_RANK.__getitem__)
                found[key] = edge._replace(precision=best)
        edges += found.values()
    return edges


_RANK = {Precision.STATED: 0, Precision.PASSED: 1, Precision.CO_OCCURRING: 2}


def _sources(view: RunView, output: Mention, bindings: Bindings) -> list[tuple[Precision, Bound]] | None:
    """What is known of an output's sources beyond "an input of its run"; None when nothing is.

    Where a value was handed over, the run's other inputs stay in as co-occurring: leaving them out would hide them.
    """
    if output.stated is not None:
        stated = [identity.dataset(*name) for name in output.stated]
        return [(Precision.STATED, bound) for dataset in stated for bound in bindings[dataset]]
    if not any(mention.passed for mention in view.inputs):
        return None
    return [
        (Precision.PASSED if bound.precision else Precision.CO_OCCURRING, bound)
        for mention in view.inputs
        for bound in bindings[mention.dataset]
    ]


def _attachments(view: RunView, run: str, bindings: Bindings, ids: Ids, content: Content) -> None:
    for check in view.checks:
        ident = check_ident(view.ident, check)
        node = ids(NodeKind.CHECK, ident)
        props = {k: v for k, v in check.items() if k != "subject"}
        props["name"] = check.get("name") or check.get("assertion") or "check"
        content.nodes.append(
            Node(node, NodeKind.CHECK, ident, {**props, "namespace": view.namespace, "time": view.made_time})
        )
        for target in _subjects(view, run, check.get("subject"), bindings, ids):
            content.edges.append(Edge(EdgeKey(node, EdgeType.ATTACHED, target, run)))
    for _, text, facet in view.facets.get("weftline_deployments", ()):
        deployments = facet.get("deployments")
        for deployment in deployments if isinstance(deployments, list) else ():
            model = deployed_model(deployment)
            if model is None:
                continue
            ident = identity.ident(
                NodeKind.DEPLOYMENT, view.ident.hex(), text.decode(), canonical_bytes(deployment).decode()
            )
            node = ids(NodeKind.DEPLOYMENT, ident)
            props = {"name": str(deployment.get("target")), "namespace": view.namespace, "time": view.made_time}
            if isinstance(deployment.get("endpoint"), str):
                props["endpoint"] = deployment["endpoint"]
            if model.version:
                props["version"] = model.version
            content.nodes.append(Node(node, NodeKind.DEPLOYMENT, ident, props))
            targets = _touched(view, model.dataset, bindings, ids)
            if model.version or not targets:
                # Not a version this run touched: the model as such, and the node says which version was named.
                targets = [ids(NodeKind.DATASET, model.dataset), *targets]
            content.edges += [Edge(EdgeKey(node, EdgeType.ATTACHED, target, run)) for target in targets]


def _subjects(view: RunView, run: str, subject: Any, bindings: Bindings, ids: Ids) -> list[str]:
    """Versions of the subject that this run touched, else the run itself."""
    if not isinstance(subject, dict):
        return [run]
    return _touched(view, identity.dataset(subject["ns"], subject["n"]), bindings, ids) or [run]


def _touched(view: RunView, wanted: bytes, bindings: Bindings, ids: Ids) -> list[str]:
    """Versions of a dataset that a run used or generated."""
    versions = [bound.version for bound in bindings.get(wanted, ())]
    for output in view.outputs if view.generates else ():
        if output.dataset == wanted:
            versions += [
                identity.dataset_version(output.namespace, output.name, *version)
                for version in output_versions(view, output)
            ]
    return [ids(NodeKind.DATASET_VERSION, version) for version in dict.fromkeys(versions)]


def _run_id(named: dict[str, str], ids: Ids) -> str:
    return ids(NodeKind.RUN, identity.run(named["ns"], named["id"]))


def _run_props(view: RunView, ids: Ids, found: dict[str, TypedValue]) -> dict[str, Any]:
    props: dict[str, Any] = {
        "namespace": view.namespace, "name": view.run_id, "job": view.job, "job_namespace": view.namespace,
        "state": view.state, "started_at": view.started, "ended_at": view.ended, "time": view.bind_time or view.seen,
        "inputs": len(view.inputs), "outputs": len(view.outputs),
    }  # fmt: skip
    if view.parent is not None:
        props["parent"] = _run_id(view.parent, ids)
    if view.root is not None:
        props["root"] = _run_id(view.root, ids)
    if len(view.terminals) > 1:
        props["terminals"] = view.terminals
    if found:
        props["attributes"] = {key: {"type": value.type, "text": value.text} for key, value in sorted(found.items())}
    for _, _, facet in view.facets.get("weftline_run", ()):
        for source, target in (
            ("kind", "kind"),
            ("function", "function"),
            ("missing", "missing"),
            ("outcome", "outcome"),
        ):
            if facet.get(source):
                props[target] = facet[source]
    for _, _, facet in view.facets.get("errorMessage", ()):
        props["error"] = facet.get("message")
    if view.environment is not None:
        props["environment"] = view.environment
    if view.entry_point is not None:
        props["entry_point"] = view.entry_point
    if view.host is not None:
        props["host"] = view.host
    if view.failed and view.outputs:
        props["failed_outputs"] = [[m.namespace, m.name] for m in view.outputs[:100]]
    if view.findings:
        props["findings"] = view.findings
    return props
