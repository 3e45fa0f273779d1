"""Which version of which model is meant by a name and a number, digest or alias.

Owns that choice for every route that takes a model. Does not walk from it (`origins`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lineage_api.answers import rfc3339
from lineage_api.problem import Kind, Problem
from lineage_api.spelling import datasets_named
from lineage_graph.model import Node, NodeKind
from lineage_graph.projection.catalog import Catalog, Entity, Filters, ModelVersion
from lineage_graph.store import GraphStore

_CANDIDATES = 20
_COMPARED = 1_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model version: the model's dataset, the version's node id, its registrations (none: never registered)."""

    model: Entity
    version: str
    registrations: Sequence[ModelVersion]

    @property
    def number(self) -> int | None:
        """The highest number this version was registered under."""
        return max((found.number for found in self.registrations), default=None)


def choose(catalog: Catalog, project: str, name: str, version: str | None, namespace: str | None = None) -> Chosen:
    """The version meant; without `version` the newest registered one, else the newest that any run made.

    Args:
        version: a number, `sha256:` and at least eight digits, `@alias`, or the producer's own version.

    Raises:
        Problem: 404 for no such model or version, 409 with candidates when several fit.
    """
    model = _model(catalog, project, name, namespace)
    if version is None:
        return _newest(catalog, project, model)
    if version.startswith("@"):
        raise Problem(
            Kind.NOT_FOUND,
            f"{name} has no alias {version[1:]!r}; give a number or a digest ({_known(catalog, project, model)}).",
        )
    if version.isdecimal() and len(version) < 10:
        found = catalog.model_version(project, model.id, int(version))
        if found is not None:
            return _chosen(catalog, project, model, found.version)
    fitting = catalog.versions_of(project, model.namespace, model.name, version, _CANDIDATES)
    if not fitting:
        known = _known(catalog, project, model)
        raise Problem(Kind.NOT_FOUND, f"{name} has no version {version!r}; it has {known}.")
    if len(fitting) > 1:
        raise ambiguous(f"{name}@{version}", fitting)
    return _chosen(catalog, project, model, fitting[0].id)


def choose_of(catalog: Catalog, project: str, model: Node, version: str) -> str | None:
    """Node id of the version of a dataset that a number or digest means; None where none or several fit."""
    number = version.removeprefix("v")
    if number.isdecimal() and len(number) < 10:
        registered = catalog.model_version(project, model.id, int(number))
        if registered is not None:
            return registered.version
    found = catalog.versions_of(project, model.props["namespace"], model.props["name"], version, 2)
    return found[0].id if len(found) == 1 else None


def registered_as(registrations: Sequence[ModelVersion]) -> list[dict[str, object]]:
    """Registrations as answers show them."""
    return [
        {"number": found.number, "registered_at": rfc3339(found.registered), "tags": dict(found.tags)}
        for found in registrations
    ]


def candidate(entity: Entity) -> dict[str, object]:
    """An entity as `/resolve` and ambiguous answers list it."""
    return {
        "id": entity.id,
        "kind": entity.kind.value,
        "namespace": entity.namespace or None,
        "name": entity.name,
        "version": entity.version or None,
        "time": rfc3339(entity.time or None),
        "state": entity.state or None,
        "model": entity.is_model,
    }


def ambiguous(reference: str, fitting: Sequence[Entity]) -> Problem:
    """The 409 of a reference that fits several things."""
    return Problem(
        Kind.AMBIGUOUS,
        f"{reference} fits {len(fitting)} things: name one of them",
        members={"candidates": [candidate(entity) for entity in fitting]},
    )


def current_node(store: GraphStore, project: str, node_id: str) -> Node:
    """A node of the graph.

    Raises:
        Problem: 404.
    """
    found = store.nodes(project, [node_id]).get(node_id)
    if found is None:
        raise Problem(Kind.NOT_FOUND, f"No node {node_id[:60]!a} in this project.", members={"see": "/resolve"})
    return found


def _model(catalog: Catalog, project: str, name: str, namespace: str | None) -> Entity:
    named = datasets_named(catalog, project, namespace, name, _CANDIDATES)
    models = [entity for entity in named if entity.is_model]
    if not models:
        if named:
            raise Problem(Kind.NOT_FOUND, f"{name!r} is a dataset, not a model.", members={"see": "/lineage"})
        raise _no_model(catalog, project, name)
    if len(models) > 1:
        raise ambiguous(name, models)
    return models[0]


def _no_model(catalog: Catalog, project: str, name: str) -> Problem:
    there = catalog.page(project, NodeKind.DATASET, Filters(is_model=True), after=None, limit=_COMPARED)
    similar = get_close_matches(name, sorted({model.name for model in there}), n=3)
    hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
    return Problem(Kind.NOT_FOUND, f"No model {name!r} in this project.{hint}", members={"see": "/models"})


def _newest(catalog: Catalog, project: str, model: Entity) -> Chosen:
    registered = catalog.model_version(project, model.id, None)
    if registered is not None:
        return _chosen(catalog, project, model, registered.version)
    same_name = Filters(namespace=model.namespace, name=model.name)
    made = catalog.page(project, NodeKind.DATASET_VERSION, same_name, after=None, limit=1)
    if not made:
        raise Problem(Kind.NOT_FOUND, f"{model.name} is known by name only: no run made a version of it.")
    return _chosen(catalog, project, model, made[0].id)


def _chosen(catalog: Catalog, project: str, model: Entity, version: str) -> Chosen:
    registrations = catalog.registrations(project, [version]).get(version, [])
    return Chosen(model, version, [found for found in registrations if found.model == model.id])


def _known(catalog: Catalog, project: str, model: Entity) -> str:
    latest = catalog.model_version(project, model.id, None)
    if latest is None:
        return "no registered version"
    return "version 1" if latest.number == 1 else f"versions 1 to {latest.number}"
