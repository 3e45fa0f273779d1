"""Content of the scopes beside runs: versions, job versions, jobs, datasets, and nodes that exist by their content.

Each function is pure: rows of one subject in, `Content` out; nothing out means the scope derives nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage_graph import identity
from lineage_graph.canonical import canonical_bytes
from lineage_graph.derive.aliases import Naming
from lineage_graph.derive.content import Content, Ids, job_version_ident
from lineage_graph.derive.view import RunView
from lineage_graph.facts.row import Fact
from lineage_graph.model import Basis, Edge, EdgeKey, EdgeType, Node, NodeKind, Precision


@dataclass(slots=True)
class VersionView:
    """What is known of one dataset version. Times are UTC microseconds.

    Args:
        made: time of its first generation, None when nobody said it made it.
        until: when another version of the dataset took its place, or the dataset was dropped.
        about: rows, bytes, rowsd, schema, model, sampled, digest of the best mention.
    """

    dataset: bytes
    namespace: str
    name: str
    scheme: str
    value: str
    made: int | None = None
    until: int | None = None
    finished: bool = False
    about: dict[str, Any] = field(default_factory=dict)


def version_content(version: bytes, view: VersionView, ids: Ids) -> Content:
    """A DatasetVersion and its VERSION_OF edge, valid until its successor's time."""
    about = view.about
    props: dict[str, Any] = {
        "namespace": view.namespace, "name": view.name, "scheme": view.scheme, "value": view.value,
        "dataset": ids(NodeKind.DATASET, view.dataset), "time": view.made, "finished": view.finished,
    }  # fmt: skip
    for source, target in (
        ("rows", "rows"), ("bytes", "bytes"), ("rowsd", "rows_digest"), ("model", "model"), ("digest", "digest"),
        ("sampled", "sampled_digest"),
    ):  # fmt: skip
        if source in about:
            props[target] = about[source]
    if "schema" in about:
        schema = identity.ident(NodeKind.SCHEMA, about["schema"])
        props["schema"] = ids(NodeKind.SCHEMA, schema)
    node = ids(NodeKind.DATASET_VERSION, version)
    edge = Edge(
        EdgeKey(node, EdgeType.VERSION_OF, ids(NodeKind.DATASET, view.dataset)),
        valid_from=view.made,
        valid_to=view.until,
    )
    return Content([Node(node, NodeKind.DATASET_VERSION, version, props)], [edge])


def job_version_content(view: RunView, ids: Ids) -> Content:
    """The JobVersion of a run (the same from any of its runs), with JOB_VERSION_OF and BUILT_FROM."""
    ident = job_version_ident(view)
    node = ids(NodeKind.JOB_VERSION, ident)
    props: dict[str, Any] = {
        "namespace": view.namespace, "name": view.job,
        "inputs": sorted([m.namespace, m.name] for m in view.inputs),
        "outputs": sorted([m.namespace, m.name] for m in view.outputs),
    }  # fmt: skip
    edges = [Edge(EdgeKey(node, EdgeType.JOB_VERSION_OF, ids(NodeKind.JOB, identity.job(view.namespace, view.job))))]
    if view.code is not None:
        code = identity.ident(NodeKind.CODE_VERSION, *view.code)
        edges.append(Edge(EdgeKey(node, EdgeType.BUILT_FROM, ids(NodeKind.CODE_VERSION, code))))
    return Content([Node(node, NodeKind.JOB_VERSION, ident, props)], edges)


def job_content(subject: bytes, facts: Sequence[Fact], ids: Ids) -> Content:
    """A Job with its latest facets."""
    named = min((fact.value for fact in facts if fact.predicate == "job"), key=canonical_bytes, default=None)
    if named is None:
        return Content()
    props: dict[str, Any] = {"namespace": named["ns"], "name": named["n"], **_latest_facets(facts)}
    io = _latest(facts, "io")
    if io is not None:
        props["declared"] = io
    return Content([Node(ids(NodeKind.JOB, subject), NodeKind.JOB, subject, props)])


