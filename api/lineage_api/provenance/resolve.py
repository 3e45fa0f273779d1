"""From names, prefixes and addresses to node ids.

Owns the order in which a bare word is tried and the following of aliases. Names of datasets are found in any
spelling a producer uses (`spelling`). Does not choose between several: it lists them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lineage_api.deps import Cancellation
from lineage_api.models.ancestry import MEMORY
from lineage_api.models.versions import candidate, choose
from lineage_api.problem import FieldError, Kind, Problem
from lineage_api.spelling import datasets_named
from lineage_graph.model import EdgeType, NodeKind
from lineage_graph.projection.catalog import Catalog, Entity
from lineage_graph.store import GraphStore

LIMIT = 20
_RUN_LETTERS = 4
_RUN_ID = re.compile(r"[0-9a-f]{4,8}(-[0-9a-f]{0,12}){0,4}", re.IGNORECASE)


class ResolveKind(StrEnum):
    """What a name is looked for among."""

    RUN = "run"
    JOB = "job"
    DATASET = "dataset"
    MODEL = "model"
    ENVIRONMENT = "environment"
    CODE_VERSION = "code_version"
    ACTOR = "actor"
    CHECK = "check"
    DEPLOYMENT = "deployment"


_NODE_KINDS = {
    ResolveKind.JOB: NodeKind.JOB,
    ResolveKind.ENVIRONMENT: NodeKind.ENVIRONMENT,
    ResolveKind.CODE_VERSION: NodeKind.CODE_VERSION,
    ResolveKind.ACTOR: NodeKind.ACTOR,
    ResolveKind.CHECK: NodeKind.CHECK,
    ResolveKind.DEPLOYMENT: NodeKind.DEPLOYMENT,
}


@dataclass(frozen=True, slots=True)
class Question:
    """The parameters of `/resolve`; at least `id` or `name` is given."""

    id: str | None = None
    kind: ResolveKind | None = None
    namespace: str | None = None
    name: str | None = None
    version: str | None = None


def resolve(
    _cancellation: Cancellation, catalog: Catalog, store: GraphStore, project: str, question: Question
) -> list[dict[str, Any]]:
    """Everything the question fits, best first, at most `LIMIT`; datasets with the name that counts for them."""
    try:
        fitting = list({entity.id: entity for entity in _fitting(catalog, project, question)}.values())
    except Problem as problem:
        if problem.kind is Kind.NOT_FOUND:
            return []
        if problem.kind is Kind.AMBIGUOUS:
            return list(problem.members["candidates"])
        raise
    return _with_aliases(store, project, [candidate(entity) for entity in fitting[:LIMIT]])


def _fitting(catalog: Catalog, project: str, question: Question) -> Iterable[Entity]:
    if question.id is not None:
        return catalog.by_id_prefix(project, question.id, LIMIT)
    name = question.name
    if not name:
        missing: FieldError = {"path": "name", "expected": "name or id", "got": "nothing"}
        raise Problem(Kind.REFUSED, "Say what to look for: name or id.", [missing])
    match question.kind:
        case None:
            return _anything(catalog, project, question, name)
        case ResolveKind.RUN:
            found = catalog.runs_named(project, name, LIMIT)
            return [run for run in found if question.namespace in (None, run.namespace)]
        case ResolveKind.MODEL:
            chosen = choose(catalog, project, name, question.version, question.namespace)
            return catalog.entities(project, [chosen.version]).values()
        case ResolveKind.DATASET:
            return _datasets(catalog, project, question, name)
        case kind:
            return catalog.named(project, [_NODE_KINDS[kind]], name, question.namespace, LIMIT)


def _anything(catalog: Catalog, project: str, question: Question, name: str) -> list[Entity]:
    """A bare word: a run by id or prefix, else a job, a dataset, or a dataset by its address."""
    if _RUN_ID.fullmatch(name) and question.version is None:
        runs = catalog.runs_named(project, name.lower(), LIMIT)
        if runs:
            return runs
    jobs = catalog.named(project, [NodeKind.JOB], name, question.namespace, LIMIT) if question.version is None else []
    datasets = _datasets(catalog, project, question, name)
    found = [*jobs, *datasets]
    # A value in memory goes by the name of the task that returned it: the task is what a person means.
    stored = [entity for entity in found if entity.namespace != MEMORY]
    if found or len(name) < _RUN_LETTERS:
        return stored or found
    return catalog.runs_named(project, name, LIMIT)


def _datasets(catalog: Catalog, project: str, question: Question, name: str) -> list[Entity]:
    found = datasets_named(catalog, project, question.namespace, name, LIMIT)
    if question.version is None:
        return found
    return [
        version
        for dataset in found
        for version in catalog.versions_of(project, dataset.namespace, dataset.name, question.version, LIMIT)
    ]


def _with_aliases(store: GraphStore, project: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the other names of datasets; several names of one thing become one answer."""
    datasets = [item["id"] for item in found if item["kind"] == NodeKind.DATASET.value]
    nodes = store.nodes(project, datasets) if datasets else {}
    edges = store.edges_from(project, datasets, [EdgeType.ALIAS_OF]) if datasets else []
    canonical = {edge.key.src: edge.key.dst for edge in edges}
    kept = []
    for item in found:
        node = nodes.get(item["id"])
        names = node.props.get("aliases") or () if node is not None else ()
        item["canonical"] = canonical.get(item["id"], item["id"])
        item["aliases"] = [{"namespace": namespace, "name": name} for namespace, name in names]
        if item["canonical"] == item["id"] or item["canonical"] not in nodes:
            kept.append(item)
    return kept
