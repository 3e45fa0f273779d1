"""Pages of entities: the catalogue gives the order and the ids, the graph gives the content.

Owns the keyset of each list. Every page costs a fixed number of statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineage_api import completeness
from lineage_api.answers import Completeness, RunItem, rfc3339, run_item
from lineage_api.deps import Cancellation
from lineage_api.entities.schemas import (
    ActorItem,
    ActorPage,
    DatasetItem,
    DatasetName,
    DatasetPage,
    JobItem,
    JobPage,
    ModelItem,
    ModelPage,
    NamespaceItem,
    NamespacePage,
    Registration,
    RunPage,
)
from lineage_api.pagination import Count, capped
from lineage_api.reading import PageQuestion, Reading
from lineage_api.spelling import as_kept
from lineage_graph.model import EdgeType, Node, NodeKind
from lineage_graph.projection.catalog import Entity, Filters, ModelVersion

SHOWN_FACETS = ("ownership", "documentation", "datasetType", "storage", "catalog", "tags", "dropped_at")


def runs(cancellation: Cancellation, reading: Reading, question: PageQuestion, filters: Filters) -> RunPage:
    """A page of runs."""
    found, cursor, count = _page(reading, question, NodeKind.RUN, filters)
    cancellation.check()
    nodes = reading.store.nodes(reading.project, [entity.id for entity in found])
    known = completeness.of_runs(reading.catalog, reading.store, reading.project, list(nodes.values()))
    items = [
        run_item(nodes[entity.id], known[entity.id]) if entity.id in nodes else _arriving(entity) for entity in found
    ]
    return RunPage(items=items, next_cursor=cursor, as_of=reading.as_of, count=count)


def _arriving(entity: Entity) -> RunItem:
    """A run that the catalogue knows and the graph gets in a moment."""
    props = {"name": entity.name, "job": entity.version, "job_namespace": entity.namespace, "state": entity.state}
    return run_item(Node(entity.id, NodeKind.RUN, b"", props), Completeness(truncated=True))


def jobs(cancellation: Cancellation, reading: Reading, question: PageQuestion, filters: Filters) -> JobPage:
    """A page of jobs, each with its newest run."""
    found, cursor, count = _page(reading, question, NodeKind.JOB, filters)
    items = []
    for entity in found:
        cancellation.check()
        items.append(job_item(reading, entity))
    return JobPage(items=items, next_cursor=cursor, as_of=reading.as_of, count=count)


def job_item(reading: Reading, entity: Entity) -> JobItem:
    """A job with its newest run."""
    own = Filters(namespace=entity.namespace, version=entity.name)
    last = reading.catalog.page(reading.project, NodeKind.RUN, own, after=None, limit=1)
    return JobItem(
        id=entity.id,
        namespace=entity.namespace,
        name=entity.name,
        last_run=last[0].id if last else None,
        last_state=last[0].state if last else None,
        last_started_at=rfc3339(last[0].time or None) if last else None,
    )


def datasets(_: Cancellation, reading: Reading, question: PageQuestion, filters: Filters) -> DatasetPage:
    """A page of datasets with their other names."""
    found, cursor, count = _page(reading, question, NodeKind.DATASET, filters)
    items = list(dataset_items(reading, found).values())
    return DatasetPage(items=items, next_cursor=cursor, as_of=reading.as_of, count=count)


def dataset_items(reading: Reading, found: Sequence[Entity]) -> dict[str, DatasetItem]:
    """Datasets as lists show them, by node id."""
    ids = [entity.id for entity in found]
    nodes = reading.store.nodes(reading.project, ids)
    edges = reading.store.edges_from(reading.project, ids, [EdgeType.ALIAS_OF])
    canonical = {edge.key.src: edge.key.dst for edge in edges}
    items = {}
    for entity in found:
        props: dict[str, Any] = dict(nodes[entity.id].props) if entity.id in nodes else {}
        if props.get("dropped_at") is not None:
            props["dropped_at"] = rfc3339(props["dropped_at"])
        items[entity.id] = DatasetItem(
            id=entity.id,
            namespace=entity.namespace,
            name=entity.name,
            model=entity.is_model,
            canonical=canonical.get(entity.id, entity.id),
            aliases=[DatasetName(namespace=namespace, name=name) for namespace, name in props.get("aliases") or ()],
            props={key: props[key] for key in SHOWN_FACETS if key in props},
        )
    return items


def models(_: Cancellation, reading: Reading, question: PageQuestion, filters: Filters) -> ModelPage:
    """A page of models with their newest numbers."""
    found, cursor, count = _page(reading, question, NodeKind.DATASET, filters)
    latest = reading.catalog.latest(reading.project, [entity.id for entity in found])
    shown = registrations(reading, list(latest.values()))
    items = [
        ModelItem(id=entity.id, namespace=entity.namespace, name=entity.name, latest=shown.get((entity.id, number)))
        for entity in found
        for number in [latest[entity.id].number if entity.id in latest else 0]
    ]
    return ModelPage(items=items, next_cursor=cursor, as_of=reading.as_of, count=count)


def registrations(reading: Reading, found: Sequence[ModelVersion]) -> dict[tuple[str, int], Registration]:
    """Registrations as answers show them, by (model, number)."""
    versions = reading.catalog.entities(reading.project, {item.version for item in found}) if found else {}
    return {
        (item.model, item.number): Registration(
            number=item.number,
            version=item.version,
            digest=versions[item.version].version if item.version in versions else None,
            registered_at=rfc3339(item.registered),
            tags=dict(item.tags),
        )
        for item in found
    }


def namespaces(_: Cancellation, reading: Reading, question: PageQuestion) -> NamespacePage:
    """A page of namespaces, by name."""
    after = question.cursors.read(question.cursor) or ""
    found = list(reading.catalog.namespaces(reading.project, after, question.limit + 1).items())
    items = [NamespaceItem(namespace=namespace, kinds=kinds) for namespace, kinds in found[: question.limit]]
    cursor = question.cursors.make(items[-1].namespace) if len(found) > question.limit else None
    count = None
    if question.count:
        count = capped(reading.catalog.count_namespaces(reading.project))
    return NamespacePage(items=items, next_cursor=cursor, as_of=reading.as_of, count=count)


def actors(_: Cancellation, reading: Reading, question: PageQuestion) -> ActorPage:
    """A page of actors."""
    found, cursor, count = _page(reading, question, NodeKind.ACTOR, Filters())
    items = [ActorItem(id=entity.id, issuer=entity.namespace, user=entity.name) for entity in found]
    return ActorPage(items=items, next_cursor=cursor, as_of=reading.as_of, count=count)


def _page(
    reading: Reading, question: PageQuestion, kind: NodeKind, filters: Filters
) -> tuple[list[Entity], str | None, Count | None]:
    if kind is NodeKind.DATASET:
        filters = as_kept(reading.catalog, reading.project, filters)
    place = question.cursors.read(question.cursor)
    after = (int(place[0]), str(place[1])) if place is not None else None
    found = reading.catalog.page(reading.project, kind, filters, after=after, limit=question.limit + 1)
    page = found[: question.limit]
    cursor = question.cursors.make([page[-1].time, page[-1].id]) if len(found) > question.limit else None
    count = capped(reading.catalog.count(reading.project, kind, filters)) if question.count else None
    return page, cursor, count