def dataset_content(subject: bytes, facts: Sequence[Fact], naming: Naming, ids: Ids) -> Content:
    """A Dataset with its latest facets, its other names, and ALIAS_OF to the canonical one."""
    named = min((fact.value for fact in facts if fact.predicate == "dataset"), key=canonical_bytes, default=None)
    if named is None:
        return Content()
    node = ids(NodeKind.DATASET, subject)
    props: dict[str, Any] = {"namespace": named["ns"], "name": named["n"], **_latest_facets(facts)}
    kind = _latest(facts, "facet:datasetType")
    if isinstance(kind, dict) and kind.get("datasetType") == "MODEL":
        props["model"] = True
    schema = _latest(facts, "facet:schema")
    if schema is not None:
        props["schema"] = ids(NodeKind.SCHEMA, identity.ident(NodeKind.SCHEMA, schema["schema"]))
    dropped = max((fact.at or 0 for fact in facts if fact.predicate == "dropped"), default=None)
    if dropped is not None:
        props["dropped_at"] = dropped
    if naming.contradictions:
        props["findings"] = [
            {"code": "contradicting_symlinks", "place": "facets.symlinks", "text": text}
            for text in naming.contradictions
        ]
    content = Content([Node(node, NodeKind.DATASET, subject, props)])
    component = naming.component
    if component is not None:
        props["aliases"] = [list(name) for name in naming.others]
        if component.canonical != subject:
            key = EdgeKey(node, EdgeType.ALIAS_OF, ids(NodeKind.DATASET, component.canonical))
            content.edges.append(Edge(key, Basis.DECLARED, valid_from=component.since.get(subject)))
    return content


def shared_content(kind: NodeKind, subject: bytes, facts: Sequence[Fact], ids: Ids) -> Content:
    """Nodes that exist because a fact holds their content: Schema, CodeVersion, Environment, Actor, Field."""
    props: dict[str, Any] = {}
    for value in sorted((fact.value for fact in facts if isinstance(fact.value, dict)), key=canonical_bytes):
        if kind is not NodeKind.FIELD:
            props.update(value)
    edges: list[Edge] = []
    if kind is NodeKind.FIELD:
        props, edges = _field(subject, facts, ids)
    elif kind is NodeKind.ENVIRONMENT:
        digest = min((fact.value for fact in facts if fact.predicate == "digest"), default=None)
        props.setdefault("digest", digest)
        props["name"] = str(props["digest"])[:12]
    elif kind is NodeKind.CODE_VERSION:
        props["name"] = str(props.get("commit") or props.get("sourceDigest") or props.get("diffDigest"))[:12]
    elif kind is NodeKind.ACTOR:
        props["namespace"], props["name"] = props.get("issuer"), props.get("user")
    return Content([Node(ids(kind, subject), kind, subject, props)] if props else [], edges)


def _field(subject: bytes, facts: Sequence[Fact], ids: Ids) -> tuple[dict[str, Any], list[Edge]]:
    named = min((fact.value for fact in facts if fact.predicate == "field"), key=canonical_bytes, default=None)
    if named is None:
        return {}, []
    found: dict[EdgeKey, Edge] = {}
    for fact in sorted((f for f in facts if f.predicate == "from"), key=lambda f: canonical_bytes(f.value)):
        value = fact.value
        job = ids(NodeKind.JOB, identity.job(value["jns"], value["job"]))
        key = EdgeKey(ids(NodeKind.FIELD, subject), EdgeType.DERIVED_FROM, ids(NodeKind.FIELD, fact.object), job)
        props = {"transformations": value["t"]} if "t" in value else {}
        found[key] = Edge(key, precision=Precision.STATED, props=props)
    return {"namespace": named["ns"], "name": named["n"], "path": named["f"]}, list(found.values())


def _latest(facts: Iterable[Fact], predicate: str) -> Any:
    candidates = [
        (fact.at or 0, canonical_bytes(fact.value), fact.value) for fact in facts if fact.predicate == predicate
    ]
    return max(candidates, key=lambda c: c[:2])[2] if candidates else None


def _latest_facets(facts: Sequence[Fact]) -> dict[str, Any]:
    names = {
        fact.predicate for fact in facts if fact.predicate.startswith("facet:") and fact.predicate != "facet:schema"
    }
    return {name[6:]: _latest(facts, name) for name in sorted(names)}
